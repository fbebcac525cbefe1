"""``acme,ds2-cm4``: a core of the DS2, with the firmware of this package."""

from __future__ import annotations

from typing import ClassVar

from acme_soc.machine import ACME
from rprocfs.base.property import Key
from rprocfs.drivers.worker.driver import WorkerDriver, refused
from rprocfs.drivers.worker.ops import WorkerOps
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.remoteproc.rproc import rproc_vq_interrupt

EM_ARM = 40
VRING, CONTROL = 0, 1  # channels; the word on VRING is a notifyid
SHUTDOWN, DELAY = 1 << 31, 1 << 30  # words on CONTROL, DELAY with milliseconds


class AcmeOps(WorkerOps):
    """*delay_ms* is how long the firmware waits before it announces its channels."""

    delay_ms = 0

    def start(self, rproc):
        """Release the core, and tell it the delay."""
        super().start(rproc)
        self.send(CONTROL, (DELAY | self.delay_ms).to_bytes(4, "little"))

    def kick(self, rproc, notifyid):
        """A message to the vring."""
        if not self.send(VRING, notifyid.to_bytes(4, "little")):
            rproc.err(f"the mailbox is full, vring {notifyid}")

    def request_shutdown(self, rproc, worker):
        """Ask for it, and wait for the answer."""
        self.send(CONTROL, SHUTDOWN.to_bytes(4, "little"))
        self.ended.wait(0.1)

    def message(self, rproc, channel, payload):
        """A vring's number; anything on CONTROL says that the firmware has come to its end."""
        if channel == VRING:
            rproc_vq_interrupt(rproc, int.from_bytes(payload, "little"))
        else:
            self.ended.set()


class AcmeDriver(WorkerDriver):
    """The platform driver. The processors of one bus are cores of one DS2."""

    name = "acme-rproc"
    compatible = ("acme,ds2-cm4",)
    prefix = "cm"
    machine, shared = ACME, True
    elf_machine = EM_ARM
    ops = AcmeOps
    engines: ClassVar = {"unicorn": UnicornEngine}
    properties: ClassVar = WorkerDriver.properties | {
        "acme,core": Key(int, "which core it is: 0 or 1"),
        "acme,delay-ms": Key(int, "how long it waits before it announces its channels"),
    }

    def core(self, device):
        """EINVAL for a core that there is not."""
        name = f"cm{device.properties.get('acme,core', 0)}"
        if name not in ACME.cores:
            raise refused(device, f"there is no core {name}")
        return name

    def make_ops(self, device):
        """With the delay."""
        ops = super().make_ops(device)
        ops.delay_ms = min(device.properties.get("acme,delay-ms", 0), DELAY - 1)
        return ops

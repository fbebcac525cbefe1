"""The Cortex-R5Fs of a Zynq UltraScale+ as a machine: images for a real board are executed.

The machine is :mod:`rprocfs.soc.zynqmp`, the mailbox that of drivers/mailbox/zynqmp-ipi-mailbox.c:
Linux triggers the core with the number of a ring in the request buffer, and the core triggers the
agent that Linux is (``xlnx,ipi-id``, or 7, as in the vendor's devicetrees).

A devicetree may name several mailboxes, as those of the boards here do: images of the vendor's BSP
take Linux for agent 7, Zephyr's for agent 0. Then Linux is the one that the core has last rung, or
else the first one that it listens to.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from rprocfs.base.mailbox import MboxChan
from rprocfs.base.platform import PlatformDevice
from rprocfs.devicetree.address import address_to_resource
from rprocfs.devicetree.phandle import parse_phandles_with_args
from rprocfs.drivers.machine import MachineOps
from rprocfs.drivers.xlnx_r5_of import SPLIT, mode
from rprocfs.drivers.xlnx_r5_ops import ZynqmpR5Ops
from rprocfs.drivers.xlnx_r5_rsc_tbl import rsc_tbl_data
from rprocfs.hw.xilinx.ipi import CLEAR, MESSAGE, RPU, TRIGGER, UNMASK, request
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.dump_segment import DumpSegment
from rprocfs.remoteproc.rproc import rproc_vq_interrupt
from rprocfs.remoteproc.state import State
from rprocfs.soc.zynqmp import ZYNQMP_LOCKSTEP, ZYNQMP_SPLIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rprocfs.devicetree.node import OfNode
    from rprocfs.drivers.worker.soc import Soc
    from rprocfs.engines.engine import Engine
    from rprocfs.remoteproc.regions import Memory
    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.soc.zynqmp import Zynqmp

log = logging.getLogger(__name__)

#: The agent that Linux is: the one of APU, RPU, PMU and PL that talks to the RPU.
LINUX = 7
REQUEST = "local_request_region"
#: How long firmware has to put its table where Linux looks, and between two looks, in seconds.
BOOT_TIME, BOOT_LOOK = 0.5, 0.005


class ZynqmpR5MachineOps(ZynqmpR5Ops, MachineOps):
    """``zynqmp_r5_rproc_ops`` of a core of *soc*."""

    def __init__(self, soc: Soc, engine: Engine, core: str, elf_machine: int) -> None:
        MachineOps.__init__(self, soc, engine, core, elf_machine)
        self._agent = RPU[int(core[-1])]
        self._mailboxes = {LINUX: request(LINUX, self._agent)}
        self._linux = LINUX
        self._unmasked: set[int] = set()
        self._unheard: set[int] = set()
        self._rung = False  # whether the core has rung Linux
        self._queued = False
        self._tx = MboxChan(lambda: None)
        self._vqid = 0
        soc.senders[core] = self.send

    def describe(self, device: PlatformDevice, node: OfNode) -> None:
        """Who Linux is, by the mailboxes of the core."""
        super().describe(device, node)
        found = parse_phandles_with_args(self.node, "mboxes", "#mbox-cells")
        if device.model.strict:
            found = found[:1]  # as a kernel, which takes the first one of a name
        self._mailboxes = dict(self._mailbox(mbox.node) for mbox in found) or self._mailboxes
        self._linux = next(iter(self._mailboxes))

    def _mailbox(self, node: OfNode) -> tuple[int, int]:
        """The agent that Linux is there, and where its requests are."""
        local = None if node.parent is None else node.parent.u32("xlnx,ipi-id")
        agent = LINUX if local is None else local
        names, region = node.strings("reg-names"), None
        if REQUEST in names:
            region = address_to_resource(node, names.index(REQUEST))
        if region is None or self.soc.memory.find(region[0], MESSAGE) is None:
            return agent, request(agent, self._agent)
        return agent, region[0]

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """Nothing but the carveouts."""
        del rproc, da, length
        return None

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """Nothing but the carveouts."""
        del rproc
        return ()

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """zynqmp_r5_parse_fw(), and at which vectors the core begins."""
        ZynqmpR5Ops.parse_fw(self, rproc, fw)
        self._take(rproc, fw)

    def _take(self, rproc: Rproc, fw: bytes) -> None:
        self._image = fw if rproc.model.observe.anything else b""
        entry = elf_loader.rproc_elf_get_boot_addr(fw)
        self._boot = self.soc.machine.boot(self._core, entry, ())

    def start(self, rproc: Rproc) -> None:
        """zynqmp_r5_rproc_start(): the core is woken, at the low vectors or at the high ones."""
        self._tx = MboxChan(self._trigger)
        self._linux, self._rung = next(iter(self._mailboxes)), False
        self._unmasked.clear()
        self._unheard.clear()
        MachineOps.start(self, rproc)

    def attach(self, rproc: Rproc) -> None:
        """zynqmp_r5_attach(): the core is already running."""
        del rproc

    def stop(self, rproc: Rproc) -> None:
        """zynqmp_r5_rproc_stop(): from now on it boots to recover."""
        rproc.attach_on_recovery = False
        super().stop(rproc)

    def leave(self) -> None:
        """The core runs on."""

    def boot_loader(self, rproc: Rproc, table: memoryview | None = None) -> None:
        """On a board, the firmware has run for long when Linux looks for its table."""
        super().boot_loader(rproc, table)
        device, limit = rproc.parent_dev, time.monotonic() + BOOT_TIME
        assert isinstance(device, PlatformDevice)
        while not self._boot.halted and time.monotonic() < limit:
            data = rsc_tbl_data(device, self.node)
            if data is None or data.valid:
                break
            time.sleep(BOOT_LOOK)

    def load_before(self, rproc: Rproc, fw: bytes) -> None:
        """Without the carveouts, which there are none of yet. FirmwareError."""
        ZynqmpR5Ops.load_before(self, rproc, fw)
        self._take(rproc, fw)

    def memory_in_use(self) -> Iterator[DumpSegment]:
        """Its TCMs, too, where the core sees them: stacks are there."""
        yield from super().memory_in_use()
        for bank in self.soc.machine.local.get(self._core, ()):
            yield DumpSegment(bank.da, bank.size)

    def _is_one_memory(self, da: int, size: int) -> bool:
        return any(bank.find(da, size) >= 0 for bank in self._banks)

    def _read_memory(self, da: int, offset: int, size: int) -> bytes:
        for bank in self._banks:
            if (at := bank.find(da + offset, size)) >= 0:
                return bytes(self.soc.memory.view[at : at + size])
        return b""

    def close(self) -> None:
        """End all of it."""
        self.soc.senders.pop(self._core, None)
        MachineOps.close(self)
        self._tx.free()

    def mbox_send_message(self, rproc: Rproc, vqid: int) -> None:
        """The number of the ring, in a message."""
        self._vqid = vqid
        if self._worker is not None and not self._tx.send_message():
            rproc.parent_dev.warn("failed to send message")

    def _trigger(self) -> None:
        """zynqmp_ipi_send_data(): the request, then the trigger."""
        agent = self._linux
        message = self._vqid.to_bytes(4, "little").ljust(MESSAGE, b"\0")
        self.soc.memory.at(self._mailboxes[agent], MESSAGE)[:] = message
        self.send(TRIGGER, bytes((agent, self._agent)))

    # On the engine's I/O thread.

    def message(self, rproc: Rproc, channel: int, payload: bytes) -> None:
        """The core triggered an agent, or has cleared the trigger of one.

        What concerns the other core is passed on; agents that are not there clear at once.
        """
        if len(payload) != len(RPU):
            return
        sender, receiver = payload
        if receiver in RPU:
            forward = self.soc.senders.get(f"r5f{RPU.index(receiver)}")
            if forward is not None:
                forward(channel, payload)
        elif channel == TRIGGER:
            self.send(CLEAR, bytes((receiver, sender)))
            self._was_rung(rproc, receiver)
        elif channel == CLEAR and receiver == self._linux:
            self._tx.txdone()
        elif channel == UNMASK and receiver in self._mailboxes:
            self._unmasked.add(receiver)
            if not self._rung and self._linux not in self._unmasked:
                self._become(receiver)

    def _was_rung(self, rproc: Rproc, agent: int) -> None:
        """The core triggered *agent*, which may be Linux."""
        if agent not in self._mailboxes:
            if agent not in self._unheard:
                self._unheard.add(agent)
                agents = " and ".join(map(str, self._mailboxes))
                log.debug("%s: it triggers IPI agent %d, Linux is %s", rproc.name, agent, agents)
            return
        self._rung = True
        self._become(agent)
        if not self._queued:
            self._queued = True
            self._workqueue.queue_work(partial(self._handle_event_notified, rproc))

    def _become(self, agent: int) -> None:
        """Linux is *agent* from now on; what it has sent as another one is sent again."""
        if agent != self._linux:
            self._linux = agent
            self._tx.resend()

    def _handle_event_notified(self, rproc: Rproc) -> None:
        """handle_event_notified(): every ring may have something."""
        self._queued = False
        with rproc.lock:
            if rproc.state in (State.RUNNING, State.ATTACHED) and not self.report_crash(rproc):
                for notifyid in rproc.notifyids.in_use():
                    rproc_vq_interrupt(rproc, notifyid)


def machine_of(node: OfNode) -> Zynqmp | None:
    """The machine that the core at *node* is of; None: there is none for its SoC."""
    cluster = node.parent
    if cluster is None or "xlnx,zynqmp-r5f" not in node.strings("compatible"):
        return None
    if "xlnx,zynqmp" not in node.root.strings("compatible"):
        return None
    return ZYNQMP_SPLIT if mode(cluster) == SPLIT else ZYNQMP_LOCKSTEP

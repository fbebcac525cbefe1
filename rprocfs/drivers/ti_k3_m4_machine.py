"""The Cortex-M4F of an AM62x as a machine: images for a real board are executed, by Unicorn.

The machine is :mod:`rprocfs.soc.am62x`, and the FIFOs of the mailbox are those of the devicetree:
``mboxes`` leads to a node with ``ti,mbox-rx`` and ``ti,mbox-tx``. A message is a word: the number
of a vring, or one of drivers/remoteproc/omap_remoteproc.h.
"""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING

from rprocfs.base.mailbox import MBOX_TX_QUEUE_LEN
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.devicetree.reserved import of_reserved_mem_lookup
from rprocfs.drivers.machine import MachineOps
from rprocfs.drivers.ti_k3_common import K3Memories
from rprocfs.drivers.worker.driver import refused
from rprocfs.hw.ti.omap_mailbox import DEPTH, FIFOS
from rprocfs.locking import LockClass, new_lock
from rprocfs.remoteproc.rproc import RprocOps, rproc_vq_interrupt
from rprocfs.soc.am62x import AM62X, DDR, DDR_SIZE, IRAM
from rprocfs.soc.k3_mailbox import ENABLE, MESSAGE, TAKEN

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.drivers.worker.soc import Soc
    from rprocfs.engines.engine import Engine
    from rprocfs.engines.worker import Worker
    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.soc.machine import Machine

#: ``enum omap_rp_mbox_messages``; the shutdown is of the vendor's kernels.
RP_MBOX_READY, RP_MBOX_CRASH = 0xFFFF_FF00, 0xFFFF_FF02
RP_MBOX_ECHO_REQUEST, RP_MBOX_ECHO_REPLY = 0xFFFF_FF03, 0xFFFF_FF04
RP_MBOX_SHUTDOWN, RP_MBOX_SHUTDOWN_ACK = 0xFFFF_FF14, 0xFFFF_FF15
#: FIFOs without a node that says them: those of k3-am62x-sk-common.dtsi.
RX_FIFO, TX_FIFO = 0, 1
#: How long firmware may take to answer a request to shut down, in seconds.
SHUTDOWN_TIMEOUT = 0.5


class K3M4MachineOps(K3Memories, MachineOps):
    """``k3_m4_rproc_ops`` of a core of *soc*."""

    def __init__(self, soc: Soc, engine: Engine, core: str, elf_machine: int) -> None:
        MachineOps.__init__(self, soc, engine, core, elf_machine)
        self._rung: dict[int, None] = {}  # vrings that were not handled yet, in order
        self._lock = new_lock(LockClass.MAILBOX)
        self._waiting: list[int] = []  # words that the FIFO has no room for
        self._room = 0

    def vector_table(self, rproc: Rproc) -> int | None:
        """At the start of the IRAM."""
        del rproc
        return IRAM

    # The processor's life.

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """Only the resource table."""
        RprocOps.parse_fw(self, rproc, fw)

    def start(self, rproc: Rproc) -> None:
        """k3_m4_rproc_start(): ping the core, and release it."""
        with self._lock:
            self._waiting, self._room = [RP_MBOX_ECHO_REQUEST], 0
            self._rung.clear()
        MachineOps.start(self, rproc)
        self.send(ENABLE, bytes(self._fifos()))
        with self._lock:
            self._room = DEPTH
            self._fill()

    def attach(self, rproc: Rproc) -> None:
        """k3_m4_rproc_attach(): ping the core."""
        self._send_message(rproc, RP_MBOX_ECHO_REQUEST)

    def detach(self, rproc: Rproc) -> None:
        """k3_m4_rproc_detach(): nothing is to be done."""

    def request_shutdown(self, rproc: Rproc, worker: Worker) -> None:
        """Unless ``strict``, what the vendor's kernels do: RP_MBOX_SHUTDOWN, and its answer.

        k3_m4_rproc_stop() of mainline asserts the reset at once.
        """
        if not rproc.model.strict:
            self._send_message(rproc, RP_MBOX_SHUTDOWN)
            self.ended.wait(SHUTDOWN_TIMEOUT)

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """k3_get_loaded_rsc_table()."""
        del rproc
        return self.loaded_rsc_table()

    # The mailbox.

    def _fifos(self) -> tuple[int, int]:
        """Which FIFO Linux reads, and which it writes: omap_mbox_of_xlate()."""
        node = self.device.of_node
        assert node is not None
        for mbox in parse_phandles(node, "mboxes")[1:2]:
            rx = mbox.cells("ti,mbox-rx") if mbox is not None else ()
            tx = mbox.cells("ti,mbox-tx") if mbox is not None else ()
            if rx and tx and max(rx[0], tx[0]) < FIFOS:
                return rx[0], tx[0]
        return RX_FIFO, TX_FIFO

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """k3_rproc_kick(): the number of the vring is the message."""
        self._send_message(rproc, notifyid)

    def _send_message(self, rproc: Rproc, word: int) -> None:
        """mbox_send_message(): it may wait for room, behind those before.

        If too many wait, one that waits already is not sent again: the core looks at the
        whole ring, and a board's core is never as far behind as one whose host is busy.
        """
        if self._worker is None:
            return
        with self._lock:
            lost = len(self._waiting) >= MBOX_TX_QUEUE_LEN and word not in self._waiting
            if len(self._waiting) < MBOX_TX_QUEUE_LEN:
                self._waiting.append(word)
            self._fill()
        if lost:
            code = -errno.ENOBUFS
            rproc.parent_dev.err(f"failed to send mailbox message, status = {code}")

    def _fill(self) -> None:
        while self._waiting and self._room:
            self._room -= 1
            self.send(MESSAGE, self._waiting.pop(0).to_bytes(4, "little"))

    # On the engine's I/O thread.

    def message(self, rproc: Rproc, channel: int, payload: bytes) -> None:
        """The core has sent a word, or has taken one."""
        if channel == TAKEN:
            with self._lock:
                self._room = min(self._room + 1, DEPTH)
                self._fill()
        elif channel == MESSAGE:
            self._mbox_callback(rproc, int.from_bytes(payload, "little"))

    def _mbox_callback(self, rproc: Rproc, word: int) -> None:
        """k3_rproc_mbox_callback()."""
        device = rproc.parent_dev
        if word == RP_MBOX_CRASH:
            device.err(f"K3 rproc {rproc.label} crashed")
        elif word == RP_MBOX_ECHO_REPLY:
            device.info(f"received echo reply from {rproc.label}")
        elif word == RP_MBOX_SHUTDOWN_ACK:
            self.ended.set()
        elif word < RP_MBOX_READY and word in rproc.notifyids.in_use():
            with self._lock:
                idle = not self._rung
                self._rung.setdefault(word)
            if idle:
                self._workqueue.queue_work(partial(self._vq_work, rproc))

    def _vq_work(self, rproc: Rproc) -> None:
        """mbox_rx_work(): all vrings that were named since."""
        while True:
            with self._lock:
                word = next(iter(self._rung), None)
                if word is None:
                    return
                del self._rung[word]
            rproc_vq_interrupt(rproc, word)


def machine_of(node: OfNode) -> Machine | None:
    """The machine that the core at *node* is of; None: there is none for its SoC."""
    return (
        AM62X
        if any(name.startswith("ti,am62") for name in node.root.strings("compatible"))
        else None
    )


def check_reserved(device: PlatformDevice) -> None:
    """EINVAL for a reserved memory that the core has not got."""
    node = device.of_node
    assert node is not None
    for region in parse_phandles(node, "memory-region"):
        rmem = of_reserved_mem_lookup(region)
        if rmem is not None and not DDR <= rmem.base <= DDR + DDR_SIZE - rmem.size:
            where = f"{DDR:#x} to {DDR + DDR_SIZE:#x}"
            raise refused(device, f"{rmem.name} is outside the core's DDR, {where}")

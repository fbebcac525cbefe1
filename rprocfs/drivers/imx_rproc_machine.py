"""The Cortex-M of the i.MX 8M as a machine: images for a real board are executed, by Unicorn.

The machine is :mod:`rprocfs.soc.imx8m`, and the channel of each mailbox is the one that
the devicetree's ``mboxes`` says. Linux's part of the messaging unit is in
:mod:`rprocfs.soc.imx8m_mailbox`.
"""

from __future__ import annotations

import errno
import threading
from functools import partial
from typing import TYPE_CHECKING

from rprocfs.base.mailbox import MboxChan
from rprocfs.devicetree.phandle import parse_phandles_with_args
from rprocfs.drivers.imx_rproc_dcfg import Method
from rprocfs.drivers.imx_rproc_ops import ImxRprocOps
from rprocfs.drivers.machine import MachineOps
from rprocfs.drivers.worker.ops import TELL_WITHIN
from rprocfs.hw.nxp.mu import CHANNELS, RF, bit
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.dump_segment import DumpSegment
from rprocfs.remoteproc.rproc import rproc_vq_interrupt
from rprocfs.remoteproc.state import State
from rprocfs.remoteproc.virtio import rproc_vdevs
from rprocfs.soc.imx8m import DDR_CODE, IMX8MM, IMX8MN, IMX8MP, IMX8MQ, TCML, Imx8m
from rprocfs.soc.imx8m_mailbox import EMPTY, ENABLE, UP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rprocfs.drivers.worker.soc import Soc
    from rprocfs.engines.death import Death
    from rprocfs.engines.engine import Engine
    from rprocfs.remoteproc.rproc import Rproc

MACHINES: Mapping[str, Imx8m] = {
    "fsl,imx8mm-cm4": IMX8MM,
    "fsl,imx8mq-cm4": IMX8MQ,
    "fsl,imx8mn-cm7": IMX8MN,
    "fsl,imx8mn-cm7-mmio": IMX8MN,
    "fsl,imx8mp-cm7": IMX8MP,
    "fsl,imx8mp-cm7-mmio": IMX8MP,
}
#: How long the core may take to read a word, in seconds. ``tx_tout`` is 0.1, for a core that never
#: waits for a processor of its host.
TX_TIMEOUT = 2.0
#: The longest wait for a core that does not say that it is up: see imx8m_mailbox.PATIENCE.
UP_TIMEOUT = 10.0
#: What U-Boot's ``bootaux`` copies to TCML: the stack pointer and the address to begin at.
VECTORS = 8
WFI, WFI_WIDE = b"\x30\xbf", b"\xaf\xf3\x03\x80"


class ImxMachineOps(ImxRprocOps, MachineOps):
    """``imx_rproc_ops`` of a core of *soc*."""

    def __init__(self, soc: Soc, engine: Engine, core: str, elf_machine: int) -> None:
        super().__init__(soc, engine, core, elf_machine)
        self._queued = self._outstanding = False
        self._up = threading.Event()
        self._kicks: list[int] = []
        self._sent = 0  # how many messages, to tell which of them a timeout is for
        self._tx = MboxChan(lambda: None)
        self._channels: dict[str, int] = {}
        self._heard_on: frozenset[int] = frozenset()

    # The processor's life.

    def power_up(self, rproc: Rproc) -> None:
        """Release the core, and wait until it is up.

        The kernel goes on at once, and a core is faster than Linux's virtio; the vendor's kernels
        even wait for ``fsl,startup-delay-ms``. Firmware that clears its rings or copies its
        resource table as it starts counts on that. Without virtio there is nothing to wait for.
        """
        self._up.clear()
        self._kicks.clear()
        self._outstanding = False
        self._tx = MboxChan(partial(self._transmit, rproc))
        MachineOps.start(self, rproc)
        # A debugger decides itself when a halted core is up.
        if not self._boot.halted and (rproc_vdevs(rproc) or rproc.state is State.DETACHED):
            self._up.wait(UP_TIMEOUT)
        self._enable(rproc)

    def attach(self, rproc: Rproc) -> None:
        """imx_rproc_attach()."""
        super().attach(rproc)
        self._enable(rproc)

    def power_down(self, rproc: Rproc) -> None:
        """Stop the core. The secure monitor says whether it was in a WFI."""
        if self._dcfg.method is Method.SMC and not self._in_wfi(rproc):
            self._device.info("Not in wfi, force stopped")
        MachineOps.stop(self, rproc)

    def _in_wfi(self, rproc: Rproc) -> bool:
        worker = self._worker
        if worker is None or self._crashed or rproc.state is State.CRASHED:
            return False
        worker.halt()
        registers = worker.registers(TELL_WITHIN)
        behind = registers[15] if registers else 0
        before = self.soc.memory.find(behind - 4, 4)
        return before is not None and (bytes(before[2:]) == WFI or bytes(before) == WFI_WIDE)

    def load_before(self, rproc: Rproc, fw: bytes) -> None:
        """As U-Boot does it. FirmwareError.

        An image that does not begin in TCML is begun by ``bootaux``, which copies the first two
        words of its vector table there.
        """
        del rproc
        elf_loader.rproc_elf_load_segments(self.soc.memory.find, fw)
        first = next(elf_loader.iter_load_segments(fw), None)
        vectors = first and self.soc.memory.find(first.da, VECTORS)
        if vectors:
            self.soc.memory.at(TCML, VECTORS)[:] = bytes(vectors)

    def memory_in_use(self) -> Iterator[DumpSegment]:
        """All memory that was ever written to, where the core has it first."""
        seen = set()
        for bank in self.soc.memory.banks:
            if bank.offset not in seen and bank.da != DDR_CODE:
                seen.add(bank.offset)
                for da, size in self.soc.memory.occupied():
                    if bank.find(da, size) >= 0:
                        yield DumpSegment(da, size)

    def close(self) -> None:
        """End all of it."""
        super().close()
        self._tx.free()

    # Mailboxes.

    def _enable(self, rproc: Rproc) -> None:
        """imx_mu_startup() of the mailbox ``rx``: its interrupt.

        The boards here have a second one of that name, for Zephyr, which rings for ring 0 on
        channel 0. The kernel takes the first one of a name, and so does ``strict``.
        """
        names = self._node.strings("mbox-names")
        mboxes = parse_phandles_with_args(self._node, "mboxes", "#mbox-cells")
        found = [
            (name, mbox.args[1])
            for name, mbox in zip(names, mboxes, strict=False)
            if len(mbox.args) > 1 and mbox.args[1] < CHANNELS
        ]
        self._channels = dict(reversed(found))
        heard = [channel for name, channel in found if name == "rx"]
        self._heard_on = frozenset(heard[:1] if rproc.model.strict else heard)
        if heard:
            word = sum(bit(RF, channel) for channel in self._heard_on)
            self.send(ENABLE, word.to_bytes(4, "little"))

    def mbox_send_message(self, rproc: Rproc, notifyid: int) -> None:
        """The number of the ring, in the upper half of a word.

        The kernel waits until the core has read it. Here the next message waits, and one that
        waits already is not sent twice: the core looks at the whole ring.
        """
        if self._worker is None or "tx" not in self._channels or notifyid in self._kicks:
            return
        self._kicks.append(notifyid)
        if not self._tx.send_message():
            self._failed(rproc, notifyid, errno.ENOBUFS)

    def _transmit(self, rproc: Rproc) -> None:
        notifyid = self._kicks.pop(0)
        self._sent += 1
        self._outstanding = True
        self.send(self._channels["tx"], (notifyid << 16).to_bytes(4, "little"))
        self._wait(rproc, notifyid, self._sent)

    def _wait(self, rproc: Rproc, notifyid: int, number: int, *, stood: bool = False) -> None:
        worker = self._worker
        if worker is not None:
            over = partial(self._timed_out, rproc, notifyid, number, stood)
            worker.call_later(TX_TIMEOUT, over)

    def _timed_out(self, rproc: Rproc, notifyid: int, number: int, stood: bool) -> None:
        """``tx_tout`` is over: unless the core has read the word, on with the next one.

        A debugger may let time stand still: all of it begins anew when the debugger has left.
        """
        if number != self._sent or not self._outstanding or self._crashed:
            return
        stands = self.debugger is not None and self.debugger.attached
        if stands or stood:
            self._wait(rproc, notifyid, number, stood=stands)
        else:
            self._outstanding = False
            self._failed(rproc, notifyid, errno.ETIME)
            self._tx.txdone()

    def _failed(self, rproc: Rproc, notifyid: int, code: int) -> None:
        self._device.err(f"imx_rproc_kick: failed ({notifyid}, err:{-code})")

    # On the engine's I/O thread.

    def message(self, rproc: Rproc, channel: int, payload: bytes) -> None:
        """The core has sent a word, has read one, or is up."""
        del payload
        if channel == UP:
            self._up.set()
        elif channel & ~(CHANNELS - 1) == EMPTY:
            self._outstanding = False
            self._tx.txdone()
        elif channel in self._heard_on and not self._queued:
            self._queued = True
            self._workqueue.queue_work(partial(self._vq_work, rproc))

    def _died(self, rproc: Rproc, death: Death) -> None:
        super()._died(rproc, death)
        self._up.set()

    def _vq_work(self, rproc: Rproc) -> None:
        """imx_rproc_vq_work(): every ring may have something."""
        self._queued = False
        for notifyid in rproc.notifyids.in_use():
            rproc_vq_interrupt(rproc, notifyid)

"""``st,stm32mp1-m4``: the Cortex-M4 of an STM32MP157 -- drivers/remoteproc/stm32_rproc.c.

Runs ELF images that were built for a real board: the machine is
:mod:`rprocfs.soc.stm32mp1`, executed by Unicorn. Properties of its description:

============= ===================================================================
label         the processor's name (default ``m4``)
firmware-name the default firmware file
memory-region the reserved memories, each a carveout of its name; those of ST's
              discovery kits for a board that has no devicetree and gives none
console-log   a file that the output of the firmware's UARTs is appended to
devices       what is at its buses, ``PLACE=FILE.py:CLASS`` each
auto-boot     boot when registered; in a devicetree, ``st,auto-boot``
detached      the boot loader has started the default firmware: attach
phandle       number for ``rproc_get_by_phandle``
============= ===================================================================

A devicetree describes memories and mailboxes itself: see
:mod:`rprocfs.drivers.stm32_rproc_of`.
"""

from __future__ import annotations

import errno
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rprocfs.base.mailbox import MboxChan
from rprocfs.base.property import Key
from rprocfs.base.workqueue import Workqueue
from rprocfs.drivers.stm32_rproc_of import memory_regions, request_mbox
from rprocfs.drivers.worker.driver import WorkerDriver
from rprocfs.drivers.worker.ops import WorkerOps
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.fs.kernfs import error
from rprocfs.hw.st.ipcc import FREED
from rprocfs.locking import LockClass
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.core import devm_rproc_add, devm_rproc_alloc
from rprocfs.remoteproc.coredump import (
    ELFCLASS32,
    rproc_coredump_add_segment,
    rproc_coredump_set_elf_info,
)
from rprocfs.remoteproc.dump_segment import DumpSegment
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.memory import rproc_mem_entry_init
from rprocfs.remoteproc.regions import Memory
from rprocfs.remoteproc.rproc import (
    RprocMemEntry,
    RprocOps,
    refusal_logged,
    rproc_add_carveout,
    rproc_vq_interrupt,
)
from rprocfs.remoteproc.state import State
from rprocfs.soc.stm32mp1 import STM32MP157

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.drivers.worker.soc import Soc
    from rprocfs.engines.engine import Engine
    from rprocfs.engines.worker import Worker
    from rprocfs.remoteproc.rproc import Rproc

log = logging.getLogger(__name__)

EM_NONE, EM_ARM = 0, 40
VQ_MBOXES = ("vq0", "vq1")
MBOXES = (*VQ_MBOXES, "shutdown", "detach")
#: The mailboxes of these names are these channels of the IPCC.
SHUTDOWN, DETACH = 2, 3

#: ``tx_tout`` of these mailboxes, in seconds.
SHUTDOWN_TIMEOUT, DETACH_TIMEOUT = 0.5, 0.2

#: How much is taken for the resource table of a processor that runs already.
RSC_TBL_SIZE = 1024

#: ``memory-region`` of arch/arm/boot/dts/st/stm32mp15xx-dkx.dtsi, and where the processor
#: has them (``dma-ranges`` of its bus, stm32mp151.dtsi).
DKX_REGIONS = (
    {"label": "retram", "da": 0x0, "pa": 0x3800_0000, "size": 0x1_0000},
    {"label": "mcuram", "da": 0x3000_0000, "size": 0x4_0000},
    {"label": "mcuram2", "da": 0x1000_0000, "size": 0x4_0000},
    {"label": "vdev0vring0", "da": 0x1004_0000, "size": 0x1000},
    {"label": "vdev0vring1", "da": 0x1004_1000, "size": 0x1000},
    {"label": "vdev0buffer", "da": 0x1004_2000, "size": 0x4000},
)


class Stm32RprocOps(WorkerOps):
    """``st_rproc_ops``: *regions* are the reserved memories."""

    in_kernel = True
    regions: Iterable[Mapping[str, Any]] = DKX_REGIONS
    #: Those that the node names; a mailbox that it lacks is not an error, and is not used.
    mbox_names: Collection[str] = MBOXES

    def __init__(self, soc: Soc, engine: Engine, core: str, elf_machine: int) -> None:
        super().__init__(soc, engine, core, elf_machine)
        self._mboxes: list[MboxChan] = []
        self._workqueue = Workqueue("10000000.m4", LockClass.MBOX_WORK)
        self._pending: set[int] = set()  # vrings whose work waits already
        self._detached = False
        self._rsctbl: int | None = None  # the boot loader leaves it in a backup register

    def prepare(self, rproc: Rproc) -> None:
        """stm32_rproc_prepare(): the reserved memories become carveouts, empty at a cold boot.

        EINVAL for one that the processor cannot see.
        """
        super().prepare(rproc)
        for region in self.regions:
            if not region:
                rproc.parent_dev.err("unable to acquire memory-region")
                raise error(errno.EINVAL)
            name, da, size = region["label"].partition("@")[0], region["da"], region["size"]
            pa = region.get("pa", da)
            va = None if da is None else self.soc.memory.find(da, size)
            if va is None:
                rproc.parent_dev.err(f"memory region not valid {pa:#010x}")
                raise error(errno.EINVAL)
            mem = rproc_mem_entry_init(name, size, da, dma=pa, alloc=partial(_map, va))
            if name == "vdev0buffer":
                mem.rmem = f"{name}@{pa:x}"
            else:
                rproc_coredump_add_segment(rproc, da, size)
            rproc_add_carveout(rproc, mem)

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """Nothing but the carveouts."""
        del rproc, da, length
        return None

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """Nothing but the carveouts."""
        del rproc
        return ()

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """stm32_rproc_parse_fw(): an image without resource table runs, too."""
        try:
            with refusal_logged(rproc):
                RprocOps.parse_fw(self, rproc, fw)
        except FirmwareError:
            rproc.warn("no resource table found for this firmware")

    def boot_loader(self, rproc: Rproc) -> None:
        """Do what U-Boot does before the kernel starts: load the firmware and release the core.

        Sources: U-Boot's rproc-elf-loader.c and stm32_copro.c. FirmwareError; OSError.
        """
        fw = rproc.subsystem.loader.request_firmware(rproc.firmware, rproc)
        self.sanity_check(rproc, fw)
        self.soc.power_on(self._core)
        elf_loader.rproc_elf_load_segments(self.soc.memory.find, fw)
        with suppress(FirmwareError):
            self._rsctbl, _ = elf_loader.rproc_elf_find_loaded_rsc_table(fw)
        self._power_up(rproc)
        rproc.state = State.DETACHED

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview:
        """stm32_rproc_get_loaded_rsc_table(). ENOENT: there is none; EINVAL: not in memory."""
        if self._rsctbl is None:
            raise error(errno.ENOENT)
        table = self.soc.memory.find(self._rsctbl, RSC_TBL_SIZE)
        if table is None:
            rproc.parent_dev.err(f"can't translate da {self._rsctbl:x}")
            raise error(errno.EINVAL)
        return table

    def start(self, rproc: Rproc) -> None:
        """stm32_rproc_start(): release the core, which starts at the vector table in the RETRAM."""
        self._detached = False
        _add_coredump_trace(rproc)
        self._power_up(rproc)

    def attach(self, rproc: Rproc) -> None:
        """stm32_rproc_attach(): the core is already running."""
        _add_coredump_trace(rproc)
        if self._detached:
            log.debug(
                "%s: attached again: channels are there if it announces them again", rproc.name
            )
        self._detached = False

    def detach(self, rproc: Rproc) -> None:
        """stm32_rproc_detach(): tell it by the mailbox of that name."""
        self._detached = True
        if MBOXES[DETACH] not in self.mbox_names:
            return
        if not self._mboxes[DETACH].send_and_wait(DETACH_TIMEOUT):
            rproc.warn("warning: remote FW detach without ack")

    def memory_in_use(self) -> Iterator[DumpSegment]:
        """Each memory whole, where the processor has it first."""
        seen = set()
        for bank in self.soc.memory.banks:
            if bank.offset not in seen:
                seen.add(bank.offset)
                yield DumpSegment(bank.da, bank.size)

    def _power_up(self, rproc: Rproc) -> None:
        self._mboxes = [MboxChan(partial(self._ring, channel)) for channel in range(DETACH + 1)]
        super().start(rproc)

    def _ring(self, channel: int) -> None:
        self.send(channel)

    def request_shutdown(self, rproc: Rproc, worker: Worker) -> None:
        """Ask by the mailbox ``shutdown``, and wait for the answer."""
        del worker
        if MBOXES[SHUTDOWN] not in self.mbox_names:
            return
        if not self._mboxes[SHUTDOWN].send_and_wait(SHUTDOWN_TIMEOUT):
            rproc.warn("warning: remote FW shutdown without ack")

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """stm32_rproc_kick(): a message to the mailbox of the vring."""
        if notifyid >= len(VQ_MBOXES) or self._worker is None:
            return
        if VQ_MBOXES[notifyid] not in self.mbox_names:
            return
        if not self._mboxes[notifyid].send_message():
            name = VQ_MBOXES[notifyid]
            rproc.err(f"stm32_rproc_kick: failed ({name}, err:{-errno.ENOBUFS})")

    def close(self) -> None:
        """End all of it."""
        super().close()
        self._workqueue.destroy()
        for mbox in self._mboxes:
            mbox.free()

    # On the engine's I/O thread.

    def message(self, rproc: Rproc, channel: int, payload: bytes) -> bool | None:
        """The M4 occupied a channel of the IPCC, or freed one that was occupied for it."""
        del payload
        freed, channel = channel & FREED, channel & ~FREED
        if freed and channel < len(self._mboxes):
            self._mboxes[channel].txdone()
        elif channel < len(VQ_MBOXES) and channel not in self._pending:
            self._pending.add(channel)
            self._workqueue.queue_work(partial(self._mb_vq_work, rproc, channel))
        else:
            return False
        return None

    def _mb_vq_work(self, rproc: Rproc, vq_id: int) -> None:
        """stm32_rproc_mb_vq_work()."""
        self._pending.discard(vq_id)
        with rproc.lock:
            if rproc.state in (State.RUNNING, State.ATTACHED):
                rproc_vq_interrupt(rproc, vq_id)


def _add_coredump_trace(rproc: Rproc) -> None:
    """stm32_rproc_add_coredump_trace()."""
    dumped = {segment.da for segment in rproc.dump_segments}
    for trace in rproc.traces:
        if trace.da not in dumped:
            rproc_coredump_add_segment(rproc, trace.da, trace.len)


def _map(va: memoryview, rproc: Rproc, mem: RprocMemEntry) -> None:
    """stm32_rproc_mem_alloc()."""
    del rproc
    mem.va = va


class Stm32RprocDriver(WorkerDriver):
    """``stm32_rproc_driver``."""

    name = "stm32-rproc"
    compatible = ("st,stm32mp1-m4",)
    prefix = "m4"
    machine = STM32MP157
    elf_machine = EM_ARM
    ops = Stm32RprocOps
    properties: ClassVar[Mapping[str, Key]] = {
        **WorkerDriver.properties,
        "detached": Key(bool, "a boot loader has started it: attach"),
        "watchdog-ms": Key(int, "refused: it has no heartbeat word"),
    }
    engines: ClassVar[Mapping[str, type[Engine]]] = {"unicorn": UnicornEngine}
    of_keys = (
        "label", "firmware-name", "auto-boot", "phandle", "engine", "console-log", "detached",
        "devices", "watchdog-ms", "gdb", "gdb-halt",
    )  # fmt: skip

    def probe(self, device: PlatformDevice) -> None:
        """stm32_rproc_probe(). EINVAL for a description that makes no sense."""
        has = device.properties.get
        if has("watchdog-ms"):
            device.err("watchdog-ms: no heartbeat word, the firmware has its window watchdog")
            raise error(errno.EINVAL)
        ops = self.make_ops(device)
        assert isinstance(ops, Stm32RprocOps)
        name, firmware = has("label") or "m4", has("firmware-name")
        rproc = devm_rproc_alloc(self._subsystem, device, name, ops, firmware)
        # The kernel's dumps are for no machine, which debuggers do not open.
        machine = EM_NONE if rproc.model.strict else EM_ARM
        rproc_coredump_set_elf_info(rproc, ELFCLASS32, machine)
        device.info("wdg irq registered")
        self._describe(device, rproc, ops)
        rproc.phandle = has("phandle")
        rproc.auto_boot = bool(has("auto-boot"))
        self.add_debugger(rproc, ops)
        if has("detached"):
            _boot_loader(device, rproc, ops)
        devm_rproc_add(device, rproc)
        if not rproc.model.strict:
            self.add_files(rproc, ops)
        self.add_console(rproc, ops)

    @staticmethod
    def _describe(device: PlatformDevice, rproc: Rproc, ops: Stm32RprocOps) -> None:
        """Memories and mailboxes: of the devicetree, if there is one. EINVAL, EPROBE_DEFER."""
        if device.of_node is None:
            ops.regions = device.properties.get("memory-region") or DKX_REGIONS
            return
        ops.regions = memory_regions(device, device.of_node)
        ops.mbox_names = request_mbox(device, rproc, device.of_node, MBOXES)


def _boot_loader(device: PlatformDevice, rproc: Rproc, ops: Stm32RprocOps) -> None:
    """Run the boot loader. If it fails, the kernel finds a processor that is off."""
    try:
        ops.boot_loader(rproc)
    except OSError as failure:
        ops.unprepare(rproc)
        device.warn(f"boot loader: {rproc.firmware}: {failure.strerror}")

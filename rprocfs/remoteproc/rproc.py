"""``struct rproc`` and the structs around it -- include/linux/remoteproc.h.

What a processor is: its state, its memory and how to find it, its lock, the operations of its
driver. What is done to it are functions of the modules above, named as in the kernel:
:mod:`~rprocfs.remoteproc.core`, :mod:`~rprocfs.remoteproc.boot`,
:mod:`~rprocfs.remoteproc.recovery`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rprocfs.base.device import Device
from rprocfs.base.dma import DmaBuffer, DmaPool, SystemPool
from rprocfs.base.workqueue import Workqueue
from rprocfs.fs.kernfs import Dir
from rprocfs.fs.sysfs import Attribute
from rprocfs.fs.wait import Mutex
from rprocfs.lib.kref import Kref
from rprocfs.locking import LockClass
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.dump_segment import DumpMode, DumpSegment
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.fw_rsc import FW_RSC_ADDR_ANY
from rprocfs.remoteproc.notify_ids import NotifyIds
from rprocfs.remoteproc.regions import Memory, Reserved
from rprocfs.remoteproc.state import State
from rprocfs.remoteproc.statics import Statics
from rprocfs.remoteproc.subdev import Subdevices

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice

#: Where memory without an address of its own comes from, on a board that says nothing.
DEFAULT_DMA = (0x02000000, 0x0E000000)

AllocOp = Callable[["Rproc", "RprocMemEntry"], None]


@dataclass(eq=False, slots=True)
class RprocMemEntry:
    """``struct rproc_mem_entry``: a memory that the processor has besides its own.

    *da* is the address the processor uses, ``FW_RSC_ADDR_ANY`` until one is chosen;
    *dma* the one the bus uses; *va* is None until it is allocated. *rsc_offset* is
    that of its entry in the resource table, ``FW_RSC_ADDR_ANY`` for none. *rmem* is the node
    of a reserved memory that becomes a vdev's own pool (``of_resm_idx``): nobody else maps it.
    """

    name: str
    len: int
    da: int
    va: memoryview | None = None
    dma: int = 0
    alloc: AllocOp | None = None
    release: AllocOp | None = None
    rsc_offset: int = FW_RSC_ADDR_ANY
    flags: int = 0
    buffer: DmaBuffer | None = None
    rmem: str = ""


class Rproc(Device):
    """``struct rproc``: one remote processor. Made by :func:`~.core.rproc_alloc`.

    *table* is ``table_ptr``: the resource table in use, in the remote's memory while
    it runs. *power* counts who wants it powered. *priv* belongs to the driver. *dma* is where
    its own memory comes from, *reserved* where that of its virtio devices does: the first
    ``memory-region`` of its node, if that is a pool. *lock* is held by all that changes the
    state.
    """

    devtype = "remoteproc"
    attributes: tuple[Attribute[Any], ...]

    def __init__(
        self,
        subsystem: Remoteproc,
        parent: Device,
        name: str,
        ops: RprocOps,
        firmware: str | None = None,
        dma: DmaPool | None = None,
    ) -> None:
        self.index = subsystem.alloc_index()
        super().__init__(
            subsystem.model, f"remoteproc{self.index}", parent, class_=subsystem.class_
        )
        self.subsystem = subsystem
        self.attributes = subsystem.faces.attributes
        self.parent_dev = parent
        self.label = name
        self.ops = ops
        self.firmware = firmware or f"rproc-{name}-fw"
        self.dma = dma or SystemPool(*DEFAULT_DMA)
        self.reserved: Reserved | None = None
        self.phandle: int | None = None
        self.lock = Mutex(LockClass.RPROC)
        self.state = State.OFFLINE
        self.power = 0
        self.priv: object = None
        # What the driver chooses before rproc_add().
        self.auto_boot = False
        self.sysfs_read_only = False
        self.attach_on_recovery = False
        self.elf_class: int | None = None
        self.elf_machine = 0
        # What a boot makes.
        self.bootaddr = 0
        self.table: memoryview | None = None
        self.cached_table: bytearray | None = None
        self.clean_table: bytes | None = None
        self.carveouts: list[RprocMemEntry] = []
        self.traces: list[RprocMemEntry] = []
        self.dead_vdevs: list[PlatformDevice] = []
        self.nb_vdev = 0
        self.subdevs = Subdevices()
        self.notifyids = NotifyIds()
        # Crashes.
        self.recovery_disabled = False
        self.crash_cnt = 0
        self.crash_pending = False
        #: A dump waits for its reader, with the lock held; rproc_del() has begun.
        self.inline_dump = self.going = False
        self.dump_conf = DumpMode.DISABLED
        self.dump_segments: list[DumpSegment] = []
        self.workqueue = Workqueue(f"{self.name}-recovery", LockClass.RPROC_WORK)
        # Outside.
        self.debug_dir: Dir | None = None
        self.cdev_put_on_release = False
        self.kref = Kref(self._release)

    def _release(self) -> None:
        """rproc_type_release()."""
        self.workqueue.destroy()
        self.info(f"releasing {self.label}")
        self.subsystem.free_index(self.index)

    def attribute_mode(self, attr: Attribute[Any]) -> int | None:
        """rproc_is_visible()."""
        return 0o444 if self.sysfs_read_only and attr in self.attributes else None


class RprocOps(ABC):
    """``struct rproc_ops``: *start* and *stop* are required, everything else is optional.

    An operation fails by raising OSError; its errno reaches the writer of ``state``.
    All but :meth:`kick` run under ``Rproc.lock``. *kick* may come from any thread,
    must not block and takes no lock of the framework. The loader operations default
    to the ELF loader's.
    """

    @abstractmethod
    def start(self, rproc: Rproc) -> None:
        """Power the processor on; its memory is loaded, its table complete but for the status."""

    @abstractmethod
    def stop(self, rproc: Rproc) -> None:
        """Power the processor off; nothing of it may run on, no thread, no process."""

    def prepare(self, rproc: Rproc) -> None:
        """Before the resources are looked at: clocks, power, memory."""

    def unprepare(self, rproc: Rproc) -> None:
        """Undo :meth:`prepare`."""

    def attach(self, rproc: Rproc) -> None:
        """Take over a processor that somebody else has started."""

    def detach(self, rproc: Rproc) -> None:
        """Leave it running, without us. Not overridden: detaching is EINVAL."""

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """Ring the doorbell of a vring. Not overridden: virtio devices cannot be registered."""

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """The memory that the processor sees at *da*, exactly *length* bytes, or None.

        Asked before the carveouts.
        """
        return None

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """What :meth:`da_to_va` finds, in its order, to tell people; no decision looks at it.

        Memory that is seen at two addresses is there twice.
        """
        return ()

    def segment_to_va(self, rproc: Rproc, da: int, length: int, flags: int) -> memoryview | None:
        """Where :meth:`load` puts a segment with the ``p_flags`` *flags*: for people, too.

        For a driver that has :meth:`load` of its own, and does not ask :meth:`da_to_va`.
        """
        return None

    def vector_table(self, rproc: Rproc) -> int | None:
        """Where a Cortex-M that starts has its vector table; None: it is none, or unknown.

        For people, too.
        """
        return None

    def handle_rsc(self, rproc: Rproc, kind: int, offset: int, avail: int) -> bool:
        """A vendor resource at *offset* of ``rproc.table``: was it handled."""
        return False

    def sanity_check(self, rproc: Rproc, fw: bytes) -> None:
        """Can this image be for this processor. FirmwareError."""
        elf_loader.rproc_elf_sanity_check(fw, rproc.model.version)

    def get_boot_addr(self, rproc: Rproc, fw: bytes) -> int:
        """Where it begins."""
        return elf_loader.rproc_elf_get_boot_addr(fw)

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """Find the resource table, and the segments of the coredump. FirmwareError."""
        rproc.cached_table = bytearray(elf_loader.rproc_elf_load_rsc_table(fw))
        rproc.table = memoryview(rproc.cached_table)

    def load(self, rproc: Rproc, fw: bytes) -> None:
        """Copy the segments into the processor's memory. FirmwareError."""
        elf_loader.rproc_elf_load_segments(partial(rproc_da_to_va, rproc), fw)

    def find_loaded_rsc_table(self, rproc: Rproc, fw: bytes) -> memoryview | None:
        """The table in the loaded image, where the processor reads what we write back.

        None if that is in no memory. A table that is refused is none; why, is logged again.
        """
        try:
            da, size = elf_loader.rproc_elf_find_loaded_rsc_table(fw)
        except FirmwareError as refusal:
            if refusal.strerror:
                rproc.err(refusal.strerror)
            return None
        if rproc.cached_table is None:
            return rproc_da_to_va(rproc, da, size)
        # A recovery may load another image; the table in use is that of the first boot.
        length = len(rproc.cached_table)
        va = rproc_da_to_va(rproc, da, max(size, length))
        return None if va is None else va[:length]

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """The table of a processor that is attached to; None: it has none. OSError."""
        return None

    def coredump(self, rproc: Rproc) -> None:
        """Save the memory of a crashed processor. Not overridden: rproc_coredump() does."""

    def settle(self, rproc: Rproc) -> None:
        """It came up; no lock is held: wait, not for long, for what it says at once.

        On a board the first announcements arrive while the writer of ``state`` is still
        on its way back to its program.
        """

    def provides(self, operation: str) -> bool:
        """Is an optional operation overridden: the kernel's test for a NULL in the table."""
        return getattr(type(self), operation) is not getattr(RprocOps, operation)


class Remoteproc(Statics["Rproc"]):
    """What all processors of one system share. Made by :func:`~.subsystem.remoteproc_init`."""


def rproc_get(rproc: Rproc) -> Rproc:
    """``get_device(&rproc->dev)``: keep it until :func:`rproc_put`."""
    rproc.kref.get()
    return rproc


def rproc_put(rproc: Rproc) -> None:
    """``rproc_put``, ``rproc_free``: the last reference gives its number back."""
    rproc.kref.put()


def rproc_da_to_va(rproc: Rproc, da: int, length: int) -> memoryview | None:
    """The memory that the processor sees at *da*, exactly *length* bytes; None: there is none.

    The driver is asked first, then the carveouts.
    """
    va = rproc.ops.da_to_va(rproc, da, length)
    return rproc_carveout_da_to_va(rproc, da, length) if va is None else va


def rproc_carveout_da_to_va(rproc: Rproc, da: int, length: int) -> memoryview | None:
    """The part of the carveout that holds all of ``[da, da + length)``; None: none does."""
    for mem in rproc.carveouts:
        offset = da - mem.da
        if mem.va is None or mem.rmem:
            continue
        if offset >= 0 and offset + length <= mem.len:
            return mem.va[offset : offset + length]
    return None


def rproc_find_carveout_by_name(rproc: Rproc, name: str) -> RprocMemEntry | None:
    """``rproc_find_carveout_by_name``: the first of that name."""
    return next((mem for mem in rproc.carveouts if mem.name == name), None)


def rproc_add_carveout(rproc: Rproc, mem: RprocMemEntry) -> None:
    """Register a memory; before the boot, or while the resources are handled."""
    rproc.carveouts.append(mem)


def rproc_vq_interrupt(rproc: Rproc, notifyid: int) -> bool:
    """The remote rang the doorbell *notifyid*: was there such a vring. From any thread."""
    return rproc.notifyids.interrupt(notifyid)

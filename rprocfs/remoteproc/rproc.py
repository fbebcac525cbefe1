"""``struct rproc`` and the structs around it -- include/linux/remoteproc.h.

A processor has a state, memory and the functions that look it up, a lock, and the operations of
its driver. The functions that act on it are in the modules above, named as in the kernel:
:mod:`~rprocfs.remoteproc.core`, :mod:`~rprocfs.remoteproc.boot`,
:mod:`~rprocfs.remoteproc.recovery`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rprocfs.base.device import Device
from rprocfs.base.dma import DmaBuffer, DmaPool, SystemPool
from rprocfs.base.trace import Kind
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

#: The pool of memory without a fixed address, on a board that does not name one.
DEFAULT_DMA = (0x02000000, 0x0E000000)

AllocOp = Callable[["Rproc", "RprocMemEntry"], None]


@dataclass(eq=False, slots=True)
class RprocMemEntry:
    """``struct rproc_mem_entry``: a memory that the processor has besides its own.

    *da* is the device address, ``FW_RSC_ADDR_ANY`` until one is chosen; *dma* is the bus address;
    *va* is None until the memory is allocated. *rsc_offset* is the offset of its entry in the
    resource table, ``FW_RSC_ADDR_ANY`` without an entry. *rmem* is the node of a reserved memory
    that becomes a vdev's own pool (``of_resm_idx``); it is mapped for that vdev only.
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
    it runs. *power* counts the power references. *priv* belongs to the driver. *dma* is the pool
    of the processor's own memory. *reserved* is the pool of its virtio devices: the first
    ``memory-region`` of its node, if that is a pool. A change of the state requires *lock*.
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
        trace = self.model.trace
        self.track = trace.track(self.name) if trace is not None else None
        self.state = State.OFFLINE
        self.power = 0
        self.priv: object = None
        # Set by the driver before rproc_add().
        self.auto_boot = False
        self.sysfs_read_only = False
        self.attach_on_recovery = False
        self.elf_class: int | None = None
        self.elf_machine = 0
        # Set by a boot.
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
        #: An inline dump is waiting for its reader with the lock held; rproc_del() has begun.
        self.inline_dump = self.going = False
        self.dump_conf = DumpMode.DISABLED
        self.dump_segments: list[DumpSegment] = []
        self.workqueue = Workqueue(f"{self.name}-recovery", LockClass.RPROC_WORK)
        # Outside.
        self.debug_dir: Dir | None = None
        self.cdev_put_on_release = False
        self.kref = Kref(self._release)

    @property
    def state(self) -> State:
        """``rproc->state``."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state
        if self.track is not None:
            self.track.text(Kind.STATE, state)

    def _release(self) -> None:
        """rproc_type_release()."""
        self.workqueue.destroy()
        self.info(f"releasing {self.label}")
        self.subsystem.free_index(self.index)
        del self.ops  # kfree(): drivers refer to the processor by theirs

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
        """Power the processor on. The image is loaded, the table complete except for the status."""

    @abstractmethod
    def stop(self, rproc: Rproc) -> None:
        """Power the processor off; no thread and no process of it may remain."""

    def prepare(self, rproc: Rproc) -> None:
        """Called before the resource table is handled: enable clocks, power and memory."""

    def unprepare(self, rproc: Rproc) -> None:
        """Undo :meth:`prepare`."""

    def attach(self, rproc: Rproc) -> None:
        """Take over a processor that the boot loader has started."""

    def detach(self, rproc: Rproc) -> None:
        """Let go of the processor and leave it running. If not overridden, detaching is EINVAL."""

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """Ring the doorbell of a vring. If not overridden, virtio devices cannot be registered."""

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """Return the memory that the processor sees at *da*, exactly *length* bytes, or None.

        It is called before the carveouts are searched.
        """
        return None

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """List the memories that :meth:`da_to_va` finds, in its order, for reports to the user.

        No decision depends on it. A memory that is seen at two addresses is listed twice.
        """
        return ()

    def segment_to_va(self, rproc: Rproc, da: int, length: int, flags: int) -> memoryview | None:
        """Say where :meth:`load` puts a segment with the ``p_flags`` *flags*, for reports only.

        Override it if the driver's own :meth:`load` does not use :meth:`da_to_va`.
        """
        return None

    def vector_table(self, rproc: Rproc) -> int | None:
        """Return the vector table's address at the start of a Cortex-M, for reports only.

        None if the processor is no Cortex-M or the address is not known.
        """
        return None

    def handle_rsc(self, rproc: Rproc, kind: int, offset: int, avail: int) -> bool:
        """Handle a vendor resource at *offset* of ``rproc.table``; return whether it was known."""
        return False

    def sanity_check(self, rproc: Rproc, fw: bytes) -> None:
        """Check that the image can be for this processor; FirmwareError if it cannot."""
        elf_loader.rproc_elf_sanity_check(fw, rproc.model.version)

    def get_boot_addr(self, rproc: Rproc, fw: bytes) -> int:
        """Return the entry point."""
        return elf_loader.rproc_elf_get_boot_addr(fw)

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """Find the resource table and the coredump segments; FirmwareError for a bad table."""
        rproc.cached_table = bytearray(elf_loader.rproc_elf_load_rsc_table(fw))
        rproc.table = memoryview(rproc.cached_table)

    def load(self, rproc: Rproc, fw: bytes) -> None:
        """Copy the segments into the processor's memory. FirmwareError."""
        elf_loader.rproc_elf_load_segments(partial(rproc_da_to_va, rproc), fw)

    def find_loaded_rsc_table(self, rproc: Rproc, fw: bytes) -> memoryview | None:
        """Return the table inside the loaded image, from which the processor reads our replies.

        None if it is not in any memory of the processor, or if the table is refused; the reason of
        the refusal is then logged a second time, as in the kernel.
        """
        try:
            with refusal_logged(rproc):
                da, size = elf_loader.rproc_elf_find_loaded_rsc_table(fw)
        except FirmwareError:
            return None
        if rproc.cached_table is None:
            return rproc_da_to_va(rproc, da, size)
        # A recovery may load a different image, but the table in use is still that of the first.
        length = len(rproc.cached_table)
        va = rproc_da_to_va(rproc, da, max(size, length))
        return None if va is None else va[:length]

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """Return the table of a running processor at attach; None if it has none. OSError."""
        return None

    def crashed(self, rproc: Rproc) -> None:
        """Look at a processor in the state ``crashed``, before it recovers. No lock is held."""

    def coredump(self, rproc: Rproc) -> None:
        """Save the memory of a crashed processor. If not overridden, rproc_coredump() does it."""

    def settle(self, rproc: Rproc) -> None:
        """Wait briefly for the first announcements of a processor that has just come up.

        On a board they arrive before the write to ``state`` has returned to the program. No lock
        is held.
        """

    def provides(self, operation: str) -> bool:
        """Return whether an optional operation is overridden: the kernel's NULL test."""
        return getattr(type(self), operation) is not getattr(RprocOps, operation)


@contextmanager
def refusal_logged(rproc: Rproc) -> Iterator[None]:
    """Log why an image or a table is refused, where the kernel has words for it."""
    try:
        yield
    except FirmwareError as refusal:
        if refusal.strerror:
            rproc.err(refusal.strerror)
        raise


class Remoteproc(Statics["Rproc"]):
    """What all processors of one system share. Made by :func:`~.subsystem.remoteproc_init`."""


def rproc_get(rproc: Rproc) -> Rproc:
    """``get_device(&rproc->dev)``: hold a reference until :func:`rproc_put`."""
    rproc.kref.get()
    return rproc


def rproc_put(rproc: Rproc) -> None:
    """``rproc_put``, ``rproc_free``: dropping the last reference frees the number."""
    rproc.kref.put()


def rproc_da_to_va(rproc: Rproc, da: int, length: int) -> memoryview | None:
    """Return the memory that the processor sees at *da*, exactly *length* bytes, or None.

    The driver's da_to_va() is tried first, then the carveouts.
    """
    va = rproc.ops.da_to_va(rproc, da, length)
    return rproc_carveout_da_to_va(rproc, da, length) if va is None else va


def rproc_carveout_da_to_va(rproc: Rproc, da: int, length: int) -> memoryview | None:
    """Return the memory of a carveout that covers all of ``[da, da + length)``, or None."""
    for mem in rproc.carveouts:
        offset = da - mem.da
        if mem.va is None or mem.rmem:
            continue
        if offset >= 0 and offset + length <= mem.len:
            return mem.va[offset : offset + length]
    return None


def rproc_find_carveout_by_name(rproc: Rproc, name: str) -> RprocMemEntry | None:
    """``rproc_find_carveout_by_name``: the first carveout of that name, or None."""
    return next((mem for mem in rproc.carveouts if mem.name == name), None)


def rproc_add_carveout(rproc: Rproc, mem: RprocMemEntry) -> None:
    """Register a carveout, before the boot or while the resources are handled."""
    rproc.carveouts.append(mem)


def rproc_vq_interrupt(rproc: Rproc, notifyid: int) -> bool:
    """Handle the doorbell *notifyid* of the remote, on any thread; False if no vring has it."""
    if rproc.track is not None:
        rproc.track.number(Kind.INTERRUPT, notifyid)
    return rproc.notifyids.interrupt(notifyid)

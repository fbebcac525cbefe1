"""What a platform driver implements -- ``struct rproc_ops`` of include/linux/remoteproc.h."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.coredump import rproc_coredump

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rprocfs.remoteproc.core import Rproc


class Memory(NamedTuple):
    """A memory that a driver translates addresses of: *size* bytes at *da* can be had."""

    name: str
    da: int
    size: int


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

    def rsc_table_memory(self) -> str | None:
        """The memory that a table is written to wherever the image has it, if there is one."""
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
        rproc.rproc_elf_load_rsc_table(fw)

    def load(self, rproc: Rproc, fw: bytes) -> None:
        """Copy the segments into the processor's memory. FirmwareError."""
        elf_loader.rproc_elf_load_segments(rproc.rproc_da_to_va, fw)

    def find_loaded_rsc_table(self, rproc: Rproc, fw: bytes) -> memoryview | None:
        """The table in the loaded image, where the processor reads what we write back."""
        return rproc.rproc_elf_find_loaded_rsc_table(fw)

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """The table of a processor that is attached to; None: it has none. OSError."""
        return None

    def coredump(self, rproc: Rproc) -> None:
        """Save the memory of a crashed processor."""
        rproc_coredump(rproc)

    def settle(self, rproc: Rproc) -> None:
        """It came up; no lock is held: wait, not for long, for what it says at once.

        On a board the first announcements arrive while the writer of ``state`` is still
        on its way back to its program.
        """

    def provides(self, operation: str) -> bool:
        """Is an optional operation overridden: the kernel's test for a NULL in the table."""
        return getattr(type(self), operation) is not getattr(RprocOps, operation)

"""Memory that a device and its driver share -- kernel/dma/mapping.c."""

from __future__ import annotations

import bisect
import errno
from abc import ABC, abstractmethod
from dataclasses import dataclass

from rprocfs.fs.kernfs import PAGE_SIZE, error
from rprocfs.locking import LockClass, new_lock


@dataclass(frozen=True, slots=True)
class DmaBuffer:
    """What ``dma_alloc_coherent`` returns: zeroed memory and its address for the device."""

    da: int
    va: memoryview
    size: int


class DmaPool(ABC):
    """Where coherent memory of one device comes from."""

    @abstractmethod
    def alloc(self, size: int, da: int | None = None) -> DmaBuffer:
        """*size* bytes, rounded up to pages, zeroed; ENOMEM.

        *da* is the address that the caller prefers; the pool may choose another one.
        """

    @abstractmethod
    def find(self, da: int, size: int) -> memoryview | None:
        """``phys_to_virt``: the memory at ``[da, da + size)``, None unless one buffer holds it."""

    @abstractmethod
    def free(self, buffer: DmaBuffer) -> None:
        """Free the memory; it must not be used afterwards."""


def page_align(size: int) -> int:
    """``PAGE_ALIGN``."""
    return -(-size // PAGE_SIZE) * PAGE_SIZE


class AddressSpace:
    """Non-overlapping page ranges of ``[base, base + size)``.

    A request without an address gets the first fit from *dynamic* on.
    """

    def __init__(self, base: int, size: int, dynamic: int | None = None) -> None:
        self.base = base
        self.end = base + size
        self.dynamic = base if dynamic is None else dynamic
        self._taken: list[tuple[int, int]] = []
        self._lock = new_lock(LockClass.DMA_POOL)  # the cores of one SoC share its memory

    def reserve(self, size: int, at: int | None = None) -> int:
        """The start of a free range of *size* bytes, exactly *at* if that is given; ENOMEM."""
        size = page_align(size)
        with self._lock:
            start = self._first_fit(size) if at is None else at
            free = all(start + size <= first or end <= start for first, end in self._taken)
            if not size or not free or start < self.base or start + size > self.end:
                raise error(errno.ENOMEM)
            bisect.insort(self._taken, (start, start + size))
        return start

    def release(self, start: int) -> None:
        """Free the range that begins at *start*."""
        with self._lock:
            self._taken = [taken for taken in self._taken if taken[0] != start]

    def _first_fit(self, size: int) -> int:
        start = self.dynamic
        for first, end in self._taken:
            if first - start >= size:
                break
            start = max(start, end)
        return start


class SystemPool(DmaPool):
    """Memory of the host at addresses of its own choosing: a board without reserved memory."""

    def __init__(self, base: int, size: int) -> None:
        self._space = AddressSpace(base, size)
        self._buffers: tuple[DmaBuffer, ...] = ()

    def alloc(self, size: int, da: int | None = None) -> DmaBuffer:
        """Fresh memory; *da* is not looked at."""
        del da
        start = self._space.reserve(size)
        buffer = DmaBuffer(start, memoryview(bytearray(page_align(size)))[:size], size)
        self._buffers += (buffer,)
        return buffer

    def find(self, da: int, size: int) -> memoryview | None:
        """As the class says; from any thread."""
        for buffer in self._buffers:
            offset = da - buffer.da
            if offset >= 0 and offset + size <= buffer.size:
                return buffer.va[offset : offset + size]
        return None

    def free(self, buffer: DmaBuffer) -> None:
        """The range may be given out again."""
        self._buffers = tuple(other for other in self._buffers if other is not buffer)
        self._space.release(buffer.da)


class RegionPool(DmaPool):
    """Memory that the device has at *base*: what is asked for at an address is there.

    Requests without an address are served from *dynamic* (an address) to *end*.
    """

    def __init__(self, memory: memoryview, base: int, dynamic: int, end: int) -> None:
        self._memory = memory
        self._base = base
        self._space = AddressSpace(base, end - base, dynamic)

    def alloc(self, size: int, da: int | None = None) -> DmaBuffer:
        """At *da* or, when that is None, in the dynamic part; ENOMEM."""
        start = self._space.reserve(size, da)
        va = self._memory[start - self._base : start - self._base + size]
        va[:] = bytes(size)
        return DmaBuffer(start, va, size)

    def find(self, da: int, size: int) -> memoryview | None:
        """Any part of the region."""
        offset = da - self._base
        return self._memory[offset : offset + size] if self._holds(offset, size) else None

    def _holds(self, offset: int, size: int) -> bool:
        return offset >= 0 and offset + size <= len(self._memory)

    def free(self, buffer: DmaBuffer) -> None:
        """The range may be given out again."""
        self._space.release(buffer.da)


class CmaPool(RegionPool):
    """The contiguous memory of Linux, from *dynamic* to *end*: no address can be asked for."""

    def alloc(self, size: int, da: int | None = None) -> DmaBuffer:
        """In the dynamic part; *da* is not looked at. ENOMEM."""
        del da
        return super().alloc(size)


class CoherentPool(DmaPool):
    """``struct dma_coherent_mem``: a reserved memory at *base* -- kernel/dma/coherent.c.

    A buffer begins where its size, rounded up to a power of two, puts it: counted from *base*,
    as ``bitmap_find_free_region`` does. What address is asked for is not looked at.
    """

    def __init__(self, memory: memoryview, base: int) -> None:
        self._memory = memory
        self._base = base
        self._taken: dict[int, int] = {}
        self._lock = new_lock(LockClass.DMA_POOL)

    def alloc(self, size: int, da: int | None = None) -> DmaBuffer:
        """``__dma_alloc_from_coherent``: zeroed; ENOMEM if no part is free."""
        del da
        span = PAGE_SIZE
        while span < size:
            span *= 2
        with self._lock:
            for start in range(0, len(self._memory) - span + 1, span):
                taken = self._taken.items()
                if all(start + span <= first or end <= start for first, end in taken):
                    break
            else:
                raise error(errno.ENOMEM)
            self._taken[start] = start + span
        va = self._memory[start : start + size]
        va[:] = bytes(size)
        return DmaBuffer(self._base + start, va, size)

    def find(self, da: int, size: int) -> memoryview | None:
        """Any part of the region."""
        offset = da - self._base
        inside = 0 <= offset <= len(self._memory) - size
        return self._memory[offset : offset + size] if inside else None

    def free(self, buffer: DmaBuffer) -> None:
        """The range may be given out again."""
        with self._lock:
            self._taken.pop(buffer.da - self._base, None)

"""The memory of a board at its bus addresses -- arch/*/mm/ioremap.c.

All that map a range see the same bytes, as devices and processors of a board do. Only what is
touched costs anything.
"""

from __future__ import annotations

import errno
import mmap

from rprocfs.fs.kernfs import error

#: What is below is one piece, of which the parts may overlap as they like.
LOW_END = 1 << 32
#: Of 40 bits: the address bus of the SoCs that remoteproc is for.
END = 1 << 40
_MAP_NORESERVE = 0x4000


class Iomem:
    """Everything below :data:`END`, zeroes until it is written."""

    def __init__(self) -> None:
        #: (start, its bytes) of each piece.
        self._pieces: list[tuple[int, memoryview]] = []

    def attach(self, start: int, memory: memoryview) -> None:
        """From now on *memory* is what is at *start*: the memory of a SoC that has one."""
        self._pieces.insert(0, (start, memory))

    def detach(self, memory: memoryview) -> None:
        """The opposite of :meth:`attach`."""
        self._pieces = [piece for piece in self._pieces if piece[1] is not memory]

    def ioremap(self, start: int, size: int) -> memoryview:
        """``ioremap_wc``: the bytes at ``[start, start + size)``; ENOMEM if there is no bus.

        What is beyond 32 bits, and not all in a piece that is mapped, becomes a piece.
        """
        if start < 0 or not 0 < size <= LOW_END or start + size > END:
            raise error(errno.ENOMEM)
        for first, view in self._pieces:
            if first <= start and start + size <= first + len(view):
                return view[start - first : start - first + size]
        low = start + size <= LOW_END
        first, length = (0, LOW_END) if low else (start, size)
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
        view = memoryview(mmap.mmap(-1, length, flags=flags))
        self._pieces.append((first, view))
        return view[start - first : start - first + size]

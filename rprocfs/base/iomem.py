"""The memory of a board at its bus addresses -- arch/*/mm/ioremap.c.

All that map a range see the same bytes, as devices and processors of a board do. Only what is
touched costs anything.
"""

from __future__ import annotations

import errno
import mmap

from rprocfs.fs.kernfs import error

#: Buses of 32 bits: the addresses that the processors of remoteproc can be told.
END = 1 << 32
_MAP_NORESERVE = 0x4000


class Iomem:
    """Everything below :data:`END`, zeroes until it is written."""

    def __init__(self) -> None:
        self._view: memoryview | None = None

    def ioremap(self, start: int, size: int) -> memoryview:
        """``ioremap_wc``: the bytes at ``[start, start + size)``; ENOMEM where there is no bus."""
        if size <= 0 or start < 0 or start + size > END:
            raise error(errno.ENOMEM)
        if self._view is None:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
            self._view = memoryview(mmap.mmap(-1, END, flags=flags))
        return self._view[start : start + size]

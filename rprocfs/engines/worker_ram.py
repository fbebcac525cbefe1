"""The worker's mapping of the shared RAM, and how the exception model accesses it."""

from __future__ import annotations

import ctypes
import mmap
import struct

from rprocfs.engines.armv7m import BusError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class WorkerRam:
    """The memfd *fd* of *size* bytes, at device address *da*. Never unmapped."""

    def __init__(self, fd: int, da: int, size: int) -> None:
        self.da, self.size = da, size
        self._map = mmap.mmap(fd, size)
        self._bytes = (ctypes.c_char * size).from_buffer(self._map)
        self.address = ctypes.addressof(self._bytes)

    def _offset(self, da: int, size: int) -> int:
        offset = da - self.da
        if offset < 0 or offset + size > self.size:
            raise BusError(da)
        return offset

    def load(self, da: int, count: int) -> Sequence[int]:
        """*count* words; BusError if they are not all here."""
        return struct.unpack_from(f"<{count}I", self._map, self._offset(da, 4 * count))

    def store(self, da: int, words: Sequence[int]) -> None:
        """Write *words*; BusError if there is no room for all of them."""
        offset = self._offset(da, 4 * len(words))
        struct.pack_into(f"<{len(words)}I", self._map, offset, *words)

    def fetch(self, da: int) -> bytes:
        """The halfword at *da*, empty if there is none."""
        return self.code(da, 2)

    def code(self, da: int, size: int) -> bytes:
        """Up to *size* bytes at *da*, as many as there are."""
        offset = da - self.da
        return self._map[offset : offset + size] if 0 <= offset < self.size else b""

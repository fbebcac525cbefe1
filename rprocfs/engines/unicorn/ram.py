"""The worker's mapping of the shared RAM, and how the exception model accesses it."""

from __future__ import annotations

import ctypes
import mmap
import struct

from rprocfs.arch.armv7m.stacks import BusError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rprocfs.soc.machine import Bank


class WorkerRam:
    """The memfd *fd*, seen as *banks*. Never unmapped."""

    def __init__(self, fd: int, banks: Sequence[Bank]) -> None:
        self.banks = banks
        self._spans = tuple((bank.da, bank.da + bank.size, bank.offset - bank.da) for bank in banks)
        size = max(bank.offset + bank.size for bank in banks)
        self._map = mmap.mmap(fd, size)
        self._bytes = (ctypes.c_char * size).from_buffer(self._map)
        self.address = ctypes.addressof(self._bytes)

    def _offset(self, da: int, size: int) -> int:
        for begin, end, to in self._spans:
            if begin <= da and da + size <= end:
                return da + to
        raise BusError(da)

    def load(self, da: int, count: int) -> Sequence[int]:
        """*count* words; BusError if they are not all here."""
        return struct.unpack_from(f"<{count}I", self._map, self._offset(da, 4 * count))

    def store(self, da: int, words: Sequence[int]) -> None:
        """Write *words*; BusError if there is no room for all of them."""
        offset = self._offset(da, 4 * len(words))
        struct.pack_into(f"<{len(words)}I", self._map, offset, *words)

    def put(self, da: int, data: bytes) -> bool:
        """Write *data*; False: there is no room for all of it."""
        try:
            offset = self._offset(da, len(data))
        except BusError:
            return False
        self._map[offset : offset + len(data)] = data
        return True

    def fetch(self, da: int) -> bytes:
        """The halfword at *da*, empty if there is none."""
        return self.code(da, 2)

    def code(self, da: int, size: int) -> bytes:
        """Up to *size* bytes at *da*, as many as there are."""
        for begin, end, to in self._spans:
            if begin <= da < end:
                return self._map[da + to : min(da + size, end) + to]
        return b""

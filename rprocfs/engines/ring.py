"""Records of a worker for its parent, in shared memory: all of one size, the oldest go.

Behind a head, which counts the records that were ever written, are as many slots as there is room
for. A worker process imports this module; what it writes is not trusted.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

HEAD = 64
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Records:
    """The format of a record, and how many there is room for."""

    def __init__(self, form: str, slots: int) -> None:
        self.slot = struct.Struct(form)
        self.slots = slots
        self.size = HEAD + self.slot.size * slots


#: A time in nanoseconds of CLOCK_MONOTONIC, an exception, and what happened to it.
EVENTS = Records("<QII", 1 << 16)
#: R0 to R15 and xPSR, the process stack pointer (0: not known), and what is on the stack in use
#: and on the process stack.
SAMPLES = Records("<18I1024s512s", 1 << 12)


class RingWriter:
    """The worker's side of the memfd *fd*."""

    def __init__(self, fd: int, records: Records) -> None:
        self._records = records
        self._map = mmap.mmap(fd, records.size)
        self._head = memoryview(self._map)[:8].cast("Q")
        self._count = 0

    def put(self, *values: Any) -> None:
        """One record."""
        records = self._records
        at = HEAD + records.slot.size * (self._count % records.slots)
        records.slot.pack_into(self._map, at, *values)
        self._count += 1
        self._head[0] = self._count


class Ring:
    """The parent's side. Close it."""

    def __init__(self, name: str, records: Records) -> None:
        self._records = records
        self.fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, records.size)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, SEALS)
        self._map = mmap.mmap(self.fd, records.size, prot=mmap.PROT_READ)
        self._taken = 0

    def take(self) -> tuple[int, Iterator[bytes]]:
        """How many were lost since the last call, and the others."""
        count = int.from_bytes(self._map[:8], "little")
        if count < self._taken:  # it lies
            return 0, iter(())
        first = max(self._taken, count - self._records.slots)
        lost, self._taken = first - self._taken, count
        return lost, self._read(first, count)

    def _read(self, first: int, count: int) -> Iterator[bytes]:
        size, slots = self._records.slot.size, self._records.slots
        for number in range(first, count):
            at = HEAD + size * (number % slots)
            yield self._map[at : at + size]

    def close(self) -> None:
        """Give it back."""
        self._map.close()
        os.close(self.fd)

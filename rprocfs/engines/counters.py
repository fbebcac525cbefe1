"""How often each address of a core's memory was executed, in memory that is shared with its worker.

A word of 64 bits stands for two bytes of code. It holds a difference: how much more often what is
there was executed than what is in front of it. So a block of code that is entered costs two
additions, at its begin and at its end, however long it is. The memory is a memfd of *slots*, one
for each page of 1 MiB, behind one for all other addresses. A slot is longer than its page, as a
block may cross into the next one. In front of them stands how many pages there are, and
which: those of the image first, then those of the machine's banks, as many as there may be.

A worker process imports this module. What it writes is not trusted.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Bytes of a page, and of the longest block; bytes of a slot.
PAGE_SHIFT, LONGEST = 20, 1 << 16
PAGE = 1 << PAGE_SHIFT
SLOT = (PAGE + LONGEST) * 4
HEAD = 4096
#: Slots at most, and how much of them is read: firmware is small, and a worker may lie.
MOST_SLOTS, MOST_READ = 64, 32 << 20
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


def pages(regions: Iterable[tuple[int, int]]) -> list[int]:
    """The pages of *regions*, (address, size), by their numbers: address / 1 MiB. Not too many."""
    found: dict[int, None] = {}
    for address, size in regions:
        for page in range(address >> PAGE_SHIFT, (address + size - 1 >> PAGE_SHIFT) + 1):
            if len(found) < MOST_SLOTS - 1:
                found[page] = None
    return list(found)


class Counters:
    """The memory for code in *regions*, (address, size), zero at first. Close it."""

    def __init__(self, regions: Iterable[tuple[int, int]]) -> None:
        self._pages = pages(regions)
        self.fd = os.memfd_create("rproc-coverage", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, HEAD + SLOT * (1 + len(self._pages)))
        numbers = len(self._pages), *self._pages
        os.pwrite(self.fd, struct.pack(f"<{len(numbers)}I", *numbers), 0)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, SEALS)

    def differences(self) -> Iterator[tuple[int, int]]:
        """(address, difference) wherever that is not zero."""
        left = MOST_READ
        for slot, page in enumerate(self._pages, 1):
            begin = HEAD + slot * SLOT
            at, limit = begin, begin + SLOT
            while left > 0 and (at := self._data(at, limit)) < limit:
                words = memoryview(os.pread(self.fd, mmap.PAGESIZE, at)).cast("q")
                address = (page << PAGE_SHIFT) + (at - begin) // 4
                for index, difference in enumerate(words):
                    if difference:
                        yield address + 2 * index, difference
                at += mmap.PAGESIZE
                left -= mmap.PAGESIZE

    def _data(self, at: int, limit: int) -> int:
        """Where the next page is that was written to."""
        try:
            return min(os.lseek(self.fd, at, os.SEEK_DATA), limit)
        except OSError:  # ENXIO: there is none
            return limit

    def close(self) -> None:
        """Give it back."""
        os.close(self.fd)

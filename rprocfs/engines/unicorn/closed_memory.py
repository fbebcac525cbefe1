"""Memory that the bus of an Armv7-M core closes to it, whatever its MPU says: a BusFault.

Nothing is looked at while nothing is closed. Otherwise :mod:`.protection` has the pages refuse.
"""

from __future__ import annotations

from itertools import pairwise

from rprocfs.arch.armv7m.mpu import EXECUTE, READ, WRITE
from rprocfs.arch.armv7m.stacks import BusError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rprocfs.engines.unicorn.ram import WorkerRam
    from rprocfs.hw.peripherals import Closed

ALL = READ | WRITE | EXECUTE
#: No area of the MPU's and of the bus is looked at by larger parts than these.
LARGEST = 1 << 12


class ClosedMemory:
    """Of *ram*; *violated* (address, store) is told what is refused."""

    def __init__(self, ram: WorkerRam, violated: Callable[[int, bool], None]) -> None:
        self._ram, self._violated = ram, violated
        self._closed: Sequence[Closed] = ()
        #: Called when what is closed has changed.
        self.changed: Callable[[], None] = lambda: None

    def __bool__(self) -> bool:
        return bool(self._closed)

    def close(self, closed: Sequence[Closed]) -> None:
        """From now on that is closed, and nothing else."""
        self._closed = tuple(closed)
        self.changed()

    def allowed(self, address: int) -> int:
        """What may be done at *address*: READ, WRITE, EXECUTE."""
        allowed = ALL
        for begin, end, loads, stores in self._closed:
            if begin <= address < end:
                allowed &= (WRITE if loads else ALL) & (~WRITE if stores else ALL)
        return allowed

    def granule(self) -> int:
        """A number of bytes inside of which nothing that is closed begins or ends."""
        edges = LARGEST
        for begin, end, _, _ in self._closed:
            edges |= begin | end
        return edges & -edges

    def blocks(self) -> Iterator[tuple[int, int, int]]:
        """What is closed by regions of an MPU: base, bits of the size, what is allowed."""
        edges = sorted({edge for begin, end, _, _ in self._closed for edge in (begin, end)})
        for begin, end in pairwise(edges):
            allowed = self.allowed(begin)
            at = begin if allowed != ALL else end
            while at < end:
                bits = (end - at).bit_length() - 1
                while at & (1 << bits) - 1:
                    bits -= 1
                yield at, bits, allowed
                at += 1 << bits

    def refused(self, address: int, size: int, access: int) -> int | None:
        """The first of *size* bytes that are refused an *access*, which is noted; or None."""
        for byte in range(address, address + size) if self._closed else ():
            if not self.allowed(byte) & access:
                self._violated(byte, access == WRITE)
                return byte
        return None

    # For the exception model: stacks and vectors

    def load(self, da: int, count: int) -> Sequence[int]:
        """As :meth:`.ram.WorkerRam.load`."""
        if self.refused(da, 4 * count, READ) is not None:
            raise BusError(da)
        return self._ram.load(da, count)

    def store(self, da: int, words: Sequence[int]) -> None:
        """As :meth:`.ram.WorkerRam.store`."""
        if self.refused(da, 4 * len(words), WRITE) is not None:
            raise BusError(da)
        self._ram.store(da, words)

"""Tells what exceptions are taken, and left, while they are recorded.

The core itself executes returns, so they are instructions that are looked for. Which exception
one leaves is known by order alone, as handlers change their mode: it is the last one taken. An
operating system that switches threads in a handler leaves it all the same, in another thread.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.engines.ring import RingWriter

TAKEN, LEFT = 0, 1
#: What a vector is told behind: numbers of Armv7-M end in front of it.
ARMV7R = 0x200
#: Exceptions within one another that are remembered.
DEEPEST = 64


class Events:
    """Writes to *ring*, with the time *now*."""

    def __init__(self, ring: RingWriter, now: Callable[[], int]) -> None:
        self._ring, self._now = ring, now
        self._taken: list[int] = []

    def taken(self, vector: int) -> None:
        """An exception is taken."""
        self._taken.append(vector)
        del self._taken[:-DEEPEST]
        self._ring.put(self._now(), ARMV7R + vector, TAKEN)

    def left(self) -> None:
        """In front of a return. One without an exception starts a thread."""
        if self._taken:
            self._ring.put(self._now(), ARMV7R + self._taken.pop(), LEFT)

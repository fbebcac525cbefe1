"""A core that spins with interrupts off: firmware that died quietly, in a fault handler say."""

from __future__ import annotations

from rprocfs.hw.clock import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Cpu(Protocol):
        """Of any architecture."""

        @property
        def pc(self) -> int:
            """The address of the next instruction."""


#: How often the core is looked at, and for how long it has to spin.
INTERVAL, SPINS = SECOND // 4, 3 * SECOND


class SpinWatch:
    """Says it by *info*, once until the core takes interrupts again.

    *priority* is the execution priority: 0 and less, and no interrupt is taken.
    """

    def __init__(self, cpu: Cpu, priority: Callable[[], int], info: Callable[[str], None]) -> None:
        self._cpu, self._priority, self._info = cpu, priority, info
        self._next = 0
        self._since: int | None = None
        self._said = False

    def rest(self) -> None:
        """The core sleeps: it waits for something."""
        self._since, self._said = None, False

    def look(self, now: int) -> None:
        """The core has executed up to *now*, in nanoseconds."""
        if now < self._next:
            return
        self._next = now + INTERVAL
        if self._priority() > 0:
            self.rest()
        elif self._since is None:
            self._since = now
        elif not self._said and now - self._since >= SPINS:
            self._said = True
            seconds = SPINS // SECOND
            self._info(f"spins with interrupts off for {seconds} s, at {self._cpu.pc:#x}")

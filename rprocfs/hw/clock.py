"""The time of a machine: that of the wall, but for a processor that lags behind."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Limited(Protocol):
        """A timer, or some of them."""

        @property
        def limit(self) -> int | None:
            """When time has to wait for it; None: it does not."""

SECOND = 1_000_000_000

#: How far time may be behind the wall. What is more is lost, as it is to a stopped processor.
LAG = 5 * SECOND

#: How many events of a timer may pass before all others have their turn.
AT_ONCE = 256

#: How long a processor may execute without taking an interrupt of a timer before it is
#: taken for one that does not want it. Then timers go on without.
PATIENCE = 2_000_000


class Clock:
    """Nanoseconds, by *wall*; *busy* is how long the processor has executed.

    Time stands still at the limit of each of those that are *limited*: the moment of a timer's
    interrupt, until the timer has passed it. So all timers agree, and a processor that could not
    execute for a while finds that no time has passed meanwhile.
    """

    def __init__(self, wall: Callable[[], int], busy: Callable[[], int] = lambda: 0) -> None:
        self.wall, self.busy = wall, busy
        self.limited: list[Limited] = []
        self._of_the_wall, self._lost = wall, 0
        #: For how long the processor has slept.
        self.slept = 0

    def __call__(self) -> int:
        """What time it is."""
        wall = now = self.wall()
        for one in self.limited:
            at = one.limit
            if at is not None and wall - LAG <= at < now:
                now = at
        return now

    def own(self) -> int:
        """The processor's own time: how long it has executed and slept.

        Of the wall's time that is what others on the host have not kept it from.
        """
        return self.busy() + self.slept

    def reached(self, at: int) -> bool:
        """Whether it is *at*, or later."""
        return self.wall() >= at and self() >= at

    def stood_still(self, nanoseconds: int) -> None:
        """So much more of the wall's time does not count: a debugger had halted the processor."""
        self._lost += nanoseconds
        wall, lost = self._of_the_wall, self._lost
        self.wall = lambda: wall() - lost

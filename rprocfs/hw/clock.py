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
        #: For how long the processor has slept, since it was first asked for: see :attr:`watched`.
        self.slept = 0
        #: Whether somebody goes by the processor's own time, which takes system calls to measure.
        self.watched = False

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

        Of the wall's time that is what others on the host have not kept it from. Only differences
        count.
        """
        self.watched = True
        return self.busy() + self.slept

    def reached(self, at: int) -> bool:
        """Whether it is *at*, or later."""
        return self.wall() >= at and self() >= at

    def stood_still(self, nanoseconds: int) -> None:
        """So much more of the wall's time does not count: a debugger had halted the processor."""
        self._lost += nanoseconds
        wall, lost = self._of_the_wall, self._lost
        self.wall = lambda: wall() - lost


class Patience:
    """How long an event of a timer waits for the one before to be handled: :data:`PATIENCE`.

    *busy* takes a system call, so it is asked only if an event has to wait.
    """

    def __init__(self, busy: Callable[[], int]) -> None:
        self._busy = busy
        self._since: int | None = None

    def renew(self) -> None:
        """An event comes, and the one before was handled."""
        self._since = None

    def lasts(self) -> bool:
        """The one before was not handled. Whether the next one goes on waiting."""
        now = self._busy()
        if self._since is None:
            self._since = now
        return now - self._since < PATIENCE

"""The devices of a machine that do something when time passes: which of them is due next."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from rprocfs.hw.clock import Clock

    class TimedDevice(Protocol):
        """A timer, a watchdog, a converter."""

        @property
        def deadline(self) -> int | None:
            """When :meth:`advance` next has something to do."""

        @property
        def limit(self) -> int | None:
            """The same, if time has to wait for it: see :class:`~rprocfs.hw.clock.Clock`."""

        def advance(self) -> object:
            """Let time pass up to now."""


class Timed:
    """The *devices*, by the clock *now*, which stands still for those that ask for it."""

    def __init__(self, now: Clock) -> None:
        self.devices: list[TimedDevice] = []
        self.next: int | None = None
        self._now = now
        self._due: list[tuple[int, TimedDevice]] = []
        #: When time has to wait for one of them.
        self.limit: int | None = None
        now.limited.append(self)

    def look_ahead(self) -> None:
        """A device may be due at another time than before."""
        self._due.clear()
        following = limit = None
        for one in self.devices:
            due = one.deadline
            if due is None:
                continue
            self._due.append((due, one))
            if following is None or due < following:
                following = due
            at = one.limit
            if at is not None and (limit is None or at < limit):
                limit = at
        self.next, self.limit = following, limit

    def advance(self) -> bool:
        """Let time pass for those that are due; whether one was.

        :meth:`look_ahead` is then to be called, behind what the devices have caused.
        """
        if self.next is None or (now := self._now()) < self.next:
            return False
        for due, one in self._due:
            if due <= now:
                one.advance()
        return True

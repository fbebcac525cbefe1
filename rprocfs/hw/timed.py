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
        self._limit: int | None = None
        now.limits.append(lambda: self._limit)

    def look_ahead(self) -> None:
        """A device may be due at another time than before."""
        self.next = self._limit = None
        for one in self.devices:
            due = one.deadline
            if due is None:
                continue
            self.next = due if self.next is None else min(due, self.next)
            limit = one.limit
            if limit is not None:
                self._limit = limit if self._limit is None else min(limit, self._limit)

    def advance(self) -> bool:
        """Let time pass for all of them, if one is due; whether one was.

        :meth:`look_ahead` is then to be called, behind what the devices have caused.
        """
        if self.next is None or self._now() < self.next:
            return False
        for one in self.devices:
            one.advance()
        return True

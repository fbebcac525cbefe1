"""A line for each fault that the firmware takes, also for those that it handles itself."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Firmware may count on faults, or take nothing else: so many lines a second are enough.
LINES_A_SECOND = 10


class FaultLog:
    """Says each fault by *debug*; *now* is in seconds.

    *status* has the name of an exception, and what the registers say of it.
    """

    def __init__(
        self,
        status: Callable[[int], tuple[str, str]],
        debug: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._status, self._debug, self._now = status, debug, now
        self._second, self._said, self._silent = 0, 0, 0

    def __call__(self, number: int, cause: str) -> None:
        """The core is about to take the exception *number* for *cause*."""
        second = int(self._now())
        if second != self._second:
            if self._silent:
                self._debug(f"{self._silent} more faults")
            self._second, self._said, self._silent = second, 0, 0
        if self._said >= LINES_A_SECOND:
            self._silent += 1
            return
        self._said += 1
        name, status = self._status(number)
        self._debug(f"{name}: {cause} ({status})")

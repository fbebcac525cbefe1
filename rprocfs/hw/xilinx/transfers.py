"""Transfers that are not over at once: those of the DMAs, of the QSPI controller and of the CSU."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Transfer(Protocol):
        """A controller, or a channel of one."""

        def run(self) -> None:
            """Do a share of what there is to do, and say so if that was not all."""


class Transfers:
    """Those that are not over: each gets its share between instructions."""

    #: Time does not wait for it.
    limit = None

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._running: list[Transfer] = []
        #: At once, if there is anything to do.
        self.deadline: int | None = None

    def add(self, transfer: Transfer) -> None:
        """It has more to do."""
        if transfer not in self._running:
            self._running.append(transfer)
            self.deadline = self._now()

    def advance(self) -> None:
        """A share for each."""
        running, self._running, self.deadline = self._running, [], None
        for transfer in running:
            transfer.run()

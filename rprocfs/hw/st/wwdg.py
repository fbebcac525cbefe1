"""The window watchdog (RM0436 chapter 43)."""

from __future__ import annotations

from rprocfs.hw.clock import SECOND
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Wwdg(Words):
    """The M4's window watchdog (RM0436 chapter 43).

    *hz* is what the bus runs at, *early* is told the level of its interrupt, and *bite*
    called when it was not fed in time, or too soon.
    """

    CR, CFR, SR = 0x0, 0x4, 0x8
    WDGA, EWI = 0x80, 1 << 9

    def __init__(
        self,
        now: Callable[[], int],
        hz: Callable[[], int],
        early: Callable[[bool], None],
        bite: Callable[[], None],
    ) -> None:
        super().__init__({self.CR: 0x7F, self.CFR: 0x7F})
        self._now, self._hz, self._early, self._bite = now, hz, early, bite
        self._start = 0

    def _tick_ns(self) -> int:
        return (4096 << (self.words[self.CFR] >> 11 & 7)) * SECOND // self._hz()

    def _counter(self) -> int:
        count = self.words[self.CR] & 0x7F
        if not self.words[self.CR] & self.WDGA:
            return count
        return max(0, count - (self._now() - self._start) // self._tick_ns())

    @property
    def limit(self) -> int | None:
        """When it next has something to do."""
        return self.deadline

    @property
    def deadline(self) -> int | None:
        """When it next has something to do."""
        if not self.words[self.CR] & self.WDGA:
            return None
        early = self.words[self.CFR] & self.EWI and not self.words.get(self.SR, 0) & 1
        ticks = max(0, (self.words[self.CR] & 0x7F) - (0x40 if early else 0x3F))
        return self._start + ticks * self._tick_ns()

    def advance(self) -> None:
        """Count down; bite at the end."""
        if not self.words[self.CR] & self.WDGA:
            return
        count = self._counter()
        if count <= 0x40 and not self.words.get(self.SR, 0) & 1:
            self.words[self.SR] = 1
            self._early(bool(self.words[self.CFR] & self.EWI))
        if count < 0x40:
            self._bite()

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset == self.CR:
            return self.words[self.CR] & self.WDGA | self._counter()
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*: CR feeds it, and turns it on for ever."""
        if offset == self.CR:
            running = self.words[self.CR] & self.WDGA
            too_soon = running and self._counter() > self.words[self.CFR] & 0x7F
            self.words[self.CR] = running | value & 0xFF
            self._start = self._now()
            if self.words[self.CR] & self.WDGA and (too_soon or not value & 0x40):
                self._bite()
        elif offset == self.SR:
            self.words[self.SR] = self.words.get(self.SR, 0) & value & 1
            self._early(False)
        else:
            super().store(offset, value)

"""Timers (RM0436 chapters 36 to 39), as far as they count up and tell when they start anew."""

from __future__ import annotations

from rprocfs.hw.clock import LAG, PATIENCE, SECOND
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CR1, CR2, DIER, SR, EGR, CNT, PSC, ARR = 0x00, 0x04, 0x0C, 0x10, 0x14, 0x24, 0x28, 0x2C
CEN, UDIS, URS, OPM = 1, 2, 4, 8
UIE = UIF = UG = 1
MMS, MMS_UPDATE = 7 << 4, 2 << 4


class Tim(Words):
    """A counter of *bits* bits at wall-clock time.

    *now* is the clock in nanoseconds, *hz* what it counts by, *interrupt* is told the level
    of the update interrupt. While that is asked for, updates that are due wait, but not for
    ever, until the one before was seen: none is lost while nobody looks. *busy* is how long
    the processor has executed. Where updates are its trigger output (TRGO), *trigger* is
    called for them while somebody *listens*; of those that are due only the last one counts.
    """

    def __init__(
        self,
        now: Callable[[], int],
        hz: Callable[[], int],
        interrupt: Callable[[bool], None],
        bits: int = 16,
        busy: Callable[[], int] = lambda: 0,
        listens: Callable[[], bool] = lambda: False,
        trigger: Callable[[], None] = lambda: None,
    ) -> None:
        self._listens, self._trigger = listens, trigger
        self._busy, self._told = busy, 0
        self._all = (1 << bits) - 1
        super().__init__({ARR: self._all})
        self._now, self._hz, self._interrupt = now, hz, interrupt
        self._prescale = 1  # what is in use of PSC
        self._start = self._base = 0  # when it had which count
        self._due: int | None = None  # when it starts anew

    def _count(self) -> int:
        if not self.words.get(CR1, 0) & CEN:
            return self._base
        elapsed = (self._now() - self._start) * self._hz() // (SECOND * self._prescale)
        return min(self._base + elapsed, self._period - 1)

    @property
    def _period(self) -> int:
        return (self.words[ARR] & self._all) + 1

    def _ns(self, counts: int) -> int:
        return -(-counts * self._prescale * SECOND // self._hz())

    def _run_from(self, count: int, start: int) -> None:
        self._base, self._start = count, start
        running = self.words.get(CR1, 0) & CEN and self._period > 1
        left = max(0, self._period - count)
        self._due = start + self._ns(left) if running else None

    @property
    def limit(self) -> int | None:
        """When it interrupts next."""
        return self._due if self.words.get(DIER, 0) & UIE else None

    @property
    def deadline(self) -> int | None:
        """When somebody is to be told next."""
        if self._due is None:
            return None
        return self._due if self.words.get(DIER, 0) & UIE or self._triggers() else None

    def _triggers(self) -> bool:
        return self.words.get(CR2, 0) & MMS == MMS_UPDATE and self._listens()

    def advance(self) -> None:
        """Let it pass its end, if it is time."""
        while self._due is not None and (now := self._now()) >= self._due:
            telling = self.words.get(DIER, 0) & UIE and now - self._due <= LAG
            if telling and self.words.get(SR, 0) & UIF and self._busy() - self._told < PATIENCE:
                return
            self._prescale = (self.words.get(PSC, 0) & 0xFFFF) + 1
            if self.words.get(CR1, 0) & OPM:
                self.words[CR1] &= ~CEN
            whole = 0 if telling else (now - self._due) // self._ns(self._period)
            self._run_from(0, self._due + whole * self._ns(self._period))
            if not self.words.get(CR1, 0) & UDIS:
                if not self.words.get(SR, 0) & UIF:
                    self._told = self._busy()
                self._flag(UIF)
                if self._triggers():
                    self._trigger()

    def _flag(self, bits: int) -> None:
        self.words[SR] = self.words.get(SR, 0) | bits
        self._update()

    def _update(self) -> None:
        self._interrupt(bool(self.words.get(SR, 0) & self.words.get(DIER, 0) & UIF))

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset == CNT:
            self.advance()
            return self._count()
        if offset == SR:
            self.advance()
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; a zero clears a flag in SR."""
        count = self._count()
        if offset == EGR:
            if value & UG:
                self._prescale = (self.words.get(PSC, 0) & 0xFFFF) + 1
                self._run_from(0, self._now())
                if not self.words.get(CR1, 0) & (UDIS | URS):
                    self._flag(UIF)
            return
        if offset == SR:
            value &= self.words.get(SR, 0)
        super().store(offset, value)
        if offset == CNT:
            self._run_from(value & self._all, self._now())
        elif offset in (CR1, ARR):
            self._run_from(count, self._now())
        elif offset in (SR, DIER):
            self._update()


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

"""Low-power timers (RM0436 chapter 41) that count their clock; their inputs never move."""

from __future__ import annotations

from rprocfs.hw.clock import AT_ONCE, LAG, PATIENCE, SECOND
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ISR, ICR, IER, CFGR, CR, CMP, ARR, CNT = range(0, 0x20, 4)
CMPM, ARRM, CMPOK, ARROK = 1, 2, 8, 16
TRIGEN, COUNTMODE, ENC = 3 << 17, 1 << 23, 1 << 24
ENABLE, SNGSTRT, CNTSTRT, COUNTRST = 1, 2, 4, 8


class Lptim(Words):
    """16 bits, up to ARR and again from 0.

    *now* is the clock in nanoseconds, *hz* what it counts by before its prescaler,
    *interrupt* is told its level, *busy* is how long the processor has executed. As with
    :class:`~rprocfs.hw.st.tim.Tim`, a match that interrupts waits for the one before.
    """

    def __init__(
        self,
        now: Callable[[], int],
        hz: Callable[[], int],
        interrupt: Callable[[bool], None],
        busy: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__({ARR: 1})
        self._now, self._hz, self._interrupt, self._busy = now, hz, interrupt, busy
        self._flags = self._told = 0
        self._start = self._base = 0  # when it had which count
        self._running = self._once = False

    def _ns(self, counts: int) -> int:
        return -(-(counts << (self.words.get(CFGR, 0) >> 9 & 7)) * SECOND // self._hz())

    @property
    def _next(self) -> tuple[int, int]:
        """Until which count it comes next, and the flags that it has there."""
        compare, end = self.words.get(CMP, 0), self.words[ARR] + 1
        if self._base < compare < end:
            return compare, CMPM
        return end, ARRM | (CMPM if compare == end else 0)

    def _when(self, count: int) -> int:
        return self._start + self._ns(max(1, count - self._base))

    @property
    def limit(self) -> int | None:
        """When it interrupts next, or before."""
        if not self._running:
            return None
        wanted = self.words.get(IER, 0) & (CMPM | ARRM)
        if not wanted:
            return None
        return self._when(self._next[0] if wanted & CMPM else self.words[ARR] + 1)

    @property
    def deadline(self) -> int | None:
        """When somebody is to be told next."""
        return self.limit

    def advance(self) -> None:
        """Let it come to the next match, if it is time."""
        for _ in range(AT_ONCE):
            if not self._running:
                return
            count, flags = self._next
            due = self._when(count)
            late = self._now() - due
            if late < 0:
                return
            wanted = self.words.get(IER, 0) & (CMPM | ARRM) if late <= LAG else 0
            asks = wanted and flags & wanted & self._flags
            if asks and self._busy() - self._told < PATIENCE:
                return
            if not self._flags & flags:
                self._told = self._busy()
            self._base, self._start = count, due
            if flags & ARRM:
                period = self._ns(self.words[ARR] + 1)
                self._base = 0
                self._start += 0 if wanted else late // period * period
                self._running = not self._once
            self._flags |= flags
            self._update()

    def _update(self) -> None:
        self._interrupt(bool(self._flags & self.words.get(IER, 0)))

    def _count(self) -> int:
        if not self._running:
            return self._base
        elapsed = (self._now() - self._start) // max(1, self._ns(1))
        return min(self._base + elapsed, self._next[0] - 1)

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset in (ISR, CNT):
            self.advance()
            return self._flags if offset == ISR else self._count()
        return super().load(offset)

    def ones(self, offset: int) -> bool:
        """ICR."""
        return offset == ICR

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == ICR:
            self._flags &= ~value
        elif offset == CR:
            self._control(value)
        elif offset in (CMP, ARR):
            self._base, self._start = self._count(), self._now()
            super().store(offset, value & 0xFFFF)
            self._flags |= CMPOK if offset == CMP else ARROK
        elif offset not in (ISR, CNT):
            super().store(offset, value)
        self._update()

    def _control(self, value: int) -> None:
        enabled = self.words.get(CR, 0) & ENABLE
        if not value & ENABLE or value & COUNTRST:
            self._base, self._start = 0, self._now()
        self.words[CR] = value & ~(SNGSTRT | CNTSTRT | COUNTRST)
        if not value & ENABLE:
            self._running = False
        elif enabled and value & (SNGSTRT | CNTSTRT):
            self._once = not value & CNTSTRT
            still = self.words.get(CFGR, 0) & (TRIGEN | COUNTMODE | ENC)
            if not self._running and not still:
                self._running, self._start = True, self._now()

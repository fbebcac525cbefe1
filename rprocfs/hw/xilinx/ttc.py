"""Triple timer counters (UG1085 chapter 14, UG1087 module TTC), their counters 32 bits wide.

Counters count up or down at wall-clock time, up to the interval or freely. Waveforms, external
clocks and the event timer are not modelled.
"""

from __future__ import annotations

from rprocfs.hw.clock import AT_ONCE, LAG, SECOND, Patience
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNTERS = 3
#: The first of three registers each.
CLKCTRL, CNTCTRL, CNTVAL, INTERVAL, MATCH1 = 0x00, 0x0C, 0x18, 0x24, 0x30
ISR, IER, EVTCTRL, EVT = 0x54, 0x60, 0x6C, 0x78
DIS, INT, DEC, MATCH, RST = 1, 2, 4, 8, 16
PS_EN = 1
IXR_INTERVAL, IXR_OVERFLOW = 1, 1 << 4
ALL = 0xFFFF_FFFF


class Counter:
    """One of the three. *interrupt* is told its level, *hz* is the clock.

    As of a timer of :mod:`rprocfs.hw.st.tim`, an interval that is due waits, but not for ever,
    until the one before was seen.
    """

    def __init__(
        self,
        interrupt: Callable[[bool], None],
        now: Callable[[], int],
        hz: int,
        busy: Callable[[], int],
    ) -> None:
        self._interrupt, self._now, self._hz = interrupt, now, hz
        self.clkctrl, self.cntctrl, self.interval = 0, 0x21, 0
        self.match = [0, 0, 0]
        self.status, self.enabled = 0, 0
        self._start = 0  # when it was at the position _base
        self._base = self._passed = 0  # positions count up, for ever
        self._patience = Patience(busy)
        #: When it interrupts next, and the position of that.
        self.due: int | None = None
        self._next = 0

    @property
    def _period(self) -> int:
        return (self.interval + 1) if self.cntctrl & INT else ALL + 1

    @property
    def _prescale(self) -> int:
        return 2 << (self.clkctrl >> 1 & 15) if self.clkctrl & PS_EN else 1

    def _position(self) -> int:
        if self.cntctrl & DIS:
            return self._base
        elapsed = max(0, self._now() - self._start)
        return self._base + elapsed * self._hz // (SECOND * self._prescale)

    def value(self) -> int:
        """CNTVAL."""
        at = self._position() % self._period
        return self._period - 1 - at if self.cntctrl & DEC else at

    def change(self, **registers: int) -> None:
        """Set registers; the count goes on from where it is, unless it is to be reset."""
        value, restart = self.value(), registers.get("cntctrl", 0) & RST
        self.advance()
        for name, word in registers.items():
            setattr(self, name, word)
        self.cntctrl &= ~RST
        down = self.cntctrl & DEC
        value = (self._period - 1 if down else 0) if restart else min(value, self._period - 1)
        self._base = self._passed = self._period - 1 - value if down else value
        self._start = self._now()
        self.look_ahead()

    def _events(self) -> Iterator[tuple[int, int]]:
        """(position of the next one, its bit) of each kind of event."""
        period, passed = self._period, self._passed
        wrap = IXR_INTERVAL if self.cntctrl & INT else IXR_OVERFLOW
        yield passed // period * period + period, wrap
        if not self.cntctrl & MATCH:
            return
        for index, match in enumerate(self.match):
            if match < period:
                at = period - 1 - match if self.cntctrl & DEC else match
                yield passed + 1 + (at - passed - 1) % period, 2 << index

    def _when(self, position: int) -> int:
        return self._start - (-(position - self._base) * self._prescale * SECOND // self._hz)

    def look_ahead(self) -> None:
        """When it interrupts next."""
        self.due = None
        if not self.enabled or self.cntctrl & DIS:
            return
        asked = [at for at, bit in self._events() if bit & self.enabled]
        if asked:
            self._next = min(asked)
            self.due = self._when(self._next)

    def advance(self) -> None:
        """Let it pass what it has passed; of a processor that is too late, all of it at once."""
        for _ in range(AT_ONCE):
            if self.due is None or (now := self._now()) < self.due:
                break
            late = now - self.due > LAG
            if not late and self._waits():
                return
            self._pass(self._position() if late else self._next)
            self.look_ahead()
        if not self.enabled:
            self._pass(self._position())

    def _waits(self) -> bool:
        """Whether the last interval was not seen yet, but will be."""
        unseen = self.status & self.enabled & IXR_INTERVAL
        return bool(unseen) and self._patience.lasts()

    def _pass(self, position: int) -> None:
        if position <= self._passed:
            return
        if not self.status & self.enabled:
            self._patience.renew()
        for at, bit in self._events():
            if at <= position:
                self.status |= bit
        self._passed = position
        self.update()

    def update(self) -> None:
        """Tell the level."""
        self._interrupt(bool(self.status & self.enabled))

    def take_status(self) -> int:
        """ISR: reading it clears it."""
        self.advance()
        status, self.status = self.status, 0
        self.update()
        return status


class Ttc(Words):
    """A TTC: *interrupts* are those of its counters, which count at *hz*."""

    def __init__(
        self, *interrupts: Callable[[bool], None], now: Callable[[], int], hz: int,
        busy: Callable[[], int] = lambda: 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.counters = [Counter(interrupt, now, hz, busy) for interrupt in interrupts]
        #: When one interrupts next; time waits for it.
        self.deadline: int | None = None
        self.limit: int | None = None

    def advance(self) -> None:
        """Let time pass for those that have something to do."""
        for counter in self.counters:
            if counter.due is not None:
                counter.advance()
        self._look_ahead()

    def _look_ahead(self) -> None:
        due = [counter.due for counter in self.counters if counter.due is not None]
        self.deadline = self.limit = min(due, default=None)

    def _find(self, offset: int) -> tuple[Counter, int]:
        """The counter of a register, and the first of its kind."""
        index = offset // 4 % COUNTERS
        return self.counters[index], offset - 4 * index

    def load(self, offset: int) -> int:
        """The word at *offset*; reading ISR clears it."""
        counter, kind = self._find(offset)
        if kind == CNTVAL:
            return counter.value()
        if kind == ISR:
            status = counter.take_status()
            self._look_ahead()
            return status
        if MATCH1 <= kind < ISR:
            return counter.match[(kind - MATCH1) // 12]
        known = {
            CLKCTRL: counter.clkctrl, CNTCTRL: counter.cntctrl, INTERVAL: counter.interval,
            IER: counter.enabled,
        }  # fmt: skip
        return known.get(kind, super().load(offset))

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        counter, kind = self._find(offset)
        if kind == CLKCTRL:
            counter.change(clkctrl=value & 0x7F)
        elif kind == CNTCTRL:
            counter.change(cntctrl=value & 0x7F)
        elif kind == INTERVAL:
            counter.change(interval=value)
        elif MATCH1 <= kind < ISR:
            counter.advance()
            counter.match[(kind - MATCH1) // 12] = value
            counter.look_ahead()
        elif kind == IER:
            counter.advance()
            counter.enabled = value & 0x3F
            counter.look_ahead()
            counter.update()
        elif kind not in (CNTVAL, ISR):
            super().store(offset, value)
        self._look_ahead()

"""The general purpose timer (IMX8MMRM chapter "GPT"): counting, comparing and capturing."""

from __future__ import annotations

from rprocfs.hw.clock import AT_ONCE, LAG, PATIENCE, SECOND
from rprocfs.hw.inputs import Pins
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.inputs import Input

CR, PR, SR, IR, OCR1, OCR2, OCR3, ICR1, ICR2, CNT = range(0, 0x28, 4)
EN, ENMOD, FRR, SWR = 1, 2, 1 << 9, 1 << 15
OF, IF, IM = (1, 2, 4), (8, 16), 16  # flags of compares and captures; CR: the captures' edges
RISING, FALLING = 1, 2
ROV, ALL = 1 << 5, 0x3F
CYCLE = 1 << 32
LOW = 32_768
CLKSRC_ROOT, CLKSRC_LOW, CLKSRC_OSC = (1, 2), 4, 5
ON_RESET = EN | ENMOD | 0x3C | 7 << 6  # what a software reset leaves alone: CLKSRC, too


class Gpt(Words):
    """32 bits that count up, and three values that they are compared with.

    *now* is the clock in nanoseconds, *root_hz* its clock root, *osc_hz* the oscillator,
    *interrupt* is told the level, *busy* is how long the processor has executed. A match that
    interrupts waits, but not for ever, until the one before was seen.
    """

    def __init__(
        self,
        now: Callable[[], int],
        root_hz: Callable[[], int],
        interrupt: Callable[[bool], None],
        busy: Callable[[], int] = lambda: 0,
        osc_hz: int = 24_000_000,
    ) -> None:
        super().__init__(dict.fromkeys((OCR1, OCR2, OCR3), CYCLE - 1))
        self._now, self._root_hz, self._interrupt, self._busy = now, root_hz, interrupt, busy
        self._osc_hz = osc_hz
        self._start = self._base = self._told = 0  # since when it counts on from where
        self._hz = 0  # 0: it stands still
        self._pins, self._seen = Pins(2, self._capture), 0

    def inputs(self) -> Mapping[str, Input]:
        """The pins of the two captures."""
        return {f"capture{1 + number}": pin for number, pin in enumerate(self._pins.inputs)}

    def _capture(self, levels: int) -> None:
        """Pins have changed: note the count, if that is an edge that is asked for."""
        changed, self._seen = levels ^ self._seen, levels
        self.advance()
        for number, flag in enumerate(IF):
            edges = self.words.get(CR, 0) >> IM + 2 * number & 3
            edge = RISING if levels >> number & 1 else FALLING
            if changed >> number & 1 and edges & edge and self._hz:
                self.words[ICR1 + 4 * number] = self._count()
                self.words[SR] = self.words.get(SR, 0) | flag
        self._update()

    def _find_hz(self) -> int:
        """What it counts by; 0 while it stands still."""
        control, prescale = self.words.get(CR, 0), self.words.get(PR, 0)
        source = control >> 6 & 7
        hz = self._root_hz() if source in CLKSRC_ROOT else 0
        if source == CLKSRC_LOW:
            hz = LOW
        elif source == CLKSRC_OSC:
            hz = self._osc_hz // ((prescale >> 12 & 0xF) + 1)
        return hz // ((prescale & 0xFFF) + 1) if control & EN else 0

    @property
    def _wrap(self) -> int:
        """How many counts a round has: in restart mode up to a match of OCR1."""
        return CYCLE if self.words.get(CR, 0) & FRR else self.words[OCR1] + 1

    def _elapsed(self) -> int:
        return (self._now() - self._start) * self._hz // SECOND

    def _count(self) -> int:
        return (self._base + self._elapsed()) % max(self._wrap, self._base + 1)

    @property
    def _next(self) -> tuple[int, int]:
        """In how many counts something happens next, and the flags that it has."""
        wrap, base = self._wrap, self._base
        found: dict[int, int] = {}
        for flag, offset in zip(OF, (OCR1, OCR2, OCR3), strict=True):
            value = self.words[offset]
            if value < wrap:
                left = (value - base) % wrap or wrap
                found[left] = found.get(left, 0) | flag
        if wrap == CYCLE:
            found[CYCLE - base] = found.get(CYCLE - base, 0) | ROV
        first = min(found)
        return first, found[first]

    def _when(self, counts: int) -> int:
        return self._start - (-counts * SECOND // self._hz)

    @property
    def limit(self) -> int | None:
        """When it interrupts next, or before."""
        if not self._hz or not self.words.get(IR, 0):
            return None
        return self._when(self._next[0])

    @property
    def deadline(self) -> int | None:
        """When somebody is to be told next."""
        return self.limit

    def advance(self) -> None:
        """Let it come to the next match, if it is time."""
        for _ in range(AT_ONCE):
            if not self._hz:
                return
            left, flags = self._next
            due = self._when(left)
            late = self._now() - due
            if late < 0:
                return
            wanted = self.words.get(IR, 0) if late <= LAG else 0
            if flags & wanted & self.words.get(SR, 0) and self._busy() - self._told < PATIENCE:
                return
            if not self.words.get(SR, 0) & flags:
                self._told = self._busy()
            self.words[SR] = self.words.get(SR, 0) | flags
            self._base, self._start = (self._base + left) % self._wrap, due
            if not wanted:
                self._skip(late)
            self._update()

    def _skip(self, late: int) -> None:
        """Nobody is to be told: pass whole rounds at once."""
        rounds = late * self._hz // SECOND // self._wrap
        if rounds:
            self.words[SR] |= OF[0] | (ROV if self._wrap == CYCLE else 0)
            self._start = self._when(rounds * self._wrap)

    def _update(self) -> None:
        self._interrupt(bool(self.words.get(SR, 0) & self.words.get(IR, 0)))

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset in (CNT, SR):
            self.advance()
        return self._count() if offset == CNT else super().load(offset)

    def ones(self, offset: int) -> bool:
        """A one clears a flag."""
        return offset == SR

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        self.advance()
        if offset == SR:  # a match that waited for that comes next
            self.words[SR] = self.words.get(SR, 0) & ~value
            self._update()
            return
        elapsed, count = self._elapsed(), self._count()
        if self._hz:
            self._start += elapsed * SECOND // self._hz
        if offset == CR:
            count = self._control(value, count)
        elif offset == OCR1 and not self.words.get(CR, 0) & FRR:
            self.words[OCR1], count = value, 0  # in restart mode it begins anew
        elif offset == IR:
            self.words[IR] = value & ALL
        elif offset not in (CNT, ICR1, ICR2):
            super().store(offset, value)
        self._base = count
        self._run(self._find_hz())
        self._update()

    def _run(self, hz: int) -> None:
        if hz != self._hz or not hz:
            self._hz, self._start = hz, self._now()

    def _control(self, value: int, count: int) -> int:
        """CR; the count that it leaves."""
        if value & SWR:
            kept = self.words.get(CR, 0) & ON_RESET
            self.words = {**dict.fromkeys((OCR1, OCR2, OCR3), CYCLE - 1), CR: kept}
            return 0
        begins = value & EN and not self.words.get(CR, 0) & EN
        self.words[CR] = value
        return 0 if begins and value & ENMOD else count

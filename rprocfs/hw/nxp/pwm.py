"""The pulse width modulator of i.MX processors (IMX8MMRM chapter "PWM"); nobody sees its pin."""

from __future__ import annotations

from rprocfs.hw.clock import SECOND
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PWMCR, PWMSR, PWMIR, PWMSAR, PWMPR, PWMCNR = range(0, 0x18, 4)
EN, SWR, REPEAT, PRESCALER, CLKSRC, FWM = 1, 1 << 3, 1, 4, 16, 26
FE, ROV, CMP, FWE = 1 << 3, 1 << 4, 1 << 5, 1 << 6
DEPTH, LOW_HZ = 4, 32_768
LONGEST = 0xFFFE  # of PWMPR: one more does the same
ROOTS = (1, 2)  # CLKSRC: the clock root; 3 is the low frequency


class Pwm(Words):
    """Its samples are taken from a FIFO, one a period.

    *now* is the clock in nanoseconds, *root_hz* its clock root, *interrupt* is told the level.
    Periods that nobody has looked at pass at once.
    """

    #: Time does not wait for it.
    limit = None

    def __init__(
        self, now: Callable[[], int], root_hz: Callable[[], int], interrupt: Callable[[bool], None]
    ) -> None:
        super().__init__({PWMPR: 0xFFFE})
        self._now, self._root_hz, self._interrupt = now, root_hz, interrupt
        self._fifo: list[int] = []
        self._sample = self._uses = self._flags = self._start = 0

    @property
    def _hz(self) -> int:
        control = self.words.get(PWMCR, 0)
        source = control >> CLKSRC & 3
        hz = self._root_hz() if source in ROOTS else LOW_HZ if source else 0
        return hz // ((control >> PRESCALER & 0xFFF) + 1) if control & EN else 0

    @property
    def _period(self) -> int:
        return min(self.words[PWMPR], LONGEST) + 2

    def _end(self) -> int | None:
        """When this period is over."""
        hz = self._hz
        return self._start - (-self._period * SECOND // hz) if hz else None

    def _flag(self, flags: int) -> None:
        """Note *flags*, and whether the FIFO is as empty as is to be told."""
        empty = DEPTH - len(self._fifo) > self.words.get(PWMCR, 0) >> FWM & 3
        self._flags |= flags | (FE if empty else 0)

    def _take(self) -> None:
        """The sample of the next period."""
        self._uses += 1
        if self._fifo and self._uses >= 1 << (self.words.get(PWMCR, 0) >> REPEAT & 3):
            self._sample, self._uses = self._fifo.pop(0), 0

    def _update(self) -> None:
        """FIE, RIE and CIE stand where their flags do, three bits below."""
        self._interrupt(bool(self._flags >> 3 & self.words.get(PWMIR, 0) & 7))

    @property
    def deadline(self) -> int | None:
        """When it interrupts next; None: it does not, or has already for all that is enabled."""
        untold = self.words.get(PWMIR, 0) & 7 & ~(self._flags >> 3)
        return self._end() if untold else None

    def advance(self) -> None:
        """Let it come to where it is now."""
        end, hz = self._end(), self._hz
        if end is None or self._now() < end:
            return
        rounds = (self._now() - self._start) * hz // SECOND // self._period or 1
        self._start -= -rounds * self._period * SECOND // hz
        for _ in range(min(rounds, DEPTH << 3)):
            self._take()
        self._flag(ROV | CMP)
        self._update()

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset in (PWMSR, PWMSAR, PWMCNR):
            self.advance()
        if offset == PWMSR:
            return self._flags | len(self._fifo)
        if offset == PWMSAR:
            return self._sample
        if offset == PWMCNR:
            return (self._now() - self._start) * self._hz // SECOND
        return super().load(offset)

    def ones(self, offset: int) -> bool:
        """Flags are cleared by ones; a sample is written as a whole."""
        return offset in (PWMSR, PWMSAR)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        self.advance()
        if offset == PWMSR:
            self._flags &= ~value
        elif offset == PWMSAR:
            self._push(value & 0xFFFF)
        elif offset == PWMCR:
            self._control(value)
        elif offset != PWMCNR:
            super().store(offset, value & 0xFFFF if offset == PWMPR else value)
        self._update()

    def _push(self, sample: int) -> None:
        if len(self._fifo) == DEPTH:
            self._flags |= FWE
        else:
            self._fifo.append(sample)

    def _control(self, value: int) -> None:
        if value & SWR:  # it clears itself
            self.words = {PWMPR: 0xFFFE}
            self._fifo.clear()
            self._sample = self._uses = self._flags = 0
            return
        begins = value & EN and not self.words.get(PWMCR, 0) & EN
        self.words[PWMCR] = value
        if begins:
            self._start = self._now()
            self._uses = DEPTH << 3  # the first sample is taken at once
            self._take()
            self._flag(0)

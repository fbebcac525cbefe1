"""ADC1 and ADC2 (RM0436 chapter 28): inputs are at half of the reference voltage at first.

Calibrations and the regulator are ready at once. The next conversion of a sequence begins
when the value before it was read, so there are no overruns.
"""

from __future__ import annotations

from rprocfs.hw.dma import Request
from rprocfs.hw.inputs import Value
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.inputs import Input

ISR, IER, CR, CFGR, SQR1, DR, JSQR, JDR = 0x00, 0x04, 0x08, 0x0C, 0x30, 0x40, 0x4C, 0x80
ADRDY, EOC, EOS, JEOC, JEOS, LDORDY, FLAGS = 1, 4, 8, 0x20, 0x40, 1 << 12, 0x7FF
ADEN, ADDIS, ADSTART, JADSTART, ADSTP, JADSTP = (1 << bit for bit in range(6))
ADCALLIN, LINCALRDY, ADVREGEN, DEEPPWD = 1 << 16, 0x3F << 22, 1 << 28, 1 << 29
ADCAL = 1 << 31
HARDWARE = ADEN | ADDIS | ADSTART | JADSTART | ADSTP | JADSTP | ADCAL  # not simply written
CONT, EXTEN = 1 << 13, 3 << 10
BITS = (16, 14, 12, 10, 8, 14, 12, 8)
CHANNELS, HALF = 20, 0x8000  # in 16 bits
CONVERSION = 10_000  # nanoseconds
UNIT, CSR, CDR = 0x100, 0x300, 0x30C


class Unit(Words):
    """One of the two: *now* is the time, *interrupt* is told its level."""

    def __init__(self, now: Callable[[], int], interrupt: Callable[[bool], None]) -> None:
        super().__init__({CR: DEEPPWD})
        self._now, self._interrupt = now, interrupt
        self.channels = [Value(0xFFFF, level=HALF) for _ in range(CHANNELS)]
        self.flags = self._sample = 0
        self._rank = 0  # which of the sequence is converted
        self.deadline: int | None = None  # when it is done

    def asks(self) -> bool:
        """Whether DMA is to take a value."""
        return bool(self.flags & EOC and self.words.get(CFGR, 0) & 1)

    def listens(self, source: int) -> bool:
        """Whether it waits for the trigger of number *source*."""
        configured = self.words.get(CFGR, 0)
        waits = self.words[CR] & ADSTART and configured & EXTEN
        return bool(waits and configured >> 5 & 31 == source)

    def trigger(self, source: int) -> None:
        """The trigger of number *source* fires."""
        if self.listens(source) and self.deadline is None:
            self._begin(0)

    def _begin(self, rank: int) -> None:
        self._rank, self.deadline = rank, self._now() + CONVERSION

    def advance(self) -> None:
        """Let a conversion end, if it is time."""
        if self.deadline is None or self._now() < self.deadline:
            return
        self.deadline = None
        self.flags |= EOC
        self._sample = self._value(self._channel())
        if self._rank == self.words.get(SQR1, 0) & 15:
            self.flags |= EOS
            if not self.words.get(CFGR, 0) & (CONT | EXTEN):
                self.words[CR] &= ~ADSTART
        self._update()

    def _taken(self) -> None:
        """The value was read: on with the next one."""
        self.flags &= ~EOC
        last = self._rank == self.words.get(SQR1, 0) & 15
        if self.words[CR] & ADSTART and self.deadline is None:
            if not last:
                self._begin(self._rank + 1)
            elif self.words.get(CFGR, 0) & CONT:
                self._begin(0)
        self._update()

    def _update(self) -> None:
        self._interrupt(bool(self.flags & self.words.get(IER, 0) & FLAGS))

    def _channel(self) -> int:
        """The channel of the rank that is converted: SQ1 is behind the length in SQR1."""
        register, field = divmod(self._rank + 1, 5)
        return self.words.get(SQR1 + 4 * register, 0) >> 6 * field & 31

    def _value(self, channel: int) -> int:
        """What a conversion gives, in the resolution that is set; 0 of what is no channel."""
        bits = BITS[self.words.get(CFGR, 0) >> 2 & 7]
        return self.channels[channel].level >> 16 - bits if channel < CHANNELS else 0

    def _injected(self, rank: int) -> int:
        return self._value(self.words.get(JSQR, 0) >> 9 + 6 * rank & 31)

    def load(self, offset: int) -> int:
        """The word at *offset*; reading DR makes room for the next value."""
        if offset == ISR:
            self.advance()
            return self.flags | (LDORDY if self.words[CR] & ADVREGEN else 0)
        if offset == DR:
            if self.flags & EOC:
                self._taken()
            return self._sample
        if JDR <= offset < JDR + 16:
            return self._injected((offset - JDR) // 4)
        return super().load(offset)

    def ones(self, offset: int) -> bool:
        """ISR."""
        return offset == ISR

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == CR:
            self._control(value)
        elif offset == ISR:
            taken = value & self.flags & EOC
            self.flags &= ~(value & ~EOC)
            if taken:
                self._taken()
        elif offset != DR:
            super().store(offset, value)
        self._update()

    def _control(self, value: int) -> None:
        state = self.words[CR] & HARDWARE | value & ~HARDWARE
        if value & ADCAL and value & ADCALLIN:
            state |= LINCALRDY
        if value & ADEN and state & ADVREGEN:
            state |= ADEN
            self.flags |= ADRDY
        if value & (ADDIS | ADSTP):
            state &= ~ADSTART
            self.deadline = None
        if value & ADDIS:
            state &= ~ADEN
            self.flags &= ~ADRDY
        starts = value & ADSTART and state & ADEN and not state & ADSTART
        self.words[CR] = state | (ADSTART if starts else 0)
        if starts and not self.words.get(CFGR, 0) & EXTEN:
            self._begin(0)
        if value & JADSTART and state & ADEN:
            self.flags |= JEOC | JEOS


class Adc(Words):
    """Both, and what they have in common; *first* and *second* are told their interrupts."""

    #: Time does not wait for it.
    limit = None

    def __init__(
        self,
        now: Callable[[], int],
        first: Callable[[bool], None],
        second: Callable[[bool], None],
    ) -> None:
        super().__init__()
        self.units = (Unit(now, first), Unit(now, second))

    def inputs(self) -> Mapping[str, Input]:
        """Their channels, with 16 bits of the reference voltage each: ``1/in_voltage0_raw``."""
        return {
            f"{unit}/in_voltage{number}_raw": channel
            for unit, one in enumerate(self.units, 1)
            for number, channel in enumerate(one.channels)
        }

    def requests(self) -> tuple[Request, ...]:
        """To the DMAMUX: of each unit, for its result to be taken."""
        return tuple(Request(unit.asks) for unit in self.units)

    @property
    def deadline(self) -> int | None:
        """When the next conversion is done."""
        return min((one.deadline for one in self.units if one.deadline is not None), default=None)

    def listens(self, source: int) -> bool:
        """Whether the trigger of number *source* would start anything."""
        return any(one.listens(source) for one in self.units)

    def trigger(self, source: int) -> None:
        """The trigger of number *source* fires."""
        for one in self.units:
            one.trigger(source)

    def advance(self) -> None:
        """Let conversions end."""
        for one in self.units:
            one.advance()

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset < 2 * UNIT:
            return self.units[offset // UNIT].load(offset % UNIT)
        if offset == CSR:
            return self.units[0].load(ISR) | self.units[1].load(ISR) << 16
        if offset == CDR:
            return self.units[0].load(DR) | self.units[1].load(DR) << 16
        return super().load(offset)

    def ones(self, offset: int) -> bool:
        """The units' ISR."""
        return offset in (ISR, UNIT + ISR)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset < 2 * UNIT:
            self.units[offset // UNIT].store(offset % UNIT, value)
        else:
            super().store(offset, value)

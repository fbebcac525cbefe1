"""General purpose I/O (RM0436 chapter 13)."""

from __future__ import annotations

from rprocfs.hw.inputs import Pins
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.inputs import Input

PINS = 16
OUTPUT, ANALOG, PULL_UP = 1, 3, 1


class Gpio(Words):
    """16 pins; one that nobody drives reads its pull resistor.

    *changed* gets IDR when that changes. Alternate functions drive nothing.
    """

    MODER, OTYPER, PUPDR, IDR, ODR, BSRR, BRR = 0x00, 0x04, 0x0C, 0x10, 0x14, 0x18, 0x28

    def __init__(self, changed: Callable[[int], None] = lambda levels: None) -> None:
        super().__init__({self.MODER: 0xFFFF_FFFF})
        self._changed = changed
        self._read = 0xFFFF  # the pins whose level can be read
        self._seen = self._outputs = self._pulls = 0
        self._pins = Pins(PINS, lambda levels: self._see())

    def inputs(self) -> Mapping[str, Input]:
        """The pins, by their numbers."""
        return {str(number): pin for number, pin in enumerate(self._pins.inputs)}

    def _see(self) -> None:
        """Tell of a change; an analog pin reads as low."""
        seen = self._pins.levels & self._read
        if seen != self._seen:
            self._seen = seen
            self._changed(seen)

    def _fields(self, offset: int, value: int) -> int:
        """The pins whose two bits in the register at *offset* are *value*."""
        word = super().load(offset)
        return sum(1 << pin for pin in range(PINS) if word >> 2 * pin & 3 == value)

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        return self._seen if offset == self.IDR else super().load(offset)

    def ones(self, offset: int) -> bool:
        """BSRR and BRR."""
        return offset in (self.BSRR, self.BRR)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        output = self.words.get(self.ODR, 0)
        if offset == self.BSRR:
            self.words[self.ODR] = output & ~(value >> 16) | value & 0xFFFF
        elif offset == self.BRR:
            self.words[self.ODR] = output & ~(value & 0xFFFF)
        elif offset != self.IDR:
            super().store(offset, value)
        if offset in (self.MODER, self.PUPDR):
            self._modes()
        if offset in (self.MODER, self.OTYPER, self.PUPDR, self.ODR, self.BSRR, self.BRR):
            self._configure()

    def _modes(self) -> None:
        self._read = 0xFFFF & ~self._fields(self.MODER, ANALOG)
        self._outputs = self._fields(self.MODER, OUTPUT)
        self._pulls = self._fields(self.PUPDR, PULL_UP)

    def _configure(self) -> None:
        output = self.words.get(self.ODR, 0) & 0xFFFF
        open_drain = self.words.get(self.OTYPER, 0) & output
        self._pins.configure(self._outputs & ~open_drain, output, self._pulls)
        self._see()

"""General purpose I/O (RM0436 chapter 13)."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words


class Gpio(Words):
    """16 pins that nothing is connected to: an input reads its pull resistor."""

    MODER, PUPDR, IDR, ODR, BSRR, BRR = 0x00, 0x0C, 0x10, 0x14, 0x18, 0x28

    def __init__(self) -> None:
        super().__init__({self.MODER: 0xFFFF_FFFF})

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset == self.IDR:
            return sum(self._level(pin) << pin for pin in range(16))
        return super().load(offset)

    def _level(self, pin: int) -> int:
        mode = super().load(self.MODER) >> 2 * pin & 3
        if mode == 1:
            return super().load(self.ODR) >> pin & 1
        return int(super().load(self.PUPDR) >> 2 * pin & 3 == 1)

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

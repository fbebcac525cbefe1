"""The small ones: GPIO, EXTI, PWR and RNG (RM0436 chapters 13, 24, 9 and 31)."""

from __future__ import annotations

import os

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


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


class Exti(Words):
    """Of its lines, those of the pins: what software triggers; *interrupt* (line, level)."""

    SWIER1, RPR1, FPR1, C2IMR1 = 0x08, 0x0C, 0x10, 0xC0
    PINS = 0xFFFF

    def __init__(self, interrupt: Callable[[int, bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt

    def wakes(self, line: int) -> bool:
        """Whether an event on *line* wakes the M4."""
        return bool(self.load(self.C2IMR1 + line // 32 * 16) >> line % 32 & 1)

    def _update(self) -> None:
        pending = (self.load(self.RPR1) | self.load(self.FPR1)) & self.load(self.C2IMR1)
        for line in range(16):
            self._interrupt(line, bool(pending >> line & 1))

    def ones(self, offset: int) -> bool:
        """Triggers and pending bits."""
        return offset in (self.SWIER1, self.RPR1, self.FPR1)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == self.SWIER1:
            self.words[self.RPR1] = self.load(self.RPR1) | value & self.PINS
        elif offset in (self.RPR1, self.FPR1):
            self.words[offset] = self.load(offset) & ~value
        else:
            super().store(offset, value)
        if offset in (self.SWIER1, self.RPR1, self.FPR1, self.C2IMR1):
            self._update()


class Pwr(Words):
    """What is turned on is ready."""

    CR2, CR3 = 0x08, 0x0C

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        word = super().load(offset)
        if offset == self.CR2:
            return word | (word & 3) << 16
        if offset == self.CR3:
            return word | (word >> 24 & 1) << 26 | (word >> 28 & 1) << 29 | (word >> 30 & 1) << 31
        return word


class Rng(Words):
    """Random numbers, while it is on; *interrupt* is told that there are."""

    CR, SR, DR, RNGEN, IE = 0x0, 0x4, 0x8, 4, 8

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        on = self.words.get(self.CR, 0) & self.RNGEN
        if offset == self.SR:
            return 1 if on else 0
        if offset == self.DR:
            return int.from_bytes(os.urandom(4), "little") if on else 0
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        super().store(offset, value)
        self._interrupt(not ~self.words.get(self.CR, 0) & (self.RNGEN | self.IE))

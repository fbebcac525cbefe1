"""Power control (RM0436 chapter 9)."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words


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

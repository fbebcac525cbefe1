"""The CRC calculation units (RM0436 chapter 15)."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words
from rprocfs.hw.registers import LANES

DR, IDR, CR, INIT, POL = 0x00, 0x04, 0x08, 0x10, 0x14
RESET, REV_OUT = 1, 1 << 7
WIDTHS = (32, 16, 8, 7)
UNITS = (8, 8, 16, 32)  # the bits of what REV_IN turns round; 0 nothing


def _reversed(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


class Crc(Words):
    """A CRC of 7, 8, 16 or 32 bits, of bytes, half-words and words as they are written to DR."""

    def __init__(self) -> None:
        super().__init__({INIT: 0xFFFF_FFFF, POL: 0x04C1_1DB7})
        self._crc = 0xFFFF_FFFF

    @property
    def _width(self) -> int:
        return WIDTHS[self.words.get(CR, 0) >> 3 & 3]

    def _enter(self, value: int, bits: int) -> None:
        mode = self.words.get(CR, 0) >> 5 & 3
        if mode:
            unit = min(UNITS[mode], bits)
            parts = (
                _reversed(value >> at & (1 << unit) - 1, unit) << at for at in range(0, bits, unit)
            )
            value = sum(parts)
        width, polynomial = self._width, self.words[POL]
        top, mask = 1 << width - 1, (1 << width) - 1
        crc = self._crc & mask
        for bit in range(bits - 1, -1, -1):
            carry = bool(crc & top) != bool(value >> bit & 1)
            crc = (crc << 1 ^ (polynomial if carry else 0)) & mask
        self._crc = crc

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset != DR:
            return super().load(offset)
        width = self._width
        crc = self._crc & (1 << width) - 1
        return _reversed(crc, width) if self.words.get(CR, 0) & REV_OUT else crc

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; DR comes by :meth:`write`."""
        if offset == CR:
            if value & RESET:
                self._crc = self.words[INIT]
            value &= ~RESET
        super().store(offset, value)
        if offset == INIT:
            self._crc = value

    def write(self, offset: int, size: int, value: int) -> None:
        """Write *size* bytes at *offset*; to DR, this many are entered."""
        if offset == DR:
            self._enter(value & LANES[size], 8 * size)
        else:
            super().write(offset, size, value)

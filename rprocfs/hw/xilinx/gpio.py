"""The GPIO controller (UG1085 chapter 27, UG1087 module GPIO): six banks, connected to nothing."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

BANKS = 6
#: The first register of each kind, and how far the banks are apart.
MASK_DATA, DATA, DATA_RO, BANK = 0x000, 0x040, 0x060, 0x200
DIRM, OEN, INT_MASK, INT_EN, INT_DIS, INT_STAT = 0x4, 0x8, 0xC, 0x10, 0x14, 0x18
ALL = 0xFFFF_FFFF


class Gpio(Words):
    """Inputs are low, outputs read what is driven."""

    def __init__(self) -> None:
        super().__init__({BANK + 0x40 * bank + INT_MASK: ALL for bank in range(BANKS)})

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if DATA_RO <= offset < DATA_RO + 4 * BANKS:
            bank = (offset - DATA_RO) // 4
            driven = self.words.get(BANK + 0x40 * bank + DIRM, 0)
            return self.words.get(DATA + 4 * bank, 0) & driven
        if MASK_DATA <= offset < MASK_DATA + 8 * BANKS:
            bank, high = divmod(offset // 4, 2)
            return self.words.get(DATA + 4 * bank, 0) >> 16 * high & 0xFFFF
        return super().load(offset)

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset < DATA or (offset >= BANK and offset & 0x3F in (INT_EN, INT_DIS, INT_STAT))

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset < MASK_DATA + 8 * BANKS:
            bank, high = divmod(offset // 4, 2)
            mask = (~value >> 16 & 0xFFFF) << 16 * high
            data = self.words.get(DATA + 4 * bank, 0)
            self.words[DATA + 4 * bank] = data & ~mask | (value & 0xFFFF) << 16 * high & mask
        elif offset >= BANK and offset & 0x3F in (INT_EN, INT_DIS):
            register = offset & ~0x3F | INT_MASK
            masked = self.words.get(register, ALL)
            enables = offset & 0x3F == INT_EN
            self.words[register] = masked & ~value if enables else masked | value
        elif offset >= BANK and offset & 0x3F in (INT_MASK, INT_STAT):
            return
        elif not DATA_RO <= offset < DATA_RO + 4 * BANKS:
            super().store(offset, value)

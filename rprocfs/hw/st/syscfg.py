"""The system configuration controller (RM0436 chapter 14): compensation cells are ready at once."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words


class Syscfg(Words):
    """*boot_pins* are BOOT2 to BOOT0 as they were at the reset, in BOOTR."""

    BOOTR, PMCSETR, IOCTRLSETR, ICNR, CMPCR = 0x00, 0x04, 0x18, 0x1C, 0x20
    CMPENSETR, CMPENCLRR, CBR, PMCCLRR, IOCTRLCLRR = 0x24, 0x28, 0x2C, 0x44, 0x58
    READY, ENABLED = 1 << 8, 0b11  # CMPCR; CMPENSETR: MPU_EN and MCU_EN

    def __init__(self, boot_pins: int) -> None:
        super().__init__({self.BOOTR: boot_pins})

    def load(self, offset: int) -> int:
        """The word at *offset*; a register to clear with reads as the one that it clears."""
        word = super().load(CLEARS.get(offset, offset))
        if offset == self.CMPCR:
            enabled = super().load(self.CMPENSETR) & self.ENABLED
            return word & ~self.READY | (self.READY if enabled else 0)
        return word

    def ones(self, offset: int) -> bool:
        """Those that set and those that clear."""
        return offset in CLEARS or offset in CLEARS.values()

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset in CLEARS:
            self.words[CLEARS[offset]] = super().load(CLEARS[offset]) & ~value
        elif offset in CLEARS.values():
            self.words[offset] = super().load(offset) | value
        else:
            super().store(offset, value)


#: What clears a register, and which.
CLEARS = {
    Syscfg.CMPENCLRR: Syscfg.CMPENSETR,
    Syscfg.PMCCLRR: Syscfg.PMCSETR,
    Syscfg.IOCTRLCLRR: Syscfg.IOCTRLSETR,
}

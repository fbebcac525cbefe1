"""The GPIO controller (UG1085 chapter 27, UG1087 module GPIO): six banks of pins, MIO and EMIO."""

from __future__ import annotations

from functools import partial

from rprocfs.hw.inputs import Pins
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.inputs import Input

#: How many pins a bank has. Their numbers go on from bank to bank.
SIZES = (26, 26, 26, 32, 32, 32)
BANKS = len(SIZES)
#: The first register of each kind, and how far the banks are apart.
MASK_DATA, DATA, DATA_RO, BANK = 0x000, 0x040, 0x060, 0x200
DIRM, OEN, INT_MASK, INT_EN, INT_DIS, INT_STAT = 0x4, 0x8, 0xC, 0x10, 0x14, 0x18
INT_TYPE, INT_POLARITY, INT_ANY = 0x1C, 0x20, 0x24
ALL = 0xFFFF_FFFF


class Gpio(Words):
    """Pins that nobody drives are low. *interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt
        for bank, size in enumerate(SIZES):
            pins = (1 << size) - 1
            self.words[BANK + 0x40 * bank + INT_MASK] = pins
            self.words[BANK + 0x40 * bank + INT_TYPE] = pins
        self._banks = [Pins(size, partial(self._changed, bank)) for bank, size in enumerate(SIZES)]
        self._levels = [0] * BANKS  # as they were looked at last

    def inputs(self) -> Mapping[str, Input]:
        """The pins by their numbers: those of MIO to 77, then those of EMIO."""
        pins = (pin for bank in self._banks for pin in bank.inputs)
        return {str(number): pin for number, pin in enumerate(pins)}

    def _register(self, bank: int, kind: int) -> int:
        return self.words.get(BANK + 0x40 * bank + kind, 0)

    # Interrupts

    def _changed(self, bank: int, levels: int) -> None:
        """Edges: both, or those that INT_POLARITY says."""
        changed, self._levels[bank] = levels ^ self._levels[bank], levels
        wanted = ~(levels ^ self._register(bank, INT_POLARITY)) | self._register(bank, INT_ANY)
        edges = changed & wanted & self._register(bank, INT_TYPE)
        at = BANK + 0x40 * bank + INT_STAT
        self.words[at] = self.words.get(at, 0) | edges
        self._update()

    def _update(self) -> None:
        """Levels last as long as they are there."""
        due = 0
        for bank, size in enumerate(SIZES):
            pins = (1 << size) - 1
            active = ~(self._levels[bank] ^ self._register(bank, INT_POLARITY))
            level = active & ~self._register(bank, INT_TYPE) & pins
            at = BANK + 0x40 * bank + INT_STAT
            self.words[at] = self.words.get(at, 0) | level
            due |= self.words[at] & ~self._register(bank, INT_MASK)
        self._interrupt(bool(due))

    def _drive(self, bank: int) -> None:
        """An output is one that is enabled."""
        output = self._register(bank, DIRM) & self._register(bank, OEN)
        self._banks[bank].configure(output, self.words.get(DATA + 4 * bank, 0))

    # Registers

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if DATA_RO <= offset < DATA_RO + 4 * BANKS:
            return self._banks[(offset - DATA_RO) // 4].levels
        if MASK_DATA <= offset < MASK_DATA + 8 * BANKS:
            bank, high = divmod(offset // 4, 2)
            return self.words.get(DATA + 4 * bank, 0) >> 16 * high & 0xFFFF
        if offset >= BANK and offset & 0x3F in (INT_EN, INT_DIS):
            return 0
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
            self._drive(bank)
        elif DATA <= offset < DATA + 4 * BANKS:
            super().store(offset, value)
            self._drive((offset - DATA) // 4)
        elif BANK <= offset < BANK + 0x40 * BANKS:
            self._configure(*divmod(offset - BANK, 0x40), value)
        elif not DATA_RO <= offset < DATA_RO + 4 * BANKS:
            super().store(offset, value)

    def _configure(self, bank: int, kind: int, value: int) -> None:
        pins, first = (1 << SIZES[bank]) - 1, BANK + 0x40 * bank
        if kind == INT_EN:
            self.words[first + INT_MASK] &= ~value
        elif kind == INT_DIS:
            self.words[first + INT_MASK] |= value & pins
        elif kind == INT_STAT:
            self.words[first + INT_STAT] = self.words.get(first + INT_STAT, 0) & ~value
        elif kind != INT_MASK:
            self.words[first + kind] = value & pins
            if kind in (DIRM, OEN):
                self._drive(bank)
        self._update()

"""I2C of i.MX processors (IMX8MMRM chapter "I2C"), a bus that nobody else is at."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

IADR, IFDR, I2CR, I2SR, I2DR = range(0, 0x14, 4)
IEN, IIEN, MSTA, MTX = 1 << 7, 1 << 6, 1 << 5, 1 << 4
ICF, IBB, IAL, IIF, RXAK = 1 << 7, 1 << 5, 1 << 4, 1 << 1, 1
NOTHING = 0xFF  # what is read from a bus at rest


class I2c(Words):
    """*interrupt* is told its level. A byte is sent at once, and nobody acknowledges it."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__({I2SR: ICF | RXAK})
        self._interrupt = interrupt

    def load(self, offset: int) -> int:
        """The word at *offset*; reading I2DR starts to receive the next byte."""
        if offset == I2DR:
            control = self.words.get(I2CR, 0)
            if control & MSTA and not control & MTX:
                self._transferred()
            return NOTHING
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; a zero clears IIF and IAL."""
        if offset == I2SR:
            self.words[I2SR] &= value | ~(IIF | IAL)
        elif offset == I2CR:
            self.words[I2CR] = value & 0xFC
            busy = value & IEN and value & MSTA
            self.words[I2SR] = self.words[I2SR] & ~IBB | (IBB if busy else 0)
        elif offset == I2DR:
            if self.words[I2SR] & IBB:
                self._transferred()
        else:
            super().store(offset, value)
        self._update()

    def _transferred(self) -> None:
        self.words[I2SR] |= ICF | IIF | RXAK
        self._update()

    def _update(self) -> None:
        asked = self.words.get(I2CR, 0) & IIEN and self.words[I2SR] & IIF
        self._interrupt(bool(asked))

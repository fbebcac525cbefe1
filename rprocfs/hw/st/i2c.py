"""I2C (RM0436 chapter 51), a bus that nobody else is at: no address is acknowledged."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CR1, CR2, ISR, ICR, RXDR, TXDR = 0x00, 0x04, 0x18, 0x1C, 0x24, 0x28
PE, START, STOP = 1, 1 << 13, 1 << 14
TXE, NACKF, STOPF = 1, 1 << 4, 1 << 5  # the interrupts of the last two are enabled by these bits


class I2c(Words):
    """*interrupt* is told the level of its events; errors of the bus do not happen."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt
        self._flags = 0

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset == ISR:
            return TXE | self._flags
        return 0 if offset in (ICR, RXDR) else super().load(offset)

    def ones(self, offset: int) -> bool:
        """ICR."""
        return offset == ICR

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; a start ends with a NACK, and the stop after it."""
        if offset == ICR:
            self._flags &= ~value
        elif offset == CR2:
            on = self.words.get(CR1, 0) & PE
            if on and value & START:
                self._flags |= NACKF | STOPF
            super().store(offset, value & ~(START | STOP))
        elif offset != ISR:
            super().store(offset, value)
        if not self.words.get(CR1, 0) & PE:
            self._flags = 0
        self._interrupt(bool(self._flags & self.words.get(CR1, 0) & (NACKF | STOPF)))

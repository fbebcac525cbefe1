"""The Cadence I2C controller (UG1085 chapter 22, UG1087 module I2C): nobody is on its bus.

A transfer that is begun ends at once: its address is not acknowledged.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CR, SR, ADDR, DATA, ISR, XFER_SIZE = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
TIME_OUT, IMR, IER, IDR = 0x1C, 0x20, 0x24, 0x28
#: CR: master, and empty the FIFO, which clears itself. ISR: the address was not acknowledged.
MS, CLR_FIFO, NACK = 1 << 1, 1 << 6, 1 << 2
INTERRUPTS = 0x2FF


class I2c(Words):
    """One controller. *interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__({TIME_OUT: 0x1F, IMR: INTERRUPTS})
        self._interrupt = interrupt

    def load(self, offset: int) -> int:
        """The word at *offset*: no data, and the bus is idle."""
        return 0 if offset in (SR, DATA, XFER_SIZE, IER, IDR) else super().load(offset)

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (ISR, IER, IDR, DATA)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; an address begins a transfer."""
        words = self.words
        if offset == CR:
            words[CR] = value & ~CLR_FIFO
        elif offset == ISR:
            words[ISR] = words.get(ISR, 0) & ~value
        elif offset == IER:
            words[IMR] &= ~value
        elif offset == IDR:
            words[IMR] |= value & INTERRUPTS
        elif offset not in (SR, IMR):
            super().store(offset, value)
        if offset == ADDR and words.get(CR, 0) & MS:
            words[ISR] = words.get(ISR, 0) | NACK
        self._interrupt(bool(words.get(ISR, 0) & ~words[IMR]))

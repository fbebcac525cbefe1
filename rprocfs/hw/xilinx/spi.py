"""The Cadence SPI controller (UG1085 chapter 23, UG1087 module SPI).

Bytes are exchanged as soon as they are written. Without a device what comes in is all ones.
"""

from __future__ import annotations

from rprocfs.hw.controllers import SpiController

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CR, SR, IER, IDR, IMR, ER, TXD, RXD = (4 * index for index in (0, 1, 2, 3, 4, 5, 7, 8))
TXWR, RX_THRES = 0x28, 0x2C
#: SR: the receive FIFO has overflowed; the other one has room; this one has something, is full.
ROVR, TXOW, RXNEMPTY, RXFULL = 1 << 0, 1 << 2, 1 << 4, 1 << 5
ENABLE, DEPTH, INTERRUPTS = 1, 128, 0x7F
RESET = {CR: 0x2_0000, TXWR: 1, RX_THRES: 1}


class Spi(SpiController):
    """One controller. *interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__(RESET)
        self._interrupt = interrupt
        self._waiting = bytearray()  # what came in
        self._mask = self._overflow = 0

    @property
    def _status(self) -> int:
        threshold, waiting = self.words[RX_THRES], len(self._waiting)
        flags = RXNEMPTY if waiting and waiting >= threshold else 0
        return self._overflow | TXOW | flags | (RXFULL if waiting == DEPTH else 0)

    def _update(self) -> None:
        self._interrupt(bool(self._status & self._mask))

    def load(self, offset: int) -> int:
        """The word at *offset*; RXD takes a byte."""
        if offset == RXD:
            byte = self._waiting.pop(0) if self._waiting else 0
            self._update()
            return byte
        known = {SR: self._status, IMR: self._mask, IER: 0, IDR: 0, TXD: 0}
        return known.get(offset, super().load(offset))

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (SR, IER, IDR, TXD)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; TXD exchanges a byte."""
        if offset == TXD:
            self._exchange(value & 0xFF)
        elif offset == SR:
            self._overflow &= ~value
        elif offset == IER:
            self._mask |= value & INTERRUPTS
        elif offset == IDR:
            self._mask &= ~value
        elif offset not in (IMR, RXD):
            super().store(offset, value)
            if offset == ER:
                self._enable(bool(value & ENABLE))
        self._update()

    def _enable(self, enabled: bool) -> None:
        if not enabled:
            self._waiting.clear()
        for device in self._devices:
            self._select(device, enabled)

    def _exchange(self, byte: int) -> None:
        answer = 0xFF
        for device in self._selected:
            answer &= device.transfer(byte) & 0xFF
        if len(self._waiting) < DEPTH:
            self._waiting.append(answer)
        else:
            self._overflow = ROVR

"""I2C (RM0436 chapter 51), as a controller with 7-bit addresses.

A byte takes no time, and the bus has no errors. An address at which no device was connected
is not acknowledged.
"""

from __future__ import annotations

from rprocfs.hw.controllers import I2cController
from rprocfs.hw.dma import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.bus_device import I2cDevice


CR1, CR2, ISR, ICR, RXDR, TXDR = 0x00, 0x04, 0x18, 0x1C, 0x24, 0x28
PE, TXDMAEN, RXDMAEN = 1, 1 << 14, 1 << 15
RD_WRN, ADD10, START, STOP, RELOAD, AUTOEND = (1 << bit for bit in (10, 11, 13, 14, 24, 25))
# The interrupt of each of these is enabled by the same bit of CR1; that of TCR by the one of TC.
TXIS, RXNE, NACKF, STOPF, TC = 1 << 1, 1 << 2, 1 << 4, 1 << 5, 1 << 6
TXE, TCR, BUSY = 1, 1 << 7, 1 << 15


class I2c(I2cController):
    """*interrupt* is told the level of its events; errors of the bus do not happen."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__({CR1: 0, CR2: 0})
        self._interrupt = interrupt
        self._device: I2cDevice | None = None  # the one that is addressed
        self._flags = self._left = self._received = 0

    def requests(self) -> tuple[Request, Request]:
        """To the DMAMUX: to receive, to send."""
        return (
            Request(lambda: bool(self._flags & RXNE and self.words[CR1] & RXDMAEN)),
            Request(lambda: bool(self._flags & TXIS and self.words[CR1] & TXDMAEN)),
        )

    # On the bus

    def _start(self) -> None:
        control = self.words[CR2]
        device = None if control & ADD10 else self._devices.get(control >> 1 & 0x7F)
        if self._device is not None and self._device is not device:
            self._device.stop()
        self._flags &= ~(TC | TCR | TXIS)
        self._device = device
        if device is None or not device.start(bool(control & RD_WRN)):
            self._nack()
        else:
            self._load_count()

    def _load_count(self) -> None:
        self._left = self.words[CR2] >> 16 & 0xFF
        self._flags &= ~TCR
        self._go_on()

    def _go_on(self) -> None:
        """The next byte, or what comes behind the last one."""
        control, device = self.words[CR2], self._device
        if device is None:
            return
        if not self._left:
            if control & RELOAD:
                self._flags |= TCR
            elif control & AUTOEND:
                self._stop()
            else:
                self._flags |= TC
        elif not control & RD_WRN:
            self._flags |= TXIS
        elif not self._flags & RXNE:
            self._received = device.read() & 0xFF
            self._left -= 1
            self._flags |= RXNE

    def _send(self, byte: int) -> None:
        device = self._device
        if device is None or not self._flags & TXIS:
            return
        self._flags &= ~TXIS
        self._left -= 1
        if device.write(byte):
            self._go_on()
        else:
            self._nack()

    def _nack(self) -> None:
        """Not acknowledged: the controller ends the transfer by itself."""
        self._flags |= NACKF
        self._stop()

    def _stop(self) -> None:
        device, self._device = self._device, None
        self._flags = self._flags & ~(TXIS | TC | TCR) | STOPF
        if device is not None:
            device.stop()

    # Registers

    def load(self, offset: int) -> int:
        """The word at *offset*; reading RXDR makes room for the next byte."""
        if offset == ISR:
            busy = BUSY if self._device is not None else 0
            return self._flags | busy | TXE
        if offset == RXDR:
            byte = self._received
            if self._flags & RXNE:
                self._flags &= ~RXNE
                self._go_on()
                self._update()
            return byte
        return 0 if offset == ICR else super().load(offset)

    def ones(self, offset: int) -> bool:
        """ICR and TXDR."""
        return offset in (ICR, TXDR)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == ICR:
            self._flags &= ~(value & (NACKF | STOPF))
        elif offset == TXDR:
            self._send(value & 0xFF)
        elif offset == CR2:
            self._control(value)
        elif offset not in (ISR, RXDR):
            super().store(offset, value)
        if not self.words[CR1] & PE:
            if self._device is not None:
                self._stop()
            self._flags = 0
        self._update()

    def _control(self, value: int) -> None:
        """START, STOP, or the count of the next part of a transfer."""
        self.words[CR2] = value & ~(START | STOP)
        if not self.words[CR1] & PE:
            return
        if value & START:
            self._start()
        elif value & STOP and self._device is not None:
            self._stop()
        elif self._flags & TCR and value >> 16 & 0xFF:
            self._load_count()

    def _update(self) -> None:
        events = self._flags & (TXIS | RXNE | NACKF | STOPF | TC)
        events |= TC if self._flags & TCR else 0
        self._interrupt(bool(events & self.words[CR1]))

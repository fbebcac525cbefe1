"""The I2C controller of K3 processors (SPRUIV7 "I2C"), as a controller with 7-bit addresses.

A byte takes no time, and the bus has no errors. An address at which no device was connected is not
acknowledged. It is never a target.
"""

from __future__ import annotations

from rprocfs.hw.controllers import I2cController

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.bus_device import I2cDevice

SYSC, RAW, STATUS, ENABLE_SET, ENABLE_CLR = 0x10, 0x24, 0x28, 0x2C, 0x30
SYSS, BUF, CNT, DATA, CON, SA, BUFSTAT = 0x90, 0x94, 0x98, 0x9C, 0xA4, 0xAC, 0xC0
EN, MST, TRX, STP, STT = 1 << 15, 1 << 10, 1 << 9, 2, 1  # CON
NACK, ARDY, RRDY, XRDY, BB, RDR, XDR = (1 << bit for bit in (1, 2, 3, 4, 12, 13, 14))
RXFIFO_CLR, TXFIFO_CLR, SRST, RDONE = 1 << 14, 1 << 6, 2, 1
DEPTH, DEPTH_CODE, MOST = 32, 2 << 14, 0x3F
FLAGS = 0x7FFF


class I2c(I2cController):
    """*interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt
        self._device: I2cDevice | None = None  # the one that is addressed
        self._rx = bytearray()
        self._left = 0  # bytes of this transfer that are still to be on the bus
        self._busy = self._sends = self._stops = self._active = False
        self._flags = self._enabled = 0

    # On the bus

    def _start(self, control: int) -> None:
        """A start, or a repeated one, and the address."""
        device = self._devices.get(self.words.get(SA, 0) & 0x7F)
        if self._device is not None and self._device is not device:
            self._device.stop()
        self._device, self._busy, self._active = device, True, True
        self._sends, self._stops = bool(control & TRX), bool(control & STP)
        self._left = self.words.get(CNT, 0) & 0xFFFF or 1 << 16
        self._rx.clear()
        if device is None or not device.start(not self._sends):
            self._refused()
        self._go_on()

    def _refused(self) -> None:
        """Not acknowledged: the bus is busy until a stop is asked for."""
        self._flags |= NACK
        self._active = False

    def _go_on(self) -> None:
        """Receive what there is room for; notice the end."""
        while self._active and not self._sends and self._left and len(self._rx) < DEPTH:
            assert self._device is not None
            self._rx.append(self._device.read() & 0xFF)
            self._left -= 1
        if self._active and not self._left and not self._rx:
            self._active = False
            self._flags |= ARDY
            if self._stops:
                self._stop()

    def _send(self, byte: int) -> None:
        if not (self._active and self._sends and self._device is not None):
            return
        self._left -= 1
        if not self._device.write(byte):
            self._refused()
        self._go_on()

    def _stop(self) -> None:
        device, self._device = self._device, None
        self._busy = False
        self.words[CON] = self.words.get(CON, 0) & ~(MST | TRX)
        if device is not None:
            device.stop()

    # Registers

    def _raw(self) -> int:
        """The flags that are kept, and what holds now."""
        value, thresholds = self._flags | (BB if self._busy else 0), self.words.get(BUF, 0)
        if self._active and self._sends and self._left:
            value |= XRDY if self._left > thresholds & MOST else XDR
        elif self._rx:
            value |= RRDY if len(self._rx) > thresholds >> 8 & MOST else RDR
        return value

    def load(self, offset: int) -> int:
        """The word at *offset*; reading DATA takes a byte."""
        if offset == DATA:
            byte = self._rx.pop(0) if self._rx else 0
            self._go_on()
            self._update()
            return byte
        if offset == BUFSTAT:
            to_send = min(self._left, MOST) if self._sends and self._active else 0
            return DEPTH_CODE | len(self._rx) << 8 | to_send
        known = {RAW: self._raw(), STATUS: self._raw() & self._enabled, SYSS: RDONE}
        known |= dict.fromkeys((ENABLE_SET, ENABLE_CLR), self._enabled)
        return known.get(offset, super().load(offset))

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (RAW, STATUS, ENABLE_SET, ENABLE_CLR, DATA)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == RAW:
            self._flags |= value & FLAGS
        elif offset == STATUS:
            self._flags &= ~value
        elif offset == ENABLE_SET:
            self._enabled |= value & FLAGS
        elif offset == ENABLE_CLR:
            self._enabled &= ~value
        elif offset == DATA:
            self._send(value & 0xFF)
        elif offset == CON:
            self._control(value)
        elif offset == SYSC and value & SRST:
            self._reset()
        elif offset == BUF:
            self.words[BUF] = value & ~(RXFIFO_CLR | TXFIFO_CLR)
        elif offset not in (SYSS, BUFSTAT):
            super().store(offset, value)
        self._update()

    def _control(self, value: int) -> None:
        self.words[CON] = value & ~(STT | STP)
        if not value & EN:
            self._end()
        elif value & MST and value & STT:
            self._start(value)
        elif value & STP and self._busy and not self._active:
            self._flags |= ARDY
            self._stop()

    def _end(self) -> None:
        """Disabled: nothing goes on."""
        self._stop()
        self._rx.clear()
        self._left, self._active = 0, False

    def _reset(self) -> None:
        """A software reset, which is over at once."""
        self._end()
        self.words.clear()
        self._flags = self._enabled = 0

    def _update(self) -> None:
        self._interrupt(bool(self._raw() & self._enabled))

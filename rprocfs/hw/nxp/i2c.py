"""I2C of i.MX processors (IMX8MMRM chapter "I2C"), as a controller with 7-bit addresses.

A byte takes no time, and the bus has no errors. An address at which no device was connected is not
acknowledged.
"""

from __future__ import annotations

from rprocfs.hw.controllers import I2cController

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.bus_device import I2cDevice


IADR, IFDR, I2CR, I2SR, I2DR = range(0, 0x14, 4)
IEN, IIEN, MSTA, MTX, RSTA = 1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 2
ICF, IBB, IAL, IIF, RXAK = 1 << 7, 1 << 5, 1 << 4, 1 << 1, 1
NOTHING = 0xFF  # what is read from a bus at rest


class I2c(I2cController):
    """*interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__({I2SR: ICF | RXAK})
        self._interrupt = interrupt
        self._device: I2cDevice | None = None  # the one that is addressed
        self._starts = False  # whether the next byte is an address
        self._received = NOTHING

    # On the bus

    def _send(self, byte: int) -> bool:
        """Whether somebody acknowledges it."""
        if not self._starts:
            return self._device is not None and self._device.write(byte)
        self._starts = False
        device = self._devices.get(byte >> 1)
        if self._device is not None and self._device is not device:
            self._device.stop()
        self._device = device
        return device is not None and device.start(bool(byte & 1))

    def _receive(self) -> None:
        self._received = NOTHING if self._device is None else self._device.read() & 0xFF
        self._transferred(True)

    def _stop(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            device.stop()

    def _transferred(self, acknowledged: bool) -> None:
        self.words[I2SR] = (self.words[I2SR] | ICF | IIF) & ~RXAK
        self.words[I2SR] |= 0 if acknowledged else RXAK
        self._update()

    # Registers

    def load(self, offset: int) -> int:
        """The word at *offset*; reading I2DR starts to receive the next byte."""
        if offset == I2DR:
            byte, control = self._received, self.words.get(I2CR, 0)
            if control & MSTA and not control & MTX:
                self._receive()
            return byte
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; a zero clears IIF and IAL."""
        if offset == I2SR:
            self.words[I2SR] &= value | ~(IIF | IAL)
        elif offset == I2CR:
            self._control(value)
        elif offset == I2DR:
            if self.words[I2SR] & IBB:
                self._transferred(self._send(value & 0xFF))
        else:
            super().store(offset, value)
        self._update()

    def _control(self, value: int) -> None:
        was = self.words.get(I2CR, 0) & MSTA
        self.words[I2CR] = value & 0xFF & ~(RSTA | 3)
        controls = value & IEN and value & MSTA
        if controls and (not was or value & RSTA):
            self._starts = True
        elif was and not controls:
            self._stop()
        self.words[I2SR] = self.words[I2SR] & ~IBB | (IBB if controls else 0)

    def _update(self) -> None:
        asked = self.words.get(I2CR, 0) & IIEN and self.words[I2SR] & IIF
        self._interrupt(bool(asked))

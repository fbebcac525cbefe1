"""What is connected to a SoC's buses: the base classes of a user's models of devices.

A model is a class in a file or a module of the user's, and the key ``devices`` of a board
says which bus it is connected to. It executes in the process of the core, between two
instructions, so it must be quick and must not wait. After the start it can open no file, and
import nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import ClassVar

    from rprocfs.hw.inputs import Input


class BusDevice:
    """A device with *inputs*, which the outside decides: their names and values at first.

    Each becomes a file beside the pins. Values are 32-bit integers with a sign.
    """

    inputs: ClassVar[Mapping[str, int]] = {}

    def __init__(self) -> None:
        self.values = dict(self.inputs)
        self._board: Mapping[str, Input] = {}

    def connected(self, board: Mapping[str, Input]) -> None:
        """It is connected now. *board* are all inputs of the SoC."""
        self._board = board

    def set(self, name: str, value: int) -> None:
        """The outside has decided the input *name*."""
        self.values[name] = value

    def drive(self, pin: str, level: int) -> None:
        """Drive a pin of the SoC, for instance ``GPIOA/3``: an interrupt of the device."""
        self._board[pin].drive(level)


class I2cDevice(BusDevice):
    """A device with an address on an I2C bus."""

    def start(self, reading: bool) -> bool:
        """It is addressed, also by a repeated start; whether it acknowledges."""
        del reading
        return True

    def write(self, byte: int) -> bool:
        """The controller sends *byte*; whether the device acknowledges."""
        del byte
        return True

    def read(self) -> int:
        """The next byte for the controller."""
        return 0xFF

    def stop(self) -> None:
        """The transfer is over."""


class SpiDevice(BusDevice):
    """A device on an SPI bus."""

    def select(self) -> None:
        """Its chip select became active."""

    def transfer(self, byte: int) -> int:
        """A byte each way, of the controller and of the device."""
        del byte
        return 0xFF

    def deselect(self) -> None:
        """Its chip select became inactive."""


class UartDevice(BusDevice):
    """A device on a serial line, which is no longer the console then."""

    def __init__(self) -> None:
        super().__init__()
        #: Sends bytes to the processor, which are kept until it takes them.
        self.send: Callable[[bytes], None] = lambda data: None

    def receive(self, byte: int) -> None:
        """The processor has sent *byte*."""

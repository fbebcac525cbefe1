"""Controllers of serial buses, and what users connect to them: :mod:`.bus_device`."""

from __future__ import annotations

from abc import abstractmethod

from rprocfs.hw.bus_device import I2cDevice, SpiDevice, UartDevice
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.bus_device import BusDevice
    from rprocfs.hw.inputs import Input


class SpiController(Words):
    """One of SPI: each device has a chip select, or is selected with the controller."""

    def __init__(self, reset: dict[int, int] | None = None) -> None:
        super().__init__(reset)
        self._devices: list[SpiDevice] = []
        self._selected: list[SpiDevice] = []

    def connect(self, address: str, device: BusDevice, board: Mapping[str, Input]) -> None:
        """Connect *device*, whose chip select, low if it is active, is the pin *address*.

        Without a pin it is selected while the controller is enabled. ValueError.
        """
        if not isinstance(device, SpiDevice):
            raise ValueError(f"{type(device).__name__} is no SpiDevice")
        if not address:
            self._devices.append(device)
            return
        if address not in board:
            raise ValueError(f"{address}: no pin")
        pin = board[address]
        pin.drive(1)  # the pull-up that such a line has
        pin.watchers.append(lambda level: self._select(device, not level))

    def _select(self, device: SpiDevice, selected: bool) -> None:
        if selected == (device in self._selected):
            return
        if selected:
            self._selected.append(device)
            device.select()
        else:
            self._selected.remove(device)
            device.deselect()


class I2cController(Words):
    """One of I2C: devices have addresses."""

    def __init__(self, reset: dict[int, int] | None = None) -> None:
        super().__init__(reset)
        self._devices: dict[int, I2cDevice] = {}

    def connect(self, address: str, device: BusDevice, board: Mapping[str, Input]) -> None:
        """Connect *device* at an address, for instance ``0x48``; ValueError."""
        del board
        if not isinstance(device, I2cDevice):
            raise ValueError(f"{type(device).__name__} is no I2cDevice")
        number = int(address, 0)
        if not 0x08 <= number <= 0x77 or number in self._devices:
            raise ValueError(f"{address}: no I2C address, or taken")
        self._devices[number] = device


class UartController(Words):
    """A UART: a console, unless a device is connected to it."""

    _transmit: Callable[[int], bool]

    def __init__(self, reset: dict[int, int] | None = None) -> None:
        super().__init__(reset)
        self.connected = False  # to a device, and not to the console
        self._waiting = bytearray()  # what the device has sent

    def connect(self, address: str, device: BusDevice, board: Mapping[str, Input]) -> None:
        """Connect *device* instead of the console; ValueError."""
        del board
        if address or self.connected or not isinstance(device, UartDevice):
            raise ValueError("takes one UartDevice, without an address")

        def transmit(byte: int) -> bool:
            device.receive(byte)
            return True

        self.connected, self._transmit, device.send = True, transmit, self._feed

    def _feed(self, data: bytes) -> None:
        """The device sends *data*, which is kept until it can be received."""
        self._waiting += data
        self._next()

    @abstractmethod
    def _next(self) -> None:
        """Receive of what waits, if there is room."""

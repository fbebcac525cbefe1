"""The device table of a SoC: a line for each device, as QEMU's boards and devicetrees have it."""

from __future__ import annotations

from functools import partial

from rprocfs.hw.inputs import Measured
from rprocfs.hw.peripherals import PAGE, Peripherals, Window
from rprocfs.hw.timed import Timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from rprocfs.hw.bus_device import BusDevice
    from rprocfs.hw.peripherals import Wires
    from rprocfs.hw.registers import Peripheral

    T = TypeVar("T")


class Device:
    """The device *name* at *base*, its interrupt inputs *irqs* and its *dma* requests.

    Its registers take *size* bytes, which is a page unless that is said.

    *model* makes it: it is called with the peripherals of the core, which know the other
    devices by their names, and a function for the level of each interrupt.
    """

    __slots__ = ("base", "dma", "irqs", "model", "name", "size")

    def __init__(
        self,
        name: str,
        base: int,
        model: Callable[..., Peripheral],
        *irqs: int,
        dma: tuple[int, ...] = (),
        size: int = PAGE,
    ) -> None:
        self.name = name
        self.base = base
        self.model = model
        self.irqs = irqs
        self.dma = dma
        self.size = size


def alone(model: Callable[..., Peripheral], *arguments: Any) -> Callable[..., Peripheral]:
    """A *model* that is wired to nothing but its interrupts, which come before *arguments*."""
    return lambda _peripherals, *interrupts: model(*interrupts, *arguments)


class DevicePeripherals(Peripherals):
    """The devices of a *table*, made in its order; *ranges* as in :class:`Peripherals`.

    A device with a method ``advance`` is told when it is due: see :mod:`rprocfs.hw.timed`. One
    with a method ``poll`` is asked to look between two slices of instructions. What the outside
    decides is told by a method ``inputs``: see :mod:`rprocfs.hw.inputs`.
    """

    def __init__(
        self, wires: Wires, table: Iterable[Device], ranges: tuple[tuple[int, int], ...] = ()
    ) -> None:
        super().__init__(wires, ranges)
        self.by_name: dict[str, Peripheral] = {}
        self.timed = Timed(wires.now)
        self.timed_pages: set[int] = set()
        self._polls: list[Callable[[], object]] = []
        for device in table:
            interrupts = (partial(wires.set_line, irq) for irq in device.irqs)
            model: Any = device.model(self, *interrupts)
            self.by_name[device.name] = self.pages[device.base] = model
            for at in range(PAGE, device.size, PAGE):
                self.pages[device.base + at] = Window(model, at)
            if hasattr(model, "advance"):
                self.timed.devices.append(model)
                self.timed_pages.add(device.base)
            if hasattr(model, "poll"):
                self._polls.append(model.poll)
            if hasattr(model, "inputs"):
                named = model.inputs().items()
                self.inputs |= {f"{device.name}/{name}": one for name, one in named}
            self.added(device, model)

    def connect(self, place: str, device: BusDevice) -> None:
        """Connect a *device* to the bus ``BUS`` or ``BUS/ADDRESS``; ValueError.

        What its inputs are is then one of ours. A bus has a method ``connect``, which gets
        the address, the device, and all inputs.
        """
        bus, _, address = place.partition("/")
        connect = getattr(self.by_name.get(bus), "connect", None)
        if connect is None:
            raise ValueError(f"{place}: there is no bus of that name")
        connect(address, device, self.inputs)
        self.inputs |= {
            f"{place}/{name}": Measured(partial(device.set, name), value)
            for name, value in device.inputs.items()
        }
        device.connected(self.inputs)

    def added(self, device: Device, model: Peripheral) -> None:
        """A line of the table was made; a SoC may have more to connect."""

    def read(self, address: int, size: int) -> int:
        """A load; it may be one that let a timer pass its end."""
        value = super().read(address, size)
        if address & ~(PAGE - 1) in self.timed_pages:
            self.timed.look_ahead()
        return value

    def write(self, address: int, size: int, value: int) -> None:
        """A store; it may have started a timer."""
        super().write(address, size, value)
        if address & ~(PAGE - 1) in self.timed_pages:
            self.timed.look_ahead()

    @property
    def deadline(self) -> int | None:
        """When the next device is due."""
        return self.timed.next

    def poll(self) -> None:
        """Time has passed; something may have come in."""
        for poll in self._polls:
            poll()
        if self.timed.advance():
            self.timed.look_ahead()

    def named(self, name: str, kind: type[T]) -> T:
        """The device called *name*, which is made by now, and of the *kind*."""
        found = self.by_name[name]
        assert isinstance(found, kind), f"{name} is no {kind.__name__}"
        return found

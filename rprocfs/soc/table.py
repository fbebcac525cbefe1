"""The device table of a SoC: a line for each device, as QEMU's boards and devicetrees have it."""

from __future__ import annotations

from functools import partial

from rprocfs.hw.peripherals import Peripherals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from rprocfs.hw.peripherals import Wires
    from rprocfs.hw.registers import Peripheral

    T = TypeVar("T")


class Device:
    """The device *name* at *base*, its interrupt inputs *irqs* and its *dma* requests.

    *model* makes it: it is called with the peripherals of the core, which know the other
    devices by their names, and a function for the level of each interrupt.
    """

    __slots__ = ("base", "dma", "irqs", "model", "name")

    def __init__(
        self,
        name: str,
        base: int,
        model: Callable[..., Peripheral],
        *irqs: int,
        dma: tuple[int, ...] = (),
    ) -> None:
        self.name = name
        self.base = base
        self.model = model
        self.irqs = irqs
        self.dma = dma


def alone(model: Callable[..., Peripheral], *arguments: Any) -> Callable[..., Peripheral]:
    """A *model* that is wired to nothing but its interrupts, which come before *arguments*."""
    return lambda _peripherals, *interrupts: model(*interrupts, *arguments)


class DevicePeripherals(Peripherals):
    """The devices of a *table*, made in its order; *ranges* as in :class:`Peripherals`."""

    def __init__(
        self, wires: Wires, table: Iterable[Device], ranges: tuple[tuple[int, int], ...] = ()
    ) -> None:
        super().__init__(wires, ranges)
        self.by_name: dict[str, Peripheral] = {}
        for device in table:
            interrupts = (partial(wires.set_line, irq) for irq in device.irqs)
            model = device.model(self, *interrupts)
            self.by_name[device.name] = self.pages[device.base] = model
            self.added(device, model)

    def added(self, device: Device, model: Peripheral) -> None:
        """A line of the table was made; a SoC may have more to connect."""

    def named(self, name: str, kind: type[T]) -> T:
        """The device called *name*, which is made by now, and of the *kind*."""
        found = self.by_name[name]
        assert isinstance(found, kind), f"{name} is no {kind.__name__}"
        return found

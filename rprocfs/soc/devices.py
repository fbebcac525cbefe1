"""The devices that a user connects to the buses of a SoC: ``PLACE=FILE:CLASS`` each.

A place is a bus, with an address if it has some: ``I2C1/0x48``, ``SPI1/GPIOA/4``, ``UART7``.
The file is one of Python, and has a subclass of :class:`~rprocfs.hw.bus_device.BusDevice`.
"""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader

from rprocfs.hw.bus_device import BusDevice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rprocfs.hw.peripherals import Peripherals


class _Loader(SourceFileLoader):
    """Leaves no compiled file behind."""

    def set_data(self, *_: Any, **__: Any) -> None:
        """Write nothing."""


def connect(peripherals: Peripherals, devices: Iterable[str]) -> None:
    """Make all *devices* and connect them; ValueError, OSError, or what the files raise."""
    for one in devices:
        place, _, source = one.partition("=")
        peripherals.connect(place.strip(), _load(source.strip()))


def _load(source: str) -> BusDevice:
    path, _, name = source.rpartition(":")
    loader = _Loader(f"rprocfs-device {path}", path)
    module = sys.modules[loader.name] = type(sys)(loader.name)
    module.__file__ = path
    loader.exec_module(module)
    kind = getattr(module, name, None)
    if not isinstance(kind, type) or not issubclass(kind, BusDevice):
        raise ValueError(f"{path} has no subclass of BusDevice called {name}")
    return kind()

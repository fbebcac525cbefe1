"""What the SoC is: ``sys/devices/soc0`` -- drivers/base/soc.c."""

from __future__ import annotations

from collections.abc import Mapping

from rprocfs.base.bus import Bus
from rprocfs.base.device import Device
from rprocfs.base.model import DriverModel
from rprocfs.fs.sysfs import Attribute


class SocDevice(Device):
    """``struct soc_device``: *about* holds what it tells, by the names of its files."""

    def __init__(self, model: DriverModel, bus: Bus, about: Mapping[str, str]) -> None:
        super().__init__(model, "soc0", bus=bus)
        self.about = about
        self.attributes = [attr for attr in ATTRIBUTES if attr.name in about]


def _attribute(name: str) -> Attribute[SocDevice]:
    return Attribute(name, lambda soc: soc.about[name])


ATTRIBUTES = [_attribute(n) for n in ("machine", "family", "serial_number", "soc_id", "revision")]


def soc_device_register(model: DriverModel, about: Mapping[str, str]) -> None:
    """Make the bus ``soc`` and its only device."""
    SocDevice(model, Bus(model, "soc"), about).device_add()

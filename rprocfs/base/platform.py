"""The platform bus -- drivers/base/platform.c."""

from __future__ import annotations

from typing import Any

from rprocfs.base.bus import Bus, Driver, DriverOverride, driver_override
from rprocfs.base.device import Device
from rprocfs.base.model import DriverModel
from rprocfs.fs.sysfs import attribute


class PlatformDevice(Device, DriverOverride):
    """``struct platform_device``: *name* without its number finds the driver.

    *properties* are those of its description: ``firmware-name``, ``memory-region`` ...;
    *platform_data* is what the driver finds when the device was made by another driver.
    """

    def __init__(
        self,
        bus: PlatformBus,
        name: str,
        number: int | None = None,
        *,
        auto: bool = False,
        parent: Device | None = None,
        properties: dict[str, Any] | None = None,
        platform_data: Any = None,
    ) -> None:
        self.auto = auto
        if auto:
            number = bus.alloc_auto()
        suffix = ("" if number is None else f".{number}") + (".auto" if auto else "")
        super().__init__(bus.model, name + suffix, parent or bus.root, bus=bus)
        self.platform_bus = bus
        self.platform_name = name
        self.id = number
        self.properties = properties or {}
        self.platform_data = platform_data

    def uevent_env(self) -> dict[str, str]:
        """platform_uevent()."""
        return {"MODALIAS": f"platform:{self.platform_name}"}

    def platform_device_del(self) -> None:
        """Take the device away and give its automatic number back."""
        self.device_del()
        if self.auto and self.id is not None:
            self.platform_bus.free_auto(self.id)


class PlatformDriver(Driver[PlatformDevice]):
    """``struct platform_driver``: takes devices of its *name*, or by their ``compatible``."""

    compatible: tuple[str, ...] = ()


@attribute
def modalias(device: PlatformDevice) -> str:
    """``platform:NAME``."""
    return f"platform:{device.platform_name}"


PlatformDevice.attributes = (driver_override, modalias)


class PlatformBus(Bus):
    """``platform_bus_type`` and the device ``sys/devices/platform`` that its devices live in."""

    def __init__(self, model: DriverModel) -> None:
        super().__init__(model, "platform")
        self.root = Device(model, "platform")
        self.root.device_add()

    def match(self, device: PlatformDevice, driver: PlatformDriver) -> bool:
        """platform_match(): the override, else ``compatible``, else the name."""
        if device.driver_override is not None:
            return device.driver_override == driver.name
        compatible = device.properties.get("compatible")
        return compatible in driver.compatible or device.platform_name == driver.name

    def alloc_auto(self) -> int:
        """PLATFORM_DEVID_AUTO: the lowest free number."""
        with self.model.lock:
            return self.model.platform_ids.alloc()

    def free_auto(self, number: int) -> None:
        """Give the number back."""
        with self.model.lock:
            self.model.platform_ids.free(number)

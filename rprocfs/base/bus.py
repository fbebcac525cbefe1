"""Buses, drivers, and the binding of devices to drivers -- drivers/base/bus.c, dd.c, driver.c."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from rprocfs.base.dd import EPROBE_DEFER
from rprocfs.base.kmsg import Level
from rprocfs.fs.kernfs import Dir, Link, error
from rprocfs.fs.sysfs import SysfsFile, attribute, command
from rprocfs.kernel import PROBE_FAILURE_NAMES_DEVICE

if TYPE_CHECKING:
    from rprocfs.base.device import BoundDriver, Device
    from rprocfs.base.model import DriverModel

DeviceT = TypeVar("DeviceT", bound="Device")


class ModuleRef(Protocol):
    """``struct module`` as its users see it: it stays loaded while it is referenced."""

    def get(self) -> None:
        """``__module_get``."""

    def put(self) -> None:
        """``module_put``."""


class Driver(Generic[DeviceT]):
    """``struct device_driver``: a name, what it probes, what it removes."""

    name: str
    bus: Bus | None = None
    dir: Dir
    #: The module that registered it, None: built in.
    owner: ModuleRef | None = None

    def probe(self, device: DeviceT) -> None:
        """Take the device; OSError if the driver cannot."""
        raise NotImplementedError

    def remove(self, device: DeviceT) -> None:
        """Let go of the device. Must not fail."""

    def flush(self, device: DeviceT, timeout: float) -> None:
        """Wait at most *timeout* seconds until all messages of the device so far are handled."""


class Bus:
    """``struct bus_type``: ``sys/bus/NAME`` and the matching of its devices and drivers."""

    def __init__(self, model: DriverModel, name: str) -> None:
        self.model = model
        self.name = name
        self.autoprobe = True
        self.devices: dict[str, Any] = {}
        self.drivers: dict[str, Driver[Any]] = {}
        self.dir = model.sys.mkdirs(f"bus/{name}")
        self.devices_dir = self.dir.mkdirs("devices")
        self.drivers_dir = self.dir.mkdirs("drivers")
        for attr in (drivers_autoprobe, drivers_probe, bus_uevent):
            self.dir.add(attr.name, SysfsFile(attr, self))

    # What a bus answers by overriding.

    def match(self, device: Any, driver: Any) -> bool:
        """``bus_type.match``."""
        return bool(device.name == driver.name)

    def probe(self, device: Any, driver: Any) -> None:
        """``bus_type.probe``; OSError."""
        driver.probe(device)

    def remove(self, device: Any, driver: Any) -> None:
        """``bus_type.remove``."""
        driver.remove(device)

    # Devices.

    def add_device(self, device: Device) -> None:
        """bus_add_device(): links both ways."""
        name = device.dir.name
        self.devices_dir.add(name, Link(device.dir))
        device.dir.add("subsystem", Link(self.dir))
        with self.model.lock:
            self.devices[device.name] = device

    def remove_device(self, device: Device) -> None:
        """bus_remove_device(): links away, driver unbound."""
        self.devices_dir.remove(device.dir.name)
        with self.model.lock:
            self.devices.pop(device.name, None)
        self.model.deferred.remove(device)
        self.device_release_driver(device)

    def find_device_by_name(self, name: str) -> Device:
        """The device called *name*, one newline allowed; ENODEV."""
        device: Device | None = self.devices.get(name) or self.devices.get(name.removesuffix("\n"))
        if device is None:
            raise error(errno.ENODEV)
        return device

    # Drivers.

    def driver_register(self, driver: Driver[Any]) -> None:
        """Add the driver's directory, bind what it takes. EBUSY for a known name."""
        if driver.name in self.drivers:
            raise error(errno.EBUSY)
        driver.bus = self
        driver.dir = self.drivers_dir.add(driver.name, Dir())
        for attr in (bind, unbind, driver_uevent):
            driver.dir.add(attr.name, SysfsFile(attr, driver))
        self.drivers[driver.name] = driver
        if self.autoprobe:
            for device in list(self.devices.values()):
                self._attach(device, driver)

    def driver_unregister(self, driver: Driver[Any]) -> None:
        """Unbind every device and remove the driver's directory."""
        for device in list(self.devices.values()):
            if device.driver is driver:
                self.device_release_driver(device)
        self.drivers.pop(driver.name, None)
        self.drivers_dir.remove(driver.name)

    # Binding.

    def probe_device(self, device: Device) -> None:
        """bus_probe_device(): a new device looks for its driver, which may have to be loaded."""
        self.model.request_module(device.uevent_env().get("MODALIAS", ""))
        if self.autoprobe:
            self.device_attach(device)

    def device_attach(self, device: Device) -> None:
        """Bind the first driver that matches and takes the device, if there is one."""
        for driver in list(self.drivers.values()):
            if device.driver is not None:
                return
            self._attach(device, driver)

    def _attach(self, device: Device, driver: Driver[Any]) -> None:
        if device.driver is None and self.match(device, driver):
            try:
                self.device_driver_attach(device, driver)
            except OSError:
                return  # logged; the device stays unbound

    def device_driver_attach(self, device: Device, driver: Driver[Any]) -> None:
        """really_probe(): bind; EBUSY when bound, ENODEV when gone, else the driver's errno.

        EAGAIN if the driver waits for another device, which ``devices_deferred`` tells.
        """
        with device.mutex:
            if not device.dir.alive:
                raise error(errno.ENODEV)
            if device.driver is not None:
                raise error(errno.EBUSY)
            device.driver = driver
            device.dir.add("driver", Link(driver.dir))
            driver.dir.add(device.dir.name, Link(device.dir))
            try:
                self.probe(device, driver)
            except OSError as failure:
                self._unbind(device, driver)
                if failure.errno == EPROBE_DEFER:
                    self.model.deferred.add(device, driver.name)
                    raise error(errno.EAGAIN) from failure
                self._report(device, driver, failure.errno or errno.EIO)
                raise
            self.model.deferred.remove(device)
            device.kobject_uevent("bind")

    def device_release_driver(self, device: Device) -> None:
        """Unbind the driver, if there is one."""
        with device.mutex:
            driver = device.driver
            if driver is None:
                return
            _remove_links(device, driver)
            self.remove(device, driver)
            self._unbind(device, driver)
            device.kobject_uevent("unbind")

    def _unbind(self, device: Device, driver: BoundDriver) -> None:
        _remove_links(device, driver)
        device.devres.close()
        device.driver = None
        device.driver_data = None

    def _report(self, device: Device, driver: Driver[Any], code: int) -> None:
        """Log why a probe failed, unless the driver found that the device is not one of its own."""
        if code in (errno.ENODEV, errno.ENXIO):
            return
        if self.model.version.has(PROBE_FAILURE_NAMES_DEVICE):
            device.driver = driver
            device.err(f"probe with driver {driver.name} failed with error -{code}")
            device.driver = None
        else:
            text = f"{driver.name}: probe of {device.name} failed with error -{code}"
            self.model.printk(Level.WARNING, text)


def _remove_links(device: Device, driver: BoundDriver) -> None:
    device.dir.remove("driver")
    driver.dir.remove(device.dir.name)


@command("bind", sleeps=True)
def bind(driver: Driver[Any], buf: str) -> None:
    """bind_store(): ENODEV for a device that is unknown or does not match."""
    assert driver.bus is not None
    device = driver.bus.find_device_by_name(buf)
    if not driver.bus.match(device, driver):
        raise error(errno.ENODEV)
    driver.bus.device_driver_attach(device, driver)


@command("unbind", sleeps=True)
def unbind(driver: Driver[Any], buf: str) -> None:
    """unbind_store(): ENODEV for a device that is not bound to this driver."""
    assert driver.bus is not None
    device = driver.bus.find_device_by_name(buf)
    if device.driver is not driver:
        raise error(errno.ENODEV)
    driver.bus.device_release_driver(device)


@command("uevent")
def driver_uevent(driver: Driver[Any], buf: str) -> None:
    """A synthetic event of the driver's directory: accepted and dropped, there is no listener."""


@command("uevent")
def bus_uevent(bus: Bus, buf: str) -> None:
    """A synthetic event of the bus's directory: accepted and dropped, there is no listener."""


@command("drivers_probe", sleeps=True)
def drivers_probe(bus: Bus, buf: str) -> None:
    """Look for a driver of the named device; ENODEV."""
    bus.device_attach(bus.find_device_by_name(buf))


@attribute
def drivers_autoprobe(bus: Bus) -> str:
    """``1`` while new devices look for a driver."""
    return "1" if bus.autoprobe else "0"


@drivers_autoprobe.store
def _(bus: Bus, buf: str) -> None:
    bus.autoprobe = not buf.startswith("0")


class DriverOverride:
    """``driver_set_override``: a device that only the driver of one name may have.

    Reads as ``(null)`` while unset.
    """

    driver_override: str | None = None


@attribute
def driver_override(device: DriverOverride) -> str:
    """The name of the only driver that may bind."""
    return device.driver_override or "(null)"


@driver_override.store
def _(device: DriverOverride, buf: str) -> None:
    if len(buf) >= 4095:
        raise error(errno.EINVAL)
    device.driver_override = buf.split("\n", 1)[0] or None


__all__ = ["Bus", "Driver", "DriverOverride", "ModuleRef", "driver_override"]

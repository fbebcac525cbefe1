"""The platform bus -- drivers/base/platform.c."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, ClassVar

from rprocfs.base.bus import Bus, Driver, DriverOverride, driver_override
from rprocfs.base.device import Device
from rprocfs.base.model import DriverModel
from rprocfs.base.property import Key
from rprocfs.devicetree.device import (
    of_device_make_bus_id,
    of_device_modalias,
    of_device_uevent,
)
from rprocfs.devicetree.node import OfNode, PropertyError
from rprocfs.fs.kernfs import Link, error
from rprocfs.fs.sysfs import attribute
from rprocfs.kernel import BUILTIN_DRIVER_MODULE
from rprocfs.locking import LockClass


class PlatformDevice(Device, DriverOverride):
    """``struct platform_device``: *name* without its number finds the driver.

    *properties* are those of its description: ``firmware-name``, ``memory-region`` ...;
    *platform_data* is what the driver finds when the device was made by another driver.
    *bus_id* is what the device is called instead; one made from a devicetree is called as
    its *of_node* wants it.
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
        bus_id: str | None = None,
        of_node: OfNode | None = None,
    ) -> None:
        self.auto = auto
        if auto:
            number = bus.alloc_auto()
            self.lock_class = LockClass.DEVICE_VDEV
        suffix = ("" if number is None else f".{number}") + (".auto" if auto else "")
        if of_node is not None:
            bus_id = of_device_make_bus_id(of_node)
        super().__init__(bus.model, bus_id or name + suffix, parent or bus.root, bus=bus)
        self.platform_bus = bus
        self.platform_name = name
        self.id = number
        self.properties = properties or {}
        self.platform_data = platform_data
        self.of_node = of_node

    @property
    def modalias(self) -> str:
        """What finds a module for the device."""
        if self.of_node is not None:
            return of_device_modalias(self.of_node)
        return f"platform:{self.platform_name}"

    def populate(self) -> None:
        """The link ``of_node``."""
        if self.of_node is not None and self.of_node.kobj is not None:
            self.dir.add("of_node", Link(self.of_node.kobj))

    def uevent_env(self) -> dict[str, str]:
        """of_device_uevent(), platform_uevent()."""
        of = of_device_uevent(self.of_node) if self.of_node is not None else {}
        return of | {"MODALIAS": self.modalias}

    def platform_device_del(self) -> None:
        """Take the device away and give its automatic number back."""
        self.device_del()
        if self.auto and self.id is not None:
            self.platform_bus.free_auto(self.id)


class PlatformDriver(Driver[PlatformDevice]):
    """``struct platform_driver``: takes devices of its *name*, or by their ``compatible``."""

    compatible: tuple[str, ...] = ()
    #: The properties of its devices besides those that all processors have. A name that is
    #: not ours begins with a vendor's: ``acme,delay-ms``.
    properties: ClassVar[Mapping[str, Key]] = {}
    #: KBUILD_MODNAME of a driver that is built in: what its link ``module`` points to.
    mod_name: str | None = None
    #: The properties of ours that are read from a node, by a driver that reads the rest of it
    #: itself as its kernel counterpart does; None: it is told all of its properties.
    of_keys: tuple[str, ...] | None = None

    @classmethod
    def of_label(cls, node: OfNode) -> str | None:
        """What the processor of that node is called; None: the node is none by itself."""
        return node.base_name

    @classmethod
    def elf_machines(cls, properties: Mapping[str, Any]) -> tuple[int, ...]:
        """``e_machine`` of the images that a processor of these properties executes.

        Empty: any, or it is not known.
        """
        return ()

    def property_changed(self, device: PlatformDevice, key: str, value: Any) -> None:
        """A property that its :class:`Key` calls live is *value* from now on; OSError."""
        raise error(errno.EBUSY)


@attribute
def modalias(device: PlatformDevice) -> str:
    """``platform:NAME``, or ``of:...`` for one from a devicetree."""
    return device.modalias


PlatformDevice.attributes = (driver_override, modalias)


class PlatformBus(Bus):
    """``platform_bus_type`` and the device ``sys/devices/platform`` that its devices live in."""

    def __init__(self, model: DriverModel) -> None:
        super().__init__(model, "platform")
        self.root = Device(model, "platform")
        self.root.device_add()

    def driver_register(self, driver: Driver[Any]) -> None:
        """__platform_driver_register(): with the links between a built-in driver and its module."""
        super().driver_register(driver)
        mod_name = driver.mod_name if isinstance(driver, PlatformDriver) else None
        if mod_name is not None and self.model.version.has(BUILTIN_DRIVER_MODULE):
            module = self.model.sys.mkdirs(f"module/{mod_name}")
            driver.dir.add("module", Link(module))
            module.mkdirs("drivers").add(f"platform:{driver.name}", Link(driver.dir))

    def match(self, device: PlatformDevice, driver: PlatformDriver) -> bool:
        """platform_match(): the override, else ``compatible``, else the name."""
        if device.driver_override is not None:
            return device.driver_override == driver.name
        compatible = device.properties.get("compatible")
        return compatible in driver.compatible or device.platform_name == driver.name

    def probe(self, device: PlatformDevice, driver: PlatformDriver) -> None:
        """platform_probe(). EINVAL for a property of its node that makes no sense."""
        try:
            driver.probe(device)
        except PropertyError as failure:
            device.err(str(failure))
            raise error(errno.EINVAL) from failure

    def bus_above(self, path: str, node: OfNode | None = None) -> Device:
        """Return the parent for a device; parents that do not exist yet are made.

        Those of the directories of *path*, or those of the nodes above *node* that have a
        ``compatible`` -- of_platform_bus_create(). EEXIST.
        """
        parent: Device = self.root
        for name in path.split("/")[:-1]:
            parent = self._bus(name, None, parent)
        for above in node.ancestors() if node is not None else ():
            if "compatible" in above.properties and above.parent is not None:
                parent = self._bus(of_device_make_bus_id(above), above, parent)
        return parent

    def _bus(self, name: str, node: OfNode | None, parent: Device) -> Device:
        device = self.devices.get(name)
        if isinstance(device, PlatformDevice) and device.parent is parent:
            return device
        device = PlatformDevice(self, name, parent=parent, of_node=node)
        device.device_add()
        return device

    def add_device(self, device: Device) -> None:
        """Add the device. EEXIST, without a trace, if the name is taken in any directory."""
        if device.name in self.devices:
            if device.dir.parent is not None:
                device.dir.parent.remove(device.dir.name)
            raise error(errno.EEXIST)
        super().add_device(device)

    def alloc_auto(self) -> int:
        """PLATFORM_DEVID_AUTO: the lowest free number."""
        with self.model.lock:
            return self.model.platform_ids.alloc()

    def free_auto(self, number: int) -> None:
        """Give the number back."""
        with self.model.lock:
            self.model.platform_ids.free(number)

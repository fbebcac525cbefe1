"""Devices and classes -- drivers/base/core.c, drivers/base/class.c."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

from rprocfs.base.kmsg import Level
from rprocfs.base.power import dpm_sysfs_add
from rprocfs.base.printk_ringbuffer import dev_printk_info
from rprocfs.base.uevent import UnknownAction, parse_synthetic
from rprocfs.fs.chardev import DeviceNode, Opener
from rprocfs.fs.kernfs import Dir, Link, Node, error
from rprocfs.fs.sysfs import Attribute, SysfsFile, attribute
from rprocfs.locking import LockClass, new_rlock

if TYPE_CHECKING:
    from rprocfs.base.model import DriverModel


class BusType(Protocol):
    """What a device asks of its bus, which is above it."""

    name: str

    def add_device(self, device: Any) -> None:
        """bus_add_device()."""

    def remove_device(self, device: Any) -> None:
        """bus_remove_device()."""

    def probe_device(self, device: Any) -> None:
        """bus_probe_device()."""


class BoundDriver(Protocol):
    """What a device, and what has one, asks of the driver that is bound."""

    name: str
    dir: Dir

    def flush(self, device: Any, timeout: float) -> None:
        """Wait, at most *timeout* seconds, until what the device said so far is dealt with."""


class Class:
    """``struct class``: ``sys/class/NAME``, a link for each device of it."""

    def __init__(self, model: DriverModel, name: str) -> None:
        self.model = model
        self.name = name
        self.dir = model.sys.mkdirs(f"class/{name}")


class Device:
    """``struct device``: a directory below ``sys/devices``, links, attributes, maybe a node.

    Subclasses describe themselves by the class attributes below. Nothing is
    visible before :meth:`device_add`.
    """

    #: ``dev_groups`` of the class, the type or the bus.
    attributes: Iterable[Attribute[Any]] = ()
    #: ``DEVTYPE`` of the uevent.
    devtype: str | None = None
    #: ``devnode`` of the class: the name of the node, None: that of the device.
    node_name: str | None = None
    #: ``.mode`` of the node below ``dev/``.
    node_mode = 0o600
    #: The class of :attr:`mutex`; one of its own for what is bound while another device is.
    lock_class = LockClass.DEVICE

    def __init__(
        self,
        model: DriverModel,
        name: str,
        parent: Device | None = None,
        *,
        bus: BusType | None = None,
        class_: Class | None = None,
    ) -> None:
        self.model = model
        self.name = name
        self.parent = parent
        self.bus = bus
        self.class_ = class_
        self.driver: BoundDriver | None = None
        self.driver_data: Any = None
        #: What its driver waits for, once that said so.
        self.deferred_probe_reason = ""
        #: Taken for binding and unbinding; of a parent before that of a child.
        self.mutex = new_rlock(self.lock_class)
        #: ``devm_*``: what is undone when the driver is unbound, last first.
        self.devres = ExitStack()
        self.dir = Dir()
        self.devt: tuple[int, int] | None = None
        self._opener: Opener | None = None
        self._node: DeviceNode | None = None
        self._glue: Dir | None = None

    # What a kind of device answers by overriding.

    def uevent_env(self) -> dict[str, str]:
        """``dev_uevent`` of the class or the bus: further keys."""
        return {}

    def attribute_mode(self, attr: Attribute[Any]) -> int | None:
        """``is_visible``: the mode of *attr* here, None for the declared one."""
        del attr
        return None

    def populate(self) -> None:
        """Put further files into :attr:`dir`, before the device is announced."""

    # The log.

    def printk(self, level: Level, text: str) -> None:
        """``dev_printk``: *text* behind the names of the driver (or bus, or class) and device."""
        of = self.driver or self.bus or self.class_
        subsystem = self.class_ or self.bus
        dev_info = dev_printk_info(subsystem.name if subsystem else "", self.name, self.devt)
        self.model.printk(level, f"{of.name if of else ''} {self.name}: {text}", dev_info)

    def err(self, text: str) -> None:
        """``dev_err``."""
        self.printk(Level.ERR, text)

    def warn(self, text: str) -> None:
        """``dev_warn``."""
        self.printk(Level.WARNING, text)

    def info(self, text: str) -> None:
        """``dev_info``."""
        self.printk(Level.INFO, text)

    # Coming and going.

    def set_devnode(self, devt: tuple[int, int], opener: Opener) -> None:
        """``cdev_device_add``: the device has a node; call before :meth:`device_add`."""
        self.devt = devt
        self._opener = opener

    def device_add(self) -> None:
        """Make everything visible, tell userspace, look for a driver. EEXIST for a known name."""
        self._home().add(self._file_name, self.dir)
        self.create_file(uevent)
        self._add_links()
        for attr in self.attributes:
            self.create_file(attr)
        self.populate()
        if self.bus is not None:
            self.bus.add_device(self)
        dpm_sysfs_add(self.dir)
        if self.devt is not None and self._opener is not None:
            self.create_file(dev)
            self._dev_entries().add("{}:{}".format(*self.devt), Link(self.dir))
            self._node = DeviceNode(self._opener, self.devt, self.node_mode)
            self.model.dev.create_node(self.node_name or self._file_name, self._node)
        self.kobject_uevent("add")
        if self.bus is not None:
            self.bus.probe_device(self)

    def device_del(self) -> None:
        """Take it out again: node, driver, files, links."""
        if self.devt is not None:
            if self._node is not None:
                self.model.dev.delete_node(self.node_name or self._file_name, self._node)
            self._dev_entries().remove("{}:{}".format(*self.devt))
        if self.class_ is not None:
            self.class_.dir.remove(self._file_name)
        if self.bus is not None:
            self.bus.remove_device(self)
        self.devres.close()
        self.kobject_uevent("remove")
        self._opener = None
        parent = self.dir.parent
        if parent is not None:
            parent.remove(self._file_name)
        self._remove_glue()

    def create_file(self, attr: Attribute[Any]) -> SysfsFile:
        """``device_create_file``."""
        return self.dir.add(attr.name, SysfsFile(attr, self, self.attribute_mode(attr)))

    def devm_add_action(self, action: Callable[[], object]) -> None:
        """Call *action* when the driver is unbound."""
        self.devres.callback(action)

    # Events.

    def kobject_uevent(self, action: str, extra: dict[str, str] | None = None) -> None:
        """``kobject_uevent_env``: send *action* with the keys of the device."""
        env = self.uevent_keys()
        if action == "unbind":
            env.pop("MODALIAS", None)
        subsystem = self.bus or self.class_
        head = {"SUBSYSTEM": subsystem.name} if subsystem else {}
        devpath = self.dir.path.removeprefix("/sys")
        self.model.uevent(action, devpath, head | (extra or {}) | env)

    def uevent_keys(self) -> dict[str, str]:
        """dev_uevent(): what the ``uevent`` file shows."""
        env: dict[str, str] = {}
        if self.devt is not None:
            env["MAJOR"], env["MINOR"] = map(str, self.devt)
            env["DEVNAME"] = self.node_name or self.name
        if self.devtype is not None:
            env["DEVTYPE"] = self.devtype
        if self.driver is not None:
            env["DRIVER"] = self.driver.name
        return env | self.uevent_env()

    # Its place in the tree.

    @property
    def _file_name(self) -> str:
        return self.name.replace("/", "!")

    def _dev_entries(self) -> Dir:
        """device_to_dev_kobj(): the directory that lists devices by number."""
        return self.model.sys.mkdirs("dev/char")

    def _home(self) -> Dir:
        """get_device_parent(): below the parent, with a directory named after the class between."""
        if self.class_ is None:
            return self.parent.dir if self.parent else self.model.sys.mkdirs("devices")
        if self.parent is None:
            return self.model.sys.mkdirs(f"devices/virtual/{self.class_.name}")
        if self.parent.class_ is self.class_:
            return self.parent.dir
        with self.model.lock:
            self._glue = self.parent.dir.mkdirs(self.class_.name)
        return self._glue

    def _remove_glue(self) -> None:
        glue = self._glue
        if glue is None or glue.parent is None:
            return
        with self.model.lock:
            if not glue.children:
                glue.parent.remove(glue.name)

    def _add_links(self) -> None:
        if self.class_ is not None:
            self.dir.add("subsystem", Link(self.class_.dir))
            self.class_.dir.add(self._file_name, Link(self.dir))
            if self.parent is not None:
                self.dir.add("device", Link(self.parent.dir))


@attribute
def uevent(device: Device) -> str:
    """The keys of an event of this device, one a line."""
    return "\n".join(f"{key}={value}" for key, value in device.uevent_keys().items())


@uevent.store
def _(device: Device, buf: str) -> None:
    try:
        action, env = parse_synthetic(buf)
    except OSError as failure:
        if isinstance(failure, UnknownAction):
            path = device.dir.path.removeprefix("/sys")
            device.model.printk(Level.WARNING, f"synth uevent: {path}: {failure.strerror}")
        device.err(f"uevent: failed to send synthetic uevent: {-(failure.errno or errno.EINVAL)}")
        raise
    device.kobject_uevent(action, env)


@attribute
def dev(device: Device) -> str:
    """``MAJOR:MINOR``."""
    if device.devt is None:
        raise error(errno.ENODEV)
    return "{}:{}".format(*device.devt)


def sysfs_create_link(where: Dir, target: Node, name: str) -> None:
    """A relative link called *name*; EEXIST."""
    where.add(name, Link(target))

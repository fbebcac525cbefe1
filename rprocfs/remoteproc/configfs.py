"""Processors that a user makes: ``sys/kernel/config/remoteproc``, as drivers/gpio/gpio-sim.c.

``mkdir NAME`` makes a directory with a file for each property; the names are those of a board
file. Write the properties, then write 1 to ``live``: that makes the platform device, and
``dev_name`` reads its name. While it is live, a write to a property is EBUSY, unless its driver
takes changes of it (``gdb``), and so is rmdir(2).
"""

from __future__ import annotations

import errno
import re
import threading
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from rprocfs.base.kmsg import Level
from rprocfs.fs.configfs import ConfigGroup, ConfigItem
from rprocfs.fs.kernfs import error
from rprocfs.fs.sysfs import Attribute, attribute
from rprocfs.lib.kstrtox import kstrtobool
from rprocfs.locking import LockClass, new_lock

if TYPE_CHECKING:
    from rprocfs.base.model import DriverModel
    from rprocfs.base.platform import PlatformDevice

#: The most processors that may be live at a time.
LIVE_MAX = 1000
#: The longest value.
VALUE_MAX = 1023
_PRINTABLE = re.compile(r"[\x20-\x7e]*")

Properties = Mapping[str, Any]


class Processors(Protocol):
    """Knows the properties of a description and makes its device."""

    @property
    def keys(self) -> Mapping[str, type]:
        """The properties and their types: str, int or bool."""

    def check(self, key: str, value: Any) -> None:
        """Check that *key* may have *value*; if not, ValueError says why."""

    def add(self, properties: Properties) -> PlatformDevice:
        """Make the device; OSError."""

    @property
    def live_keys(self) -> Collection[str]:
        """The properties that may change while the device exists."""

    def change(self, device: PlatformDevice, key: str, value: Any) -> None:
        """Change one of them; OSError."""


class RemoteprocItem(ConfigItem):
    """One processor: ``sys/kernel/config/remoteproc/NAME``."""

    __slots__ = ("_changing", "_lock", "_processors", "_room", "device", "model", "properties")

    def __init__(
        self,
        model: DriverModel,
        processors: Processors,
        attributes: tuple[Attribute[Any], ...],
        room: threading.BoundedSemaphore,
    ) -> None:
        super().__init__(attributes)
        self.model = model
        self.properties: dict[str, Any] = {}
        self.device: PlatformDevice | None = None
        self._processors = processors
        self._room = room
        self._lock = new_lock(LockClass.CONFIG_ITEM)
        self._changing = False

    def drop(self) -> None:
        """EBUSY while it is live."""
        with self._lock:
            self._check_idle()
            self._changing = True  # from here on, writing 1 to live is EBUSY

    def set(self, key: str, text: str) -> None:
        """Set a property, or remove it if *text* is empty; EINVAL, EBUSY."""
        if self.device is not None and key in self._processors.live_keys:
            self._change(key, text)
            return
        with self._lock:
            self._check_idle()
            if not text:
                self.properties.pop(key, None)
                return
            self.properties[key] = self._checked(key, text)

    def _checked(self, key: str, text: str) -> Any:
        try:
            value = _parse(self._processors.keys[key], text)
            self._processors.check(key, value)
        except ValueError as failure:
            self._complain(f"{key}: {failure}")
            raise error(errno.EINVAL) from failure
        return value

    def _change(self, key: str, text: str) -> None:
        """Set a property of the device that there is; EINVAL, EBUSY, what its driver says."""
        with self._lock:
            device = self.device
            if self._changing or device is None:
                raise error(errno.EBUSY)
            self._changing = True
        try:
            value = self._checked(key, text) if text else self._processors.keys[key]()
            self._processors.change(device, key, value)
            self.properties[key] = value
        finally:
            self._changing = False

    def set_live(self, live: bool) -> None:
        """Make the device, or remove it.

        EPERM if it is in that state already; EBUSY while another thread changes it; EINVAL
        without a ``compatible``; EEXIST if a device of that name exists; ENXIO if the driver
        refuses it; ENOSPC if :data:`LIVE_MAX` processors are live.
        """
        with self._lock:
            if self._changing:
                raise error(errno.EBUSY)
            if live == (self.device is not None):
                raise error(errno.EPERM)
            self._changing = True
        try:
            if self.device is not None:
                self.device.platform_device_del()
                self.device = None
                self._room.release()
            else:
                self.device = self._probe()
        finally:
            self._changing = False

    def _probe(self) -> PlatformDevice:
        if "compatible" not in self.properties:
            self._complain("compatible is not set")
            raise error(errno.EINVAL)
        if not self._room.acquire(blocking=False):
            self._complain(f"{LIVE_MAX} are live already")
            raise error(errno.ENOSPC)
        try:
            device = self._processors.add({"label": self.name} | self.properties)
            if device.driver is None:  # the log says why
                device.platform_device_del()
                raise error(errno.ENXIO)
        except BaseException:
            self._room.release()
            raise
        return device

    def _check_idle(self) -> None:
        if self._changing or self.device is not None:
            raise error(errno.EBUSY)

    def _complain(self, text: str) -> None:
        self.model.printk(Level.ERR, f"remoteproc_configfs {self.name}: {text}")


@attribute
def live(item: RemoteprocItem) -> str:
    """``1`` while the device exists, else ``0``."""
    return str(int(item.device is not None))


@live.store(sleeps=True)
def _(item: RemoteprocItem, buf: str) -> None:
    """``1`` makes the device, ``0`` removes it; errors as :meth:`RemoteprocItem.set_live`."""
    try:
        wanted = kstrtobool(buf)
    except ValueError as failure:
        raise error(errno.EINVAL) from failure
    item.set_live(wanted)


@attribute(empty_line=True)
def dev_name(item: RemoteprocItem) -> str:
    """Its name below ``sys/bus/platform/devices``; empty while it is not live."""
    device = item.device
    return device.name if device is not None else ""


class RemoteprocGroup(ConfigGroup):
    """``sys/kernel/config/remoteproc``."""

    __slots__ = ("_attributes", "_model", "_processors", "_room")

    def __init__(self, model: DriverModel, processors: Processors) -> None:
        super().__init__()
        self._model = model
        self._processors = processors
        self._room = threading.BoundedSemaphore(LIVE_MAX)
        self._attributes: tuple[Attribute[Any], ...] = ()

    def make_item(self, name: str) -> ConfigItem:
        """EINVAL for a name that no processor can have."""
        if not _PRINTABLE.fullmatch(name):
            raise error(errno.EINVAL)
        if not self._attributes:
            live_keys = self._processors.live_keys
            properties = [_property(key, key in live_keys) for key in self._processors.keys]
            self._attributes = cast("tuple[Attribute[Any], ...]", (live, dev_name, *properties))
        return RemoteprocItem(self._model, self._processors, self._attributes, self._room)


def _property(key: str, sleeps: bool) -> Attribute[RemoteprocItem]:
    def show(item: RemoteprocItem) -> str:
        value = item.properties.get(key, "")
        return str(int(value)) if isinstance(value, bool) else str(value)

    def store(item: RemoteprocItem, buf: str) -> None:
        item.set(key, buf.removesuffix("\n"))

    attr: Attribute[RemoteprocItem] = Attribute(key, show, store)
    attr.empty_line = True
    attr.sleeps = sleeps
    return attr


def _parse(kind: type, text: str) -> Any:
    """The value that was written, or ValueError."""
    if len(text) > VALUE_MAX or not _PRINTABLE.fullmatch(text):
        raise ValueError("not printable, or too long")
    if kind is bool:
        return kstrtobool(text)
    if kind is int:
        value = int(text, 0)
        if not 0 <= value < 1 << 32:
            raise ValueError("not in 32 bits")
        return value
    return text

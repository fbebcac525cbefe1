"""Dumps of devices, waiting to be fetched -- drivers/base/devcoredump.c."""

from __future__ import annotations

import errno
import itertools
import threading
from collections.abc import Callable

from rprocfs.base.device import Class, Device
from rprocfs.base.model import DriverModel
from rprocfs.base.workqueue import Workqueue
from rprocfs.fs.kernfs import PAGE_SIZE, File, Handle, Link, error
from rprocfs.fs.sysfs import SysfsFile, attribute
from rprocfs.locking import LockClass, new_lock

#: DEVCD_TIMEOUT: seconds after which a dump that was not read is removed.
DEVCD_TIMEOUT = 5 * 60.0

Read = Callable[[int, int], bytes]
Free = Callable[[], object]


class Devcoredump:
    """``devcd_class``: at most one dump a device, numbered for ever."""

    def __init__(self, model: DriverModel, timeout: float = DEVCD_TIMEOUT) -> None:
        self.model = model
        self.timeout = timeout
        self.disabled = False
        self.class_ = Class(model, "devcoredump")
        self.class_.dir.add(disabled.name, SysfsFile(disabled, self))
        self._count = itertools.count(1)  # atomic_inc_return()
        self._lock = new_lock(LockClass.DEVCD)
        self._dumps: dict[Device, DevcdEntry] = {}
        self._wq = Workqueue("devcoredump", LockClass.DEVCD_WORK)

    def dev_coredumpv(self, dev: Device, data: bytes) -> None:
        """A dump whose content is *data*."""
        self.dev_coredumpm(dev, lambda size, offset: data[offset : offset + size], lambda: None)

    def dev_coredumpm(self, dev: Device, read: Read, free: Free) -> None:
        """A dump whose content is what *read* (size, offset) gives.

        *free* is called once, when the dump goes; at once if there is one already or
        dumps are disabled.
        """
        entry = DevcdEntry(self, dev, read, free)
        with self._lock:
            refused = self.disabled or dev in self._dumps
            if not refused:
                self._dumps[dev] = entry
        if refused:
            free()
        else:
            entry.show(f"devcd{next(self._count)}")

    def dismiss(self, dev: Device) -> None:
        """Remove the dump of *dev*, soon and on another thread."""
        self._wq.queue_work(lambda: self._remove(dev))

    def flush(self) -> None:
        """Wait until the dumps that were dismissed so far are gone."""
        self._wq.flush()

    def close(self) -> None:
        """Take all dumps away and end the thread."""
        for dev in list(self._dumps):
            self._remove(dev)
        self._wq.destroy()

    def disable(self) -> None:
        """Remove all dumps and make no more."""
        self.disabled = True
        for dev in list(self._dumps):
            self._remove(dev)

    def _remove(self, dev: Device) -> None:
        with self._lock:
            entry = self._dumps.pop(dev, None)
        if entry is not None:
            entry.hide()


class DevcdEntry:
    """``struct devcd_entry``: one dump and its device ``devcdN``."""

    def __init__(self, owner: Devcoredump, failing: Device, read: Read, free: Free) -> None:
        self.owner = owner
        self.failing = failing
        self.read = read
        self.free = free
        self._device: Device | None = None
        self._timer = threading.Timer(owner.timeout, owner.dismiss, (failing,))
        self._timer.daemon = True

    def show(self, name: str) -> None:
        """Make the device, its data and the links both ways."""
        device = self._device = _DevcdDevice(self.owner.model, name, class_=self.owner.class_)
        device.entry = self
        device.device_add()
        self.failing.dir.add("devcoredump", Link(device.dir))
        self._timer.start()

    def hide(self) -> None:
        """Undo :meth:`show` and free the content."""
        self._timer.cancel()
        self.failing.dir.remove("devcoredump")
        device, self._device = self._device, None
        if device is not None:
            device.device_del()
        self.free()


class _DevcdDevice(Device):
    entry: DevcdEntry

    def populate(self) -> None:
        self.dir.add("data", _DataFile(self.entry))
        self.dir.add("failing_device", Link(self.entry.failing.dir))


class _DataFile(File):
    __slots__ = ("entry",)

    def __init__(self, entry: DevcdEntry) -> None:
        super().__init__(0o600)
        self.entry: DevcdEntry | None = entry

    def open(self, flags: int) -> Handle:
        del flags
        if not self.alive:
            raise error(errno.ENODEV)
        return _DataHandle(self)

    def drain(self) -> None:
        self.entry = None


class _DataHandle(Handle):
    """The content by reads of at most a page; any write dismisses the dump."""

    __slots__ = ("_file",)

    def __init__(self, file: _DataFile) -> None:
        self._file = file

    def read(self, size: int, offset: int) -> bytes:
        return self._entry().read(min(size, PAGE_SIZE), offset)

    def write(self, data: bytes, offset: int) -> int:
        del offset
        entry = self._entry()
        if data:
            entry.owner.dismiss(entry.failing)
        return min(len(data), PAGE_SIZE)

    def _entry(self) -> DevcdEntry:
        entry = self._file.entry
        if entry is None or not self._file.alive:
            raise error(errno.ENODEV)
        return entry


@attribute
def disabled(devcoredump: Devcoredump) -> str:
    """``1`` once dumps are disabled for good."""
    return "1" if devcoredump.disabled else "0"


@disabled.store(sleeps=True)
def _(devcoredump: Devcoredump, buf: str) -> None:
    """``1`` disables, for good; EINVAL for everything else."""
    if buf.removesuffix("\n") not in ("1", "+1", "0x1", "01"):
        raise error(errno.EINVAL)
    devcoredump.disable()

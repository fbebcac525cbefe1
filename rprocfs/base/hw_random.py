"""``/dev/hwrng`` -- drivers/char/hw_random/core.c, the module ``rng_core``.

Unlike the kernel's it feeds no entropy pool: what a source gives is for readers only.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod

from rprocfs.base.device import Class, Device
from rprocfs.base.module import Module
from rprocfs.fs.kernfs import Handle, error
from rprocfs.fs.sysfs import attribute, sysfs_streq
from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs.locking import LockClass, new_lock, new_rlock

MISC_MAJOR, HWRNG_MINOR = 10, 183
#: ``RNG_BUFFER_SIZE``: what is asked of a source at a time.
RNG_BUFFER_SIZE = 64
MAX_QUALITY = 1024


class Hwrng(ABC):
    """``struct hwrng``: a source. *quality* is entropy in 1024 bits."""

    def __init__(self, name: str, quality: int = MAX_QUALITY) -> None:
        self.name = name
        self.quality = min(quality, MAX_QUALITY)

    @abstractmethod
    def read(self, size: int) -> bytes:
        """At most *size* bytes, nothing if there are none yet; OSError."""


class HwRandom:
    """The sources, and which of them is read. Thread-safe.

    A source wakes *readq* when it has something.
    """

    def __init__(self) -> None:
        self.readq = WaitQueue()
        self.current: Hwrng | None = None
        self.set_by_user = False
        self._list: list[Hwrng] = []
        self._buffer = b""
        self._lock = new_rlock(LockClass.HWRNG)

    def register(self, rng: Hwrng) -> None:
        """hwrng_register(): EEXIST for a known name."""
        with self._lock:
            if any(other.name == rng.name for other in self._list):
                raise error(errno.EEXIST)
            self._list.append(rng)
            better = self.current is None or rng.quality > self.current.quality
            if better and not self.set_by_user:
                self.current = rng
        self.readq.wake_up()

    def unregister(self, rng: Hwrng) -> None:
        """hwrng_unregister(): readers go on with another source, or fail."""
        with self._lock:
            self._list.remove(rng)
            if self.current is rng:
                self.enable_best()
        self.readq.wake_up()

    def enable_best(self) -> None:
        """enable_best_rng(): the first of the best quality, if there is any."""
        with self._lock:
            self.current = max(self._list, key=lambda rng: rng.quality, default=None)
            self.set_by_user = False

    def select(self, name: str) -> None:
        """rng_current_store(): a name that is not known changes nothing."""
        with self._lock:
            if sysfs_streq(name, ""):
                self.enable_best()
            elif sysfs_streq(name, "none"):
                self.current, self.set_by_user = None, True
            for rng in self._list:
                if sysfs_streq(name, rng.name):
                    self.current, self.set_by_user = rng, True
        self.readq.wake_up()

    @property
    def names(self) -> list[str]:
        """Those that are registered, oldest first."""
        return [rng.name for rng in list(self._list)]

    def take(self, size: int) -> bytes:
        """One turn of rng_dev_read(): the end of what a source gave goes first. ENODEV."""
        with self._lock:
            if self.current is None:
                raise error(errno.ENODEV)
            if not self._buffer:
                self._buffer = self.current.read(RNG_BUFFER_SIZE)
            at = max(0, len(self._buffer) - size)
            data, self._buffer = self._buffer[at:], self._buffer[:at]
            return data


class HwRandomHandle(Handle):
    """``/dev/hwrng``, open.

    A read gives all that it asked for, or as much as there was before the source went;
    opened with O_NONBLOCK, what there is.
    """

    __slots__ = ("_core", "_got", "_lock", "_module", "_nonblock")

    stream = True

    def __init__(self, core: HwRandom, module: Module, flags: int) -> None:
        self._core = core
        self._module = module
        self._nonblock = bool(flags & os.O_NONBLOCK)
        self._got = b""
        self._lock = new_lock(LockClass.HWRNG_FILE)
        module.get()

    def read(self, size: int, offset: int) -> bytes:
        """rng_dev_read(): ENODEV without a source."""
        del offset
        with self._lock:
            try:
                while len(self._got) < size:
                    data = self._core.take(size - len(self._got))
                    if not data:
                        raise WouldBlock(self._core.readq)
                    self._got += data
            except OSError as failure:
                waits = isinstance(failure, WouldBlock) and not self._nonblock
                if waits or not self._got:
                    raise
            data, self._got = self._got[:size], self._got[size:]
            return data

    def ioctl(self, cmd: int, arg: int, data: bytes) -> bytes:
        """ENODEV without a source, ENOTTY with."""
        raise error(errno.ENODEV if self._core.current is None else errno.ENOTTY)

    def release(self) -> None:
        """Let go of the module."""
        self._module.put()


class HwRandomDevice(Device):
    """``rng_miscdev``."""

    node_name = "hwrng"

    def __init__(self, module: Module, core: HwRandom) -> None:
        model = module.model
        super().__init__(model, "hw_random", class_=Class(model, "misc"))
        self.core = core
        self.module = module
        self.set_devnode((MISC_MAJOR, HWRNG_MINOR), self._open)

    def _open(self, flags: int) -> Handle:
        """rng_dev_open(): EINVAL unless for reading only."""
        if flags & os.O_ACCMODE != os.O_RDONLY:
            raise error(errno.EINVAL)
        return HwRandomHandle(self.core, self.module, flags)


@attribute
def rng_current(device: HwRandomDevice) -> str:
    """The name of the source that is read."""
    rng = device.core.current
    return rng.name if rng else "none"


@rng_current.store
def _(device: HwRandomDevice, buf: str) -> None:
    device.core.select(buf)


@attribute
def rng_available(device: HwRandomDevice) -> str:
    """What may be written to ``rng_current``."""
    return " ".join([*device.core.names, "none"])


@attribute
def rng_selected(device: HwRandomDevice) -> str:
    """``1`` if a user has chosen the source, else ``0``."""
    return str(int(device.core.set_by_user))


@attribute
def rng_quality(device: HwRandomDevice) -> str:
    """That of the current source; ENODEV without."""
    if device.core.current is None:
        raise error(errno.ENODEV)
    return str(device.core.current.quality)


@rng_quality.store
def _(device: HwRandomDevice, buf: str) -> None:
    try:
        quality = int(buf.removesuffix("\n"), 0) if len(buf) >= 2 else -1
    except ValueError:
        quality = -1
    if not 0 <= quality <= MAX_QUALITY:
        raise error(errno.EINVAL)
    if device.core.current is None:
        raise error(errno.ENODEV)
    device.core.current.quality = quality
    device.core.enable_best()


HwRandomDevice.attributes = (rng_current, rng_available, rng_selected, rng_quality)


def init(module: Module) -> HwRandom:
    """hwrng_modinit()."""
    core = HwRandom()
    HwRandomDevice(module, core).device_add()
    return core

"""``dev/rpmsgN``: an endpoint as a character device -- drivers/rpmsg/rpmsg_char.c."""

from __future__ import annotations

import errno
from typing import Any

from rprocfs.base.device import Class, Device
from rprocfs.fs.chardev import Ida
from rprocfs.fs.kernfs import Handle, error
from rprocfs.fs.sysfs import attribute
from rprocfs.kernel import CHRDEV_BINDS_OWN_NAME, KernelVersion
from rprocfs.lib.kref import Kref
from rprocfs.locking import LockClass, new_lock
from rprocfs.rpmsg.core import ChannelInfo, RpmsgDevice, RpmsgDriver, RpmsgEndpoint, _s32
from rprocfs.rpmsg.eptdev import Eptdev, EptdevHandle


class RpmsgEptdev(Device):
    """``struct rpmsg_eptdev``: the device of one node.

    Its numbers are taken until the last open file is closed, also after it is gone.
    """

    def __init__(
        self,
        chrdev: RpmsgChrdevDriver,
        rpdev: RpmsgDevice,
        parent: Device,
        chinfo: ChannelInfo,
        default_ept: RpmsgEndpoint | None = None,
    ) -> None:
        super().__init__(rpdev.model, "rpmsg", parent, class_=chrdev.class_)
        self.eptdev = Eptdev(rpdev, chinfo, default_ept)
        self.kref = Kref(lambda: chrdev.free(self.minor, self.id))
        self.minor, self.id = chrdev.alloc()
        self.name = f"rpmsg{self.id}"
        self.set_devnode((chrdev.major, self.minor), self.open)

    def open(self, flags: int) -> Handle:
        """rpmsg_eptdev_open(): EBUSY, EINVAL, ENXIO."""
        del flags
        if not self.kref.get_unless_zero():
            raise error(errno.ENXIO)
        try:
            self.eptdev.open(self)
        except OSError:
            self.kref.put()
            raise
        return RpmsgEptdevHandle(self)

    def destroy(self) -> None:
        """rpmsg_chrdev_eptdev_destroy(): the node goes, open files answer EPIPE."""
        if self.eptdev.destroy():
            self.device_del()
            self.kref.put()


class RpmsgEptdevHandle(EptdevHandle):
    """An open ``dev/rpmsgN``."""

    __slots__ = ("_device",)

    def __init__(self, device: RpmsgEptdev) -> None:
        super().__init__(device.eptdev)
        self._device = device

    def destroy_ept(self) -> bytes:
        """RPMSG_DESTROY_EPT_IOCTL: EINVAL for the endpoint of a channel; twice is once."""
        if self.eptdev.default_ept is not None:
            return super().destroy_ept()
        self._device.destroy()
        return b""

    def release(self) -> None:
        """The number is free when the device is gone too."""
        if not self._released:
            super().release()
            self._device.kref.put()


class RpmsgChrdevDriver(RpmsgDriver):
    """``rpmsg_chrdev_driver``, and the numbers of all endpoint devices."""

    name = "rpmsg_chrdev"
    atomic = True

    def __init__(self, class_: Class, version: KernelVersion) -> None:
        own = (self.name,) if version.has(CHRDEV_BINDS_OWN_NAME) else ()
        self.id_table = ("rpmsg-raw", *own)
        self.class_ = class_
        self.major = class_.model.alloc_major()
        self._lock = new_lock(LockClass.MINORS)
        self._minor_ida = Ida()
        self._ept_ida = Ida()

    def alloc(self) -> tuple[int, int]:
        """The lowest free minor and number."""
        with self._lock:
            return self._minor_ida.alloc(), self._ept_ida.alloc()

    def free(self, minor: int, number: int) -> None:
        """Give them back."""
        with self._lock:
            self._minor_ida.free(minor)
            self._ept_ida.free(number)

    def eptdev_create(
        self,
        rpdev: RpmsgDevice,
        parent: Device,
        chinfo: ChannelInfo,
        default_ept: RpmsgEndpoint | None = None,
    ) -> RpmsgEptdev:
        """rpmsg_chrdev_eptdev_create(): OSError."""
        eptdev = RpmsgEptdev(self, rpdev, parent, chinfo, default_ept)
        try:
            eptdev.device_add()
        except OSError:
            eptdev.kref.put()
            raise
        return eptdev

    def probe(self, device: RpmsgDevice) -> None:
        """rpmsg_chrdev_probe(): a node for the endpoint of the channel."""
        chinfo = ChannelInfo(device.id, device.src, device.dst)
        default_ept = device.endpoint
        eptdev = RpmsgEptdev(self, device, device, chinfo, default_ept)
        device.driver_data = eptdev
        default_ept.priv = eptdev.eptdev
        try:
            eptdev.device_add()
        except OSError:
            eptdev.kref.put()
            raise

    def callback(self, rpdev: RpmsgDevice, data: bytes, priv: Any, src: int) -> None:
        """rpmsg_ept_cb(); what comes before the node is there goes nowhere."""
        if priv is not None:
            priv.ept_cb(rpdev, data, priv, src)

    def remove(self, device: RpmsgDevice) -> None:
        """rpmsg_chrdev_remove()."""
        device.driver_data.destroy()


@attribute(name="name", empty_line=True)
def ept_name(eptdev: RpmsgEptdev) -> str:
    """The name that it was made with."""
    return eptdev.eptdev.chinfo.name


@attribute
def src(eptdev: RpmsgEptdev) -> str:
    """The local address, signed decimal; -1 is any."""
    return str(_s32(eptdev.eptdev.chinfo.src))


@attribute
def dst(eptdev: RpmsgEptdev) -> str:
    """The remote's address, signed decimal."""
    return str(_s32(eptdev.eptdev.chinfo.dst))


RpmsgEptdev.attributes = (ept_name, src, dst)

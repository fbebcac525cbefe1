"""``dev/rpmsg_ctrlN``: make endpoints and channels by ioctl -- drivers/rpmsg/rpmsg_ctrl.c."""

from __future__ import annotations

import errno
from struct import Struct

from rprocfs.base.device import Class, Device
from rprocfs.fs.chardev import Ida
from rprocfs.fs.kernfs import Handle, error
from rprocfs.kernel import ENDPOINT_FD
from rprocfs.lib.kref import Kref
from rprocfs.locking import LockClass, new_lock
from rprocfs.rpmsg.char import RpmsgChrdevDriver, RpmsgEptdev
from rprocfs.rpmsg.core import ChannelInfo, RpmsgDevice, RpmsgDriver
from rprocfs.rpmsg.eptdev import Eptdev, EptdevHandle
from rprocfs.rpmsg.hdr import RPMSG_NAME_SIZE

RPMSG_CREATE_EPT_IOCTL = 0x4028B501
RPMSG_CREATE_DEV_IOCTL = 0x4028B503
RPMSG_RELEASE_DEV_IOCTL = 0x4028B504
RPMSG_CREATE_EPT_FD_IOCTL = 0xC030B507

ENDPOINT_INFO = Struct("=32sII")
"""``struct rpmsg_endpoint_info``: name, source, destination."""

ENDPOINT_FD_INFO = Struct("=32sIIIi")
"""``struct rpmsg_endpoint_fd_info``: the same, flags of open(2), and the descriptor."""


class AnonEptdevHandle(EptdevHandle):
    """An endpoint that is an open file and nothing else."""

    __slots__ = ()

    def destroy_ept(self) -> bytes:
        """RPMSG_DESTROY_EPT_IOCTL: EPIPE from here on; twice is once."""
        self.eptdev.destroy()
        return b""


class RpmsgCtrldev(Device):
    """``struct rpmsg_ctrldev``: the device of one node.

    Its number is taken until the last open file is closed, also after it is gone.
    """

    def __init__(self, driver: RpmsgCtrlDriver, rpdev: RpmsgDevice) -> None:
        super().__init__(rpdev.model, "rpmsg_ctrl", rpdev, class_=driver.class_)
        self.rpdev = rpdev
        self._driver = driver
        #: Guards the list. Channels are made and released without it: that takes the locks of
        #: their devices, under one of which :meth:`remove` is called.
        self.ctrl_lock = new_lock(LockClass.CTRL)
        self._eptdevs: list[RpmsgEptdev] = []
        self._anonymous: list[Eptdev] = []
        self.kref = Kref(lambda: driver.free(self.id))
        self.id = driver.alloc()
        self.name = f"rpmsg_ctrl{self.id}"
        self.set_devnode((driver.major, self.id), self.open)

    def open(self, flags: int) -> Handle:
        """rpmsg_ctrldev_open(): any number of times. ENXIO if it goes meanwhile."""
        del flags
        if not self.kref.get_unless_zero():
            raise error(errno.ENXIO)
        return RpmsgCtrldevHandle(self)

    def create_ept(self, chinfo: ChannelInfo) -> None:
        """RPMSG_CREATE_EPT_IOCTL: a node; ENOENT when this one is gone."""
        with self.ctrl_lock:
            self._eptdevs = [eptdev for eptdev in self._eptdevs if eptdev.dir.alive]
            self._eptdevs.append(self._driver.chrdev.eptdev_create(self.rpdev, self, chinfo))

    def create_ept_fd(self, chinfo: ChannelInfo) -> Handle:
        """rpmsg_anonymous_eptdev_create(): opened already; EINVAL without an address."""
        with self.ctrl_lock:
            self._anonymous = [eptdev for eptdev in self._anonymous if eptdev.ept is not None]
            if not self.dir.alive:
                raise error(errno.ENOENT)
            eptdev = Eptdev(self.rpdev, chinfo)
            eptdev.open(self)
            self._anonymous.append(eptdev)
            return AnonEptdevHandle(eptdev)

    def create_dev(self, chinfo: ChannelInfo) -> None:
        """RPMSG_CREATE_DEV_IOCTL: a local channel; ENXIO."""
        try:
            self.rpdev.create_channel(chinfo)
        except OSError as failure:
            self.err(f"failed to create {chinfo.name} channel")
            raise error(errno.ENXIO) from failure

    def release_dev(self, chinfo: ChannelInfo) -> None:
        """RPMSG_RELEASE_DEV_IOCTL: the first channel that matches goes; EINVAL."""
        try:
            self.rpdev.release_channel(chinfo)
        except OSError as failure:
            self.err(f"failed to release {chinfo.name} channel ({-(failure.errno or 0)})")
            raise

    def remove(self) -> None:
        """rpmsg_ctrldev_remove(): with it go the endpoints that it made."""
        with self.ctrl_lock:
            for eptdev in self._eptdevs:
                eptdev.destroy()
            for anonymous in self._anonymous:
                anonymous.destroy()
            self._eptdevs, self._anonymous = [], []
            self.device_del()
        self.kref.put()


class RpmsgCtrldevHandle(Handle):
    """An open control device."""

    __slots__ = ("_ctrldev", "_released")

    stream = True
    sleeps = True

    def __init__(self, ctrldev: RpmsgCtrldev) -> None:
        self._ctrldev = ctrldev
        self._released = False

    def ioctl(self, cmd: int, arg: int, data: bytes) -> bytes:
        """rpmsg_ctrldev_ioctl(): EFAULT comes before EINVAL."""
        if (len(data) < ENDPOINT_INFO.size and cmd in _IOCTLS) or not (arg or data):
            raise error(errno.EFAULT)
        if cmd not in _IOCTLS:
            raise error(errno.EINVAL)
        _IOCTLS[cmd](self._ctrldev, _chinfo(data))
        return b""

    def ioctl_opens(self, cmd: int, data: bytes) -> int:
        """RPMSG_CREATE_EPT_FD_IOCTL, if the kernel has it; EINVAL."""
        model = self._ctrldev.model
        if cmd != RPMSG_CREATE_EPT_FD_IOCTL or not model.version.has(ENDPOINT_FD):
            raise error(errno.EINVAL)
        return model.anon_inodes.put(self._ctrldev.create_ept_fd(_chinfo(data)))

    def fsync(self) -> None:
        """EINVAL: there is nothing to sync."""
        raise error(errno.EINVAL)

    def release(self) -> None:
        """The number is free when the device is gone too."""
        if not self._released:
            self._released = True
            self._ctrldev.kref.put()


def _chinfo(data: bytes) -> ChannelInfo:
    name, src, dst = ENDPOINT_INFO.unpack_from(data)
    text = name[: RPMSG_NAME_SIZE - 1].split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
    return ChannelInfo(text, src, dst)


_IOCTLS = {
    RPMSG_CREATE_EPT_IOCTL: RpmsgCtrldev.create_ept,
    RPMSG_CREATE_DEV_IOCTL: RpmsgCtrldev.create_dev,
    RPMSG_RELEASE_DEV_IOCTL: RpmsgCtrldev.release_dev,
}


class RpmsgCtrlDriver(RpmsgDriver):
    """``rpmsg_ctrldev_driver``: gets the ``rpmsg_ctrl`` device of each link by its override."""

    name = "rpmsg_ctrl"

    def __init__(self, class_: Class, chrdev: RpmsgChrdevDriver) -> None:
        self.class_ = class_
        self.chrdev = chrdev
        self.major = class_.model.alloc_major()
        self._lock = new_lock(LockClass.MINORS)
        self._ida = Ida()

    def alloc(self) -> int:
        """The lowest free number."""
        with self._lock:
            return self._ida.alloc()

    def free(self, number: int) -> None:
        """Give it back."""
        with self._lock:
            self._ida.free(number)

    def probe(self, device: RpmsgDevice) -> None:
        """rpmsg_ctrldev_probe()."""
        ctrldev = RpmsgCtrldev(self, device)
        try:
            ctrldev.device_add()
        except OSError:
            ctrldev.kref.put()
            raise
        device.driver_data = ctrldev

    def remove(self, device: RpmsgDevice) -> None:
        """rpmsg_ctrldev_remove()."""
        device.driver_data.remove()

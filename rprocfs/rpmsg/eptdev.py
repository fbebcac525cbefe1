"""Endpoints as open files, one message for each read or write -- rpmsg_char.c.

Shared by ``dev/rpmsgN`` (:mod:`rprocfs.rpmsg.char`) and by our own ``endpoint`` files.
"""

from __future__ import annotations

import errno
import select
from collections import deque
from typing import Any

from rprocfs.base.device import Device
from rprocfs.fs.kernfs import Handle, error
from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs.kernel import FLOW_CONTROL
from rprocfs.locking import LockClass, new_lock
from rprocfs.rpmsg.core import ChannelInfo, RpmsgDevice, RpmsgEndpoint
from rprocfs.rpmsg.endpoint import SEND_TIMEOUT

RPMSG_DESTROY_EPT_IOCTL = 0xB502
RPMSG_GET_OUTGOING_FLOWCONTROL = 0x8004B505
RPMSG_SET_INCOMING_FLOWCONTROL = 0x8004B506


class Eptdev:
    """``struct rpmsg_eptdev`` without its device: what came in, for one open file at a time.

    With a *default_ept*, that endpoint is used, and messages that arrive while the file is
    closed wait for the next open. Otherwise each open makes an endpoint of its own, at
    ``chinfo.src``.
    """

    def __init__(
        self,
        rpdev: RpmsgDevice,
        chinfo: ChannelInfo,
        default_ept: RpmsgEndpoint | None = None,
    ) -> None:
        self.rpdev = rpdev
        self.chinfo = chinfo
        self.default_ept = default_ept
        #: The endpoint while the file is open, and only until it is destroyed.
        self.ept: RpmsgEndpoint | None = None
        self.queue: deque[bytes] = deque()
        self.readq = WaitQueue()
        self._lock = new_lock(LockClass.EPTDEV)
        self._open = self._destroyed = False

    def ept_cb(self, rpdev: RpmsgDevice, data: bytes, priv: Any, src: int) -> None:
        """rpmsg_ept_cb(): keep the message, wake the reader."""
        del rpdev, priv, src
        self.queue.append(data)
        self.readq.wake_up()

    def open(self, dev: Device, chinfo: ChannelInfo | None = None) -> None:
        """rpmsg_eptdev_open(): EBUSY when open, EINVAL without an address, ENXIO when gone.

        Errors are logged in the name of *dev*. *chinfo* replaces the addresses that it was made
        with.
        """
        with self._lock:
            if self._destroyed:
                raise error(errno.ENXIO)
            if self._open:
                raise error(errno.EBUSY)
            self.chinfo = chinfo or self.chinfo
            try:
                self.ept = self.default_ept or self.rpdev.create_ept(
                    self.ept_cb, None, self.chinfo, atomic=True
                )
            except OSError as failure:
                dev.err(f"failed to open {self.chinfo.name}")
                raise error(errno.EINVAL) from failure
            self._open = True

    def release(self) -> None:
        """rpmsg_eptdev_release(): what was not read is lost."""
        with self._lock:
            self._drop_ept()
            self.queue.clear()
            self._open = False

    def destroy(self) -> bool:
        """rpmsg_chrdev_eptdev_destroy(): EPIPE from here on; False when that was done before."""
        with self._lock:
            if self._destroyed:
                return False
            self._destroyed = True
            sendq = self.ept.sendq if self.ept is not None else None
            self._drop_ept()
        self.readq.wake_up()
        if sendq is not None:
            sendq.wake_up()
        return True

    def _drop_ept(self) -> None:
        ept, self.ept = self.ept, None
        if ept is not None and self.default_ept is None:
            ept.destroy_ept()


class EptdevHandle(Handle):
    """An open endpoint."""

    __slots__ = ("_released", "eptdev")

    stream = True

    def __init__(self, eptdev: Eptdev) -> None:
        """*eptdev* has been opened; it is released with the handle."""
        self.eptdev = eptdev
        self._released = False

    @property
    def wait_queue(self) -> WaitQueue:
        """Woken by messages and by the end."""
        return self.eptdev.readq

    def _ept(self) -> RpmsgEndpoint:
        ept = self.eptdev.ept
        if ept is None:
            raise error(errno.EPIPE)
        return ept

    def read(self, size: int, offset: int) -> bytes:
        """rpmsg_eptdev_read_iter(): one message; what does not fit is lost. EPIPE."""
        self._ept()
        try:
            return self.eptdev.queue.popleft()[:size]
        except IndexError:
            raise WouldBlock(self.eptdev.readq) from None

    def write(self, data: bytes, offset: int) -> int:
        """rpmsg_eptdev_write_iter(): one message. EINVAL, EMSGSIZE, EPIPE; ERESTARTSYS."""
        ept = self._ept()
        try:
            ept.trysendto(data, self.eptdev.chinfo.dst)
        except OSError as failure:
            if failure.errno != errno.ENOMEM:
                raise
            raise WouldBlock(ept.sendq, SEND_TIMEOUT, ept.send_timeout) from None
        return len(data)

    def poll(self) -> int:
        """rpmsg_eptdev_poll(): POLLOUT if the link says so; POLLERR once the endpoint is gone."""
        ept = self.eptdev.ept
        if ept is None:
            return select.POLLERR
        mask = select.POLLIN | select.POLLRDNORM if self.eptdev.queue else 0
        return mask | ept.poll(self.eptdev.readq.wake_up)

    def ioctl(self, cmd: int, arg: int, data: bytes) -> bytes:
        """rpmsg_eptdev_ioctl(): flow control, if the kernel has it; else EINVAL."""
        if cmd == RPMSG_DESTROY_EPT_IOCTL:
            return self.destroy_ept()
        if not self.eptdev.rpdev.model.version.has(FLOW_CONTROL):
            raise error(errno.EINVAL)
        if cmd == RPMSG_GET_OUTGOING_FLOWCONTROL:
            return bytes(4)
        if cmd == RPMSG_SET_INCOMING_FLOWCONTROL and arg <= 1:
            ept = self.eptdev.ept
            if ept is None:
                raise error(errno.EINVAL)
            ept.set_flow_control(pause=bool(arg), dst=self.eptdev.chinfo.dst)
            return b""
        raise error(errno.EINVAL)

    def destroy_ept(self) -> bytes:
        """RPMSG_DESTROY_EPT_IOCTL: EINVAL for what no ioctl made."""
        raise error(errno.EINVAL)

    def fsync(self) -> None:
        """EINVAL: there is nothing to sync."""
        raise error(errno.EINVAL)

    def release(self) -> None:
        """Free the file for the next opener."""
        if not self._released:
            self._released = True
            self.eptdev.release()

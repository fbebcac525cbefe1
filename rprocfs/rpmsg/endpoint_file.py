"""``endpoint``: a file in the directory of each channel to talk to it -- not in the kernel.

One write is one message, one read is one message, with the waiting, the poll mask and
the errors of ``dev/rpmsgN``::

    $ exec 3<>endpoint; echo hello >&3; head -n 1 <&3

- A channel bound to ``rpmsg_chrdev``: the file is its node under another name. One of
  the two can be open at a time (EBUSY); what arrives meanwhile is kept.
- A channel without a driver: an endpoint of the file's own, while it is open. Its
  local address is the channel's if that has one, else the lowest free one. What
  arrives while the file is closed has no recipient.
- A channel bound to any other driver: EBUSY.

Once the channel is gone, open files answer EPIPE, and a new open ENXIO.
"""

from __future__ import annotations

import errno

from rprocfs.fs.kernfs import File, Handle, error
from rprocfs.locking import LockClass, new_lock
from rprocfs.rpmsg.char import RpmsgEptdev
from rprocfs.rpmsg.core import ChannelInfo, RpmsgDevice
from rprocfs.rpmsg.eptdev import Eptdev, EptdevHandle


class EndpointFile(File):
    """The file of one channel."""

    __slots__ = ("_lock", "_own", "_rpdev")

    def __init__(self, rpdev: RpmsgDevice) -> None:
        super().__init__(0o600)
        self._rpdev: RpmsgDevice | None = rpdev
        self._own: Eptdev | None = None
        self._lock = new_lock(LockClass.ENDPOINT_FILE)
        rpdev.removal.callback(self._remove)

    def open(self, flags: int) -> Handle:
        """ENXIO if the channel is gone, EBUSY if it is in use, EINVAL without an address."""
        rpdev = self._rpdev
        if rpdev is None or not self.alive:
            raise error(errno.ENXIO)
        if rpdev.driver is None:
            return self._open_own(rpdev)
        eptdev = rpdev.driver_data
        if isinstance(eptdev, RpmsgEptdev):
            return eptdev.open(flags)
        raise error(errno.EBUSY)

    def drain(self) -> None:
        """Forget the channel."""
        self._rpdev = self._own = None

    def _open_own(self, rpdev: RpmsgDevice) -> Handle:
        with self._lock:
            if self._rpdev is None:
                raise error(errno.ENXIO)
            own = self._own
            if own is None:
                own = self._own = Eptdev(rpdev, ChannelInfo(rpdev.id))
        own.open(rpdev, ChannelInfo(rpdev.id, rpdev.src, rpdev.dst))
        return EptdevHandle(own)

    def _remove(self) -> None:
        with self._lock:
            own, self._own, self._rpdev = self._own, None, None
        if own is not None:
            own.destroy()

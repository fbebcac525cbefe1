"""mount(2) of a debugfs or a configfs where the board's is already: that stays.

A script that begins with ``mount -t debugfs none /sys/kernel/debug`` would otherwise cover
what it wants to see with that of this machine.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping

from rprocfs.fs.kernfs import error
from rprocfs_fuse.linux import MS_BIND, MS_PRIVATE, MS_REMOUNT
from rprocfs_fuse.run import paths
from rprocfs_fuse.run.credentials import capabilities
from rprocfs_fuse.run.seccomp import Call, Continue, Handler

#: Where the tree has the filesystem of a type.
PLACES = {b"debugfs": "/sys/kernel/debug", b"configfs": "/sys/kernel/config"}
_MS_MOVE, _MS_UNBINDABLE, _MS_SLAVE, _MS_SHARED = 1 << 13, 1 << 17, 1 << 19, 1 << 20
#: With these, no filesystem is mounted.
_CHANGES = MS_REMOUNT | MS_BIND | MS_PRIVATE | _MS_MOVE | _MS_UNBINDABLE | _MS_SLAVE | _MS_SHARED
_CAP_SYS_ADMIN = 1 << 21


class MountCalls:
    """*device* is the ``st_dev`` of our mount."""

    def __init__(self, device: int) -> None:
        self._device = device

    def handlers(self) -> Mapping[str, Handler]:
        """By the name of the call."""
        return {"mount": self._mount, "fsopen": self._fsopen}

    def _mount(self, call: Call) -> int:
        place = PLACES.get(paths.string(call, call.args[2])) if call.args[2] else None
        if place is None or call.args[3] & _CHANGES:
            raise Continue
        fd = paths.open_path(call, paths.AT_FDCWD, paths.string(call, call.args[1]))
        try:
            if os.fstat(fd).st_dev != self._device or paths.place_in_tree(call, fd) != place:
                raise Continue
        finally:
            os.close(fd)
        if not capabilities(call) & _CAP_SYS_ADMIN:
            raise error(errno.EPERM)
        return 0

    def _fsopen(self, call: Call) -> int:
        """ENOSYS, as before Linux 5.2: mount(8) then calls mount(2)."""
        if paths.string(call, call.args[0]) in PLACES:
            raise error(errno.ENOSYS)
        raise Continue

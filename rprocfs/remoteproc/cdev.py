"""``/dev/remoteprocN`` -- remoteproc_cdev.c, include/uapi/linux/remoteproc_cdev.h."""

from __future__ import annotations

import errno

from rprocfs.fs.kernfs import Handle, error
from rprocfs.lib.string import strncmp_prefix
from rprocfs.remoteproc.core import rproc_boot, rproc_detach, rproc_shutdown
from rprocfs.remoteproc.rproc import Rproc, rproc_put
from rprocfs.remoteproc.state import State

RPROC_SET_SHUTDOWN_ON_RELEASE = 0x4004B701
RPROC_GET_SHUTDOWN_ON_RELEASE = 0x8004B702

#: ``char cmd[10]``.
CMD_SIZE = 10


def rproc_cdev_open(rproc: Rproc) -> RprocCdev:
    """rproc_cdev_open(): the number of the processor is not reused until the file is closed.

    ENXIO if it is released meanwhile: chrdev_open(), cdev_get() of fs/char_dev.c.
    """
    if not rproc.kref.get_unless_zero():
        raise error(errno.ENXIO)
    return RprocCdev(rproc)


class RprocCdev(Handle):
    """An open ``/dev/remoteprocN``: commands by write, shutdown on release by ioctl."""

    __slots__ = ("rproc",)

    stream = True
    sleeps = True

    def __init__(self, rproc: Rproc) -> None:
        self.rproc = rproc

    def write(self, data: bytes, offset: int) -> int:
        """``start``, ``stop`` or ``detach``, or a prefix of one, without a newline; else EINVAL."""
        del offset
        if not 1 <= len(data) <= CMD_SIZE:
            raise error(errno.EINVAL)
        commands = {"start": rproc_boot, "stop": rproc_shutdown, "detach": rproc_detach}
        for word, run in commands.items():
            if strncmp_prefix(data, word):
                run(self.rproc)
                return len(data)
        self.rproc.err("Unrecognized option")
        raise error(errno.EINVAL)

    def ioctl(self, cmd: int, arg: int, data: bytes) -> bytes:
        """Get or set "shut down on release", an int kept per processor, not per file. EINVAL."""
        del arg
        if cmd == RPROC_SET_SHUTDOWN_ON_RELEASE:
            self.rproc.cdev_put_on_release = any(data)
            return b""
        if cmd == RPROC_GET_SHUTDOWN_ON_RELEASE:
            return int(self.rproc.cdev_put_on_release).to_bytes(4, "little")
        self.rproc.err("Unsupported ioctl")
        raise error(errno.EINVAL)

    def fsync(self) -> None:
        """EINVAL: there is no fsync."""
        raise error(errno.EINVAL)

    def release(self) -> None:
        """rproc_cdev_release()."""
        rproc = self.rproc
        try:
            if rproc.cdev_put_on_release and rproc.state is State.RUNNING:
                rproc_shutdown(rproc)
            elif rproc.cdev_put_on_release and rproc.state is State.ATTACHED:
                rproc_detach(rproc)
        except OSError:
            pass  # already logged; close(2) has no way to report it
        finally:
            rproc_put(rproc)

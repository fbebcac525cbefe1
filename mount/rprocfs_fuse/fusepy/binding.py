"""fusepy with the missing callback, safe exceptions, and the libfuse calls that we need."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rprocfs.errors import CommandError
from rprocfs_fuse.linux import MNT_DETACH, MNT_FORCE, umount
from rprocfs_fuse.mountpoint import detach, find_mount
from rprocfs_fuse.operations import failure

try:
    import fuse
except ImportError as problem:
    raise CommandError("transport=fusepy: install the Python package fusepy") from problem
except OSError as problem:
    raise CommandError(
        "transport=fusepy: libfuse 2 was not found: install the package libfuse2"
    ) from problem

libfuse = fuse._libfuse

_POLL = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.POINTER(fuse.fuse_file_info),
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_uint),
)


class _Operations(ctypes.Structure):
    """``struct fuse_operations`` with the ``poll`` that follows ``ioctl``."""

    _fields_ = [*fuse.fuse_operations._fields_, ("poll", _POLL)]


fuse.fuse_operations = _Operations
libfuse.fuse_notify_poll.argtypes = [ctypes.c_void_p]
libfuse.fuse_pollhandle_destroy.argtypes = [ctypes.c_void_p]


class FUSE(fuse.FUSE):  # type: ignore[misc]
    """``fuse.FUSE`` with ``poll``; an exception in a callback never reaches libfuse."""

    @staticmethod
    def _wrapper(callback: Callable[..., Any], *args: Any) -> int:
        try:
            return callback(*args) or 0
        except UnicodeError:
            return -errno.ENOENT
        except BaseException as problem:
            return -failure(problem)
        finally:
            forget_thread()

    def poll(self, path: bytes | None, fip: Any, handle: int | None, revents: Any) -> int:
        """Hand the poll handle on; it is the operations' to destroy."""
        del path
        revents.contents.value = self.operations("poll", fip.contents, handle)
        return 0

    def ioctl(self, path: bytes, cmd: int, arg: int, fip: Any, flags: int, data: int) -> int:
        """ioctl(2): *data* is the kernel's copy, in and out."""
        name = path.decode(self.encoding)
        self.operations("ioctl", name, cmd & 0xFFFFFFFF, arg, fip.contents, flags, data)
        return 0


def forget_thread() -> None:
    """Drop the object that ``threading`` made for the running thread, if it is one of libfuse's.

    logging and ``Thread.join`` ask for it. Before Python 3.13 it outlives the thread, and libfuse
    starts and ends threads all the time.
    """
    ident = threading.get_ident()
    if isinstance(threading._active.get(ident), threading._DummyThread):  # type: ignore[attr-defined]
        threading._active.pop(ident, None)  # type: ignore[attr-defined]


def caller() -> tuple[int, int, int]:
    """(uid, gid, pid) of the caller of the request that this thread serves."""
    uid, gid, pid = fuse.fuse_get_context()
    return uid, gid, pid


def interrupted() -> bool:
    """Whether a signal came for the caller of the request that this thread serves."""
    return bool(libfuse.fuse_interrupted())


def abort(device: str, mountpoint: str) -> None:
    """Take the filesystem off *mountpoint* and end its connection, even if it is in use.

    libfuse's threads see the end only when the last user is gone, unless root forces it
    or the control filesystem is there.
    """
    entry = find_mount(mountpoint)
    if entry is None or entry.device != device:
        return
    control = Path("/sys/fs/fuse/connections") / device.partition(":")[2] / "abort"
    if os.geteuid() == 0:
        with suppress(OSError):
            umount(mountpoint, MNT_FORCE | MNT_DETACH)
            return
    detach(device, mountpoint)
    if control.exists():
        control.write_text("1", "ascii")


def ignore_sigpipe() -> None:
    """As Python does: libfuse takes what is ignored for its own doing, and lets go of it."""
    if signal.getsignal(signal.SIGPIPE) is not signal.SIG_IGN:
        return
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    libc.signal(signal.SIGPIPE, ctypes.c_void_p(int(signal.SIG_IGN)))

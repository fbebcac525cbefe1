"""One look at a stat(2), which nearly always is of nothing of ours: it has to be quick.

Every stat(2) of the command waits for it if the daemon cannot show devices itself
(:mod:`callers`), or if a name may be in ``/proc/device-tree``. What could be a device
of ours is looked at again, with care (:mod:`stat_calls`); a look that was deceived, since the
caller is gone or changes the path meanwhile, costs nothing but that, as the kernel then carries
the call out itself.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Mapping, Sequence

from rprocfs_fuse.linux import process_vm_readv

#: What may be a device of ours, wherever it is said to be: a link may lead there.
NAME = re.compile(
    rb"(?:^|/)(?:rpmsg|rpmsg_ctrl|ttyRPMSG|remoteproc|hvc|vport\w*)\d+$|(?:^|/)(?:kmsg|hwrng)$"
)
DEV = b"/dev/"
#: Behind the path of the root directory, if that was changed by chroot(2).
IN_DEV = re.compile(rb"/dev(/|$)")

#: In the path of ``/proc/device-tree``, see :mod:`proc_calls`.
_DEVICE_TREE = b"device-tree"
#: Calls that are ours for the sake of that only, and which argument is the path.
_FOR_DEVICE_TREE = {
    "open": 0, "openat": 1, "access": 0, "faccessat": 1, "faccessat2": 1, "readlink": 0,
    "readlinkat": 1, "chdir": 0, "getxattr": 0, "lgetxattr": 0,
    "listxattr": 0, "llistxattr": 0,
}  # fmt: skip

#: stat(2) of a name, and which argument that is.
_STAT_OF_NAME = {"stat": 0, "lstat": 0, "newfstatat": 1}
#: With this the kernel says of an open file what it knows, and asks no daemon.
AT_STATX_DONT_SYNC = 0x4000

#: Longer paths, and those that go on in the next page, are looked at again.
_LONGEST = 512
_PAGE = 4096
_AT_FDCWD_WORD = -100 & 0xFFFFFFFF

#: Says, of a task and the arguments of its call, that it is about nothing of ours.
Glance = Callable[[int, Sequence[int]], bool]


class Reader:
    """Reads paths of other processes; for one thread."""

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(_LONGEST)
        self._here = (ctypes.c_size_t * 2)(ctypes.addressof(self._buffer), 0)
        self._there = (ctypes.c_size_t * 2)()
        self._from = ctypes.addressof(self._there)
        self._to = ctypes.addressof(self._here)

    def path(self, task: int, address: int) -> bytes | None:
        """The string at *address* without its NUL; None if that takes a second look."""
        size = min(_LONGEST, _PAGE - address % _PAGE)
        self._here[1] = self._there[1] = size
        self._there[0] = address
        if process_vm_readv(task, self._to, 1, self._from, 1, 0) != size:
            return None
        text = self._buffer.value
        return text if len(text) < size else None

    def elsewhere(self, task: int, address: int) -> bool:
        """Whether a path cannot be in ``/proc/device-tree``."""
        path = self.path(task, address)
        return path is not None and _DEVICE_TREE not in path

    def foreign(self, task: int, directory: int, address: int) -> bool:
        """Whether a path, seen from the descriptor *directory*, is of nothing of ours."""
        path = self.path(task, address) if address else b""
        if path is None or (path and (NAME.search(path) or _DEVICE_TREE in path)):
            return False
        if path[:1] == b"/":
            return not path.startswith(DEV)
        return outside(task, directory)


def outside(task: int, directory: int) -> bool:
    """Whether an open file, or the working directory, is not in a ``/dev``."""
    directory &= 0xFFFFFFFF
    what = b"cwd" if directory == _AT_FDCWD_WORD else b"fd/%d" % directory
    try:
        return IN_DEV.search(os.readlink(b"/proc/%d/%s" % (task, what))) is None
    except OSError:
        return False


def _statx(reader: Reader, task: int, args: Sequence[int]) -> bool:
    """A name, or an open device that the daemon is not asked for."""
    return not args[2] & AT_STATX_DONT_SYNC and reader.elsewhere(task, args[1])


def glances(*, traced: bool = False) -> Mapping[str, Glance]:
    """By the name of the call; for one thread. *traced*: devices are the daemon's to show."""
    reader = Reader()
    foreign, elsewhere, here = reader.foreign, reader.elsewhere, _AT_FDCWD_WORD

    def look(at: int) -> Glance:
        return lambda task, args: elsewhere(task, args[at])

    for_device_tree = {name: look(at) for name, at in _FOR_DEVICE_TREE.items()}
    if traced:
        of_name = {name: look(at) for name, at in _STAT_OF_NAME.items()}
        return for_device_tree | of_name | {"statx": lambda task, args: _statx(reader, task, args)}
    return {
        **for_device_tree,
        "stat": lambda task, args: foreign(task, here, args[0]),
        "lstat": lambda task, args: foreign(task, here, args[0]),
        "fstat": lambda task, args: foreign(task, args[0], 0),
        "newfstatat": lambda task, args: foreign(task, args[0], args[1]),
        "statx": lambda task, args: foreign(task, args[0], args[1]),
    }

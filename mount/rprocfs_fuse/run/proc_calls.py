"""``/proc/device-tree``, where the machine has none: a link to the tree of the board.

Nothing can be mounted at a name that procfs lacks. The calls that name a file are answered
as for :data:`~rprocfs_fuse.run.paths.DEVICE_TREE`, a link that is not listed, below which
the same files are. Only commands on a board with a devicetree are filtered for that.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping

from rprocfs.fs.kernfs import error
from rprocfs_fuse.run import paths
from rprocfs_fuse.run.seccomp import Call, Continue, Handler

#: What of the flags of open(2) has a meaning for a file of this tree.
_OPEN_FLAGS = os.O_ACCMODE | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_PATH | os.O_NONBLOCK


def _open(call: Call, path: bytes, flags: int) -> int:
    fd = paths.open_in_root(call, path, flags & _OPEN_FLAGS | os.O_CLOEXEC)
    try:
        return call.give(fd, cloexec=bool(flags & os.O_CLOEXEC))
    finally:
        os.close(fd)


def _access(call: Call, path: bytes, mode: int) -> int:
    os.close(paths.open_in_root(call, path, os.O_PATH | os.O_CLOEXEC))
    if mode & os.W_OK:
        raise error(errno.EACCES)
    return 0


def _readlink(call: Call, path: bytes, buffer: int, size: int) -> int:
    fd = paths.open_in_root(call, path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISLNK(os.fstat(fd).st_mode):
            raise error(errno.EINVAL)
        text = os.readlink(b"", dir_fd=fd)[:size]
    finally:
        os.close(fd)
    call.write(buffer, text)
    return len(text)


def _no_attribute(call: Call, path: bytes) -> int:
    os.close(paths.open_in_root(call, path, os.O_PATH | os.O_CLOEXEC))
    raise error(errno.EOPNOTSUPP)


def _chdir(call: Call, path: bytes) -> int:
    """Only the kernel can do this, by another name that is as long."""
    os.close(paths.open_in_root(call, path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    said = paths.string(call, call.args[0])
    at = said.find(paths.PROC_DEVICE_TREE)
    if at < 0:
        raise Continue
    name = paths.DEVICE_TREE.ljust(len(paths.PROC_DEVICE_TREE), b"/")
    call.write(call.args[0] + at, name)
    raise Continue


def _at(directory: int | None, path: int, answer: Callable[[Call, bytes], int]) -> Handler:
    """*answer* if the argument *path*, seen from *directory*, is in the tree; else Continue."""

    def handler(call: Call) -> int:
        fd = paths.AT_FDCWD if directory is None else paths.number(call.args[directory])
        found = paths.in_device_tree(call, fd, paths.string(call, call.args[path]))
        if found is None:
            raise Continue
        return answer(call, found)

    return handler


HANDLERS: Mapping[str, Handler] = {
    "open": _at(None, 0, lambda call, path: _open(call, path, call.args[1])),
    "openat": _at(0, 1, lambda call, path: _open(call, path, call.args[2])),
    "access": _at(None, 0, lambda call, path: _access(call, path, call.args[1])),
    "faccessat": _at(0, 1, lambda call, path: _access(call, path, call.args[2])),
    "faccessat2": _at(0, 1, lambda call, path: _access(call, path, call.args[2])),
    "readlink": _at(None, 0, lambda call, path: _readlink(call, path, *call.args[1:3])),
    "readlinkat": _at(0, 1, lambda call, path: _readlink(call, path, *call.args[2:4])),
    "chdir": _at(None, 0, _chdir),
    "getxattr": _at(None, 0, _no_attribute),
    "lgetxattr": _at(None, 0, _no_attribute),
    "listxattr": _at(None, 0, _no_attribute),
    "llistxattr": _at(None, 0, _no_attribute),
}

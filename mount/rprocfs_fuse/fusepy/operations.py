"""fusepy's callbacks: each looks up a path and calls the common operations."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

from rprocfs.fs.kernfs import Dir, Handle, Node, error
from rprocfs_fuse.fusepy import binding
from rprocfs_fuse.fusepy.files import OpenFiles
from rprocfs_fuse.fusepy.waiting import Waiting
from rprocfs_fuse.operations import IOC_DAEMON, Operations, ioctl
from rprocfs_fuse.permission import Caller
from rprocfs_fuse.protocol.wire import IOCTL_DIR


def _text(path: str) -> str:
    """A name as the tree has it; fusepy is told that names are Latin-1, so none fails."""
    return path.encode("latin-1").decode("utf-8", "surrogateescape")


class PathOperations:
    """What fusepy calls, by name: every attribute named like an operation is one."""

    use_ns = True
    # Their defaults would cost a round trip each.
    getxattr = None
    listxattr = None

    def __init__(self, operations: Operations) -> None:
        self.ready = threading.Event()
        self._ops = operations
        self._files = OpenFiles()
        self._waiting = Waiting()

    def __call__(self, name: str, *args: Any) -> Any:
        """What fusepy does for every callback."""
        return getattr(self, name)(*args)

    # Not named like any operation: called by the transport.

    def stop_waiting(self, timeout: float) -> None:
        """Answer all waiting requests with ENOTCONN."""
        self._waiting.stop(timeout)

    def close(self, timeout: float) -> None:
        """Close all files and end the threads."""
        self._files.close()
        self._waiting.close(timeout)

    # Operations.

    def init(self, _path: str) -> None:
        """The connection to the kernel is made."""
        self.ready.set()

    def getattr(self, path: str, fi: Any = None) -> dict[str, int]:
        """stat(2) and fstat(2)."""
        node = self._files.node(fi.fh) if fi else self._walk(path)
        return {
            "st_ino": node.ino,
            "st_mode": node.st_mode,
            "st_nlink": node.nlink if node.alive else 0,
            "st_uid": node.uid,
            "st_gid": node.gid,
            "st_size": node.size,
            "st_blksize": 4096,
            "st_atime": node.mtime_ns,
            "st_mtime": node.mtime_ns,
            "st_ctime": node.mtime_ns,
        }

    def readlink(self, path: str) -> str:
        """The text of a link."""
        text = self._ops.readlink(self._walk(path))
        return text.encode("utf-8", "surrogateescape").decode("latin-1")

    def access(self, path: str, mask: int) -> None:
        """access(2) and chdir(2)."""
        self._ops.access(self._walk(path), mask, self._caller())

    def opendir(self, path: str) -> int:
        """Check that the directory may be read."""
        self._ops.opendir(self._walk(path), self._caller())
        return 0

    def readdir(self, path: str, _number: int) -> Iterator[tuple[str, dict[str, int], int]]:
        """The entries with their types."""
        node = self._walk(path)
        assert isinstance(node, Dir)
        for ino, name, kind in self._ops.readdir(node):
            yield name.decode("latin-1"), {"st_ino": ino, "st_mode": kind << 12}, 0

    def fsyncdir(self, _path: str, _datasync: int, _number: int) -> None:
        """EINVAL, as in a directory of the kernel's."""
        raise error(errno.EINVAL)

    def statfs(self, _path: str) -> dict[str, int]:
        """statfs(2): no blocks, as in sysfs."""
        return {"f_bsize": 4096, "f_frsize": 4096, "f_namemax": 255}

    def open(self, path: str, fi: Any) -> None:
        """open(2)."""
        node, caller = self._walk(path), self._caller()
        opened = partial(self._ops.open, node, fi.flags, caller)
        _answer(fi, *self._files.open(node, opened))

    def create(self, path: str, mode: int, fi: Any) -> None:
        """open(2) with O_CREAT of a name that was not there."""
        parent, name = self._parent(path)
        node, handle = self._ops.create(parent, name, mode, fi.flags, self._caller())
        _answer(fi, self._files.add(node, handle), handle)

    def mkdir(self, path: str, mode: int) -> None:
        """mkdir(2)."""
        parent, name = self._parent(path)
        self._ops.mkdir(parent, name, mode, self._caller())

    def rmdir(self, path: str) -> None:
        """rmdir(2)."""
        parent, name = self._parent(path)
        self._ops.rmdir(parent, name, self._caller())

    def unlink(self, path: str) -> None:
        """unlink(2)."""
        parent, name = self._parent(path)
        self._ops.unlink(parent, name, self._caller())

    def symlink(self, path: str, target: str) -> None:
        """symlink(2)."""
        parent, name = self._parent(path)
        self._ops.symlink(parent, name, _text(target), self._caller())

    def mknod(self, path: str, mode: int, dev: int) -> None:
        """mknod(2): EPERM for a device, since libfuse wants to see one afterwards."""
        parent, name = self._parent(path)
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise error(errno.EPERM)
        self._ops.mknod(parent, name, mode, (os.major(dev), os.minor(dev)), self._caller())

    def rename(self, old: str, new: str) -> None:
        """rename(2)."""
        directory, where = self._parent(old), self._parent(new)
        self._ops.rename(*directory, *where, 0, self._caller())

    def link(self, path: str, _source: str) -> None:
        """link(2)."""
        self._ops.refuse(self._parent(path)[0], self._caller())

    def chmod(self, path: str, mode: int) -> None:
        """chmod(2)."""
        self._ops.chmod(self._walk(path), mode, self._caller())

    def chown(self, path: str, uid: int, gid: int) -> None:
        """chown(2)."""
        new_uid, new_gid = (None if number == -1 else number for number in (uid, gid))
        self._ops.chown(self._walk(path), new_uid, new_gid, self._caller())

    def truncate(self, path: str, length: int, fi: Any = None) -> None:
        """truncate(2) and ftruncate(2)."""
        if fi is None:
            self._ops.truncate(self._walk(path), self._caller(), size=length)

    def utimens(self, path: str, times: tuple[int, int] | None) -> None:
        """utimensat(2)."""
        self._ops.utimens(self._walk(path), times[1] if times else None, self._caller())

    def read(self, _path: str, size: int, offset: int, fi: Any) -> bytes:
        """read(2)."""
        handle = self._files.handle(fi.fh)
        data: bytes | int = self._waiting.wait(partial(handle.read, size, offset), fi.flags)
        return data if isinstance(data, bytes) else b""

    def write(self, _path: str, data: bytes, offset: int, fi: Any) -> int:
        """write(2)."""
        handle = self._files.handle(fi.fh)
        size: int = self._waiting.perform(handle, partial(handle.write, data, offset), fi.flags)
        return size

    def ioctl(self, path: str, cmd: int, arg: int, fi: Any, flags: int, data: int) -> None:
        """ioctl(2)."""
        size = cmd >> 16 & 0x3FFF
        if flags & IOCTL_DIR:
            answer = self._ops.ioctl_dir(self._walk(path), cmd)
        elif cmd == IOC_DAEMON:  # libfuse 2 lets no ioctl of a directory through
            answer = self._ops.ioctl_dir(self._ops.tree.root, cmd)
        else:
            given = ctypes.string_at(data, size) if data and cmd >> 30 & 1 else b""
            handle = self._files.handle(fi.fh)
            run = partial(ioctl, handle, cmd, arg or 0, given)
            answer = self._waiting.perform(handle, run, 0)
        if data and cmd >> 31:
            ctypes.memmove(data, answer, min(len(answer), size))

    def poll(self, fi: Any, poll_handle: int | None) -> int:
        """poll(2): listen first, then look."""
        handle = self._files.handle(fi.fh)
        if poll_handle:
            self._files.listen(fi.fh, poll_handle)
        return handle.poll()

    def fsync(self, _path: str, _datasync: int, fi: Any) -> None:
        """fsync(2)."""
        self._files.handle(fi.fh).fsync()

    def flush(self, _path: str, fi: Any) -> None:
        """A descriptor of an open file is being closed."""
        self._files.flush(fi.fh)

    def release(self, _path: str, fi: Any) -> None:
        """The last one was."""
        self._files.release(fi.fh)

    def _caller(self) -> Caller | None:
        return self._ops.caller(*binding.caller())

    def _walk(self, path: str) -> Node:
        self._files.settle()
        caller = self._caller()
        node: Node = self._ops.tree.root
        for name in _text(path).split("/"):
            if name:
                node = self._ops.lookup(node, name, caller)
        return node

    def _parent(self, path: str) -> tuple[Node, str]:
        above, _, name = path.rpartition("/")
        return self._walk(above), _text(name)


def _answer(fi: Any, number: int, handle: Handle) -> None:
    fi.fh = number
    fi.direct_io = 1
    fi.nonseekable = handle.stream

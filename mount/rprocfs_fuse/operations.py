"""The requests of a filesystem: each is a lookup and one call of a node or a handle.

Both transports call these methods, and so do tests without a transport. Read, write, poll
and ioctl are methods of the handle. Every failure is an exception; only :func:`failure` turns
one into a reply.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import struct
import time
from collections.abc import Iterable
from typing import Any, TypeVar

from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import Dir, File, Handle, Link, Node, Tree, error
from rprocfs.fs.wait import WouldBlock
from rprocfs_fuse.permission import EXECUTE, READ, WRITE, Caller, check, check_owner

NodeT = TypeVar("NodeT", bound=Node)

logger = logging.getLogger(__name__)

#: FUSE replies carry errnos below this one.
ERRNO_LIMIT = 512
#: ioctl(2) on the root directory (with fusepy, on any file): the number of the daemon's process,
#: ``_IOR('r', 0x50, int)``.
IOC_DAEMON = 0x80047250

#: ioctl(2) on a file: write(2) and read(2) of nothing, which the kernel keeps to itself.
#: ``_IO('r', 0x51)`` and ``_IO('r', 0x52)``.
IOC_EMPTY_WRITE = 0x7251
IOC_EMPTY_READ = 0x7252
#: ioctl(2) on a file: an ioctl(2) that opens a file. Takes its number and its argument, gives
#: the number of the file among the anonymous ones. ``_IOWR('r', 0x53, char[56])``.
IOC_OPENS = 0xC0387253
OPENS = struct.Struct("=Q48s")
_IOC_TYPE = 0x72
_TTY_TYPE = 0x54

_ACCESS = {os.O_RDONLY: READ, os.O_WRONLY: WRITE, os.O_RDWR: READ | WRITE}


def failure(problem: BaseException) -> int:
    """The errno that answers a request which ended in *problem*.

    An OSError answers with its errno. Anything else is a bug: it is logged with its
    traceback and answered EIO. The kernel takes no errno above 511, so ERESTARTSYS,
    which rpmsg lets escape when a send takes too long, is ETIMEDOUT here.
    """
    if isinstance(problem, OSError) and problem.errno:
        code = problem.errno
        return code if 0 < code < ERRNO_LIMIT else errno.ETIMEDOUT
    logger.error("a request failed", exc_info=problem)
    return errno.EIO


def ioctl_number(command: int, takes: int, gives: int) -> int:
    """A number for a terminal's *command* that says how many bytes its argument has."""
    direction = (1 if takes else 0) | (2 if gives else 0)
    return direction << 30 | (takes or gives) << 16 | _IOC_TYPE << 8 | command & 0xFF


def ioctl(handle: Handle, cmd: int, arg: int, data: bytes) -> bytes:
    """ioctl(2) on an open file, and what ``rprocfs run`` makes of other calls (:mod:`calls`)."""
    if cmd in (IOC_EMPTY_WRITE, IOC_EMPTY_READ):
        try:
            handle.write(b"", 0) if cmd == IOC_EMPTY_WRITE else handle.read(0, 0)
        except WouldBlock as wait:
            raise error(errno.EAGAIN) from wait
        return b""
    if cmd == IOC_OPENS:
        inner, argument = OPENS.unpack(data.ljust(OPENS.size, b"\0"))
        return OPENS.pack(handle.ioctl_opens(inner, argument), argument)
    if cmd >> 8 & 0xFF == _IOC_TYPE:
        cmd = _TTY_TYPE << 8 | cmd & 0xFF
    return handle.ioctl(cmd, arg, data)


class Operations:
    """The filesystem of one tree.

    *privileged*: the user IDs that may do everything: those of root and of the user that
    mounted. *daemon*: the process that ``rprocfs umount`` waits for. *special*: device
    nodes are listed as such.
    """

    def __init__(
        self,
        tree: Tree,
        privileged: Iterable[int] = (0,),
        daemon: int = 0,
        *,
        special: bool = False,
    ) -> None:
        self.tree = tree
        self.privileged = frozenset(privileged)
        self.daemon = daemon
        self._special = special

    def caller(self, uid: int, gid: int, pid: int) -> Caller | None:
        """The caller, in the form that the methods below take."""
        return None if uid in self.privileged else Caller(uid, gid, pid)

    def lookup(self, parent: Node, name: str, caller: Caller | None) -> Node:
        """One component of a path: ENOENT, ENOTDIR, EACCES."""
        if not isinstance(parent, Dir):
            raise error(errno.ENOTDIR)
        if not parent.alive:
            raise error(errno.ENOENT)
        if caller is not None:
            check(parent, caller, EXECUTE)
        return parent.lookup(name)

    def open(self, node: Node, flags: int, caller: Caller | None) -> Handle:
        """open(2) of a node that exists; O_TRUNC takes the right to write, as in may_open()."""
        if not isinstance(node, File):
            raise error(errno.EISDIR if isinstance(node, Dir) else errno.ELOOP)
        if caller is not None:
            truncates = WRITE if flags & os.O_TRUNC else 0
            check(node, caller, _ACCESS.get(flags & os.O_ACCMODE, READ | WRITE) | truncates)
        return node.open(flags)

    def create(
        self, parent: Node, name: str, mode: int, flags: int, caller: Caller | None
    ) -> tuple[Node, Handle]:
        """open(2) with O_CREAT: of the new node, or of the one that came in between."""
        directory = self._writable(parent, caller)
        node = directory.children.get(name)
        if node is None:
            node = _owned(directory.create(name, stat.S_IMODE(mode)), caller)
            return node, self.open(node, flags, None)
        if flags & os.O_EXCL:
            raise error(errno.EEXIST)
        return node, self.open(node, flags, caller)

    def mkdir(self, parent: Node, name: str, mode: int, caller: Caller | None) -> Node:
        """mkdir(2): EEXIST, EACCES, and what the directory answers."""
        directory = self._writable(parent, caller)
        if name in directory.children:
            raise error(errno.EEXIST)
        return _owned(directory.mkdir(name, stat.S_IMODE(mode)), caller)

    def rmdir(self, parent: Node, name: str, caller: Caller | None) -> None:
        """rmdir(2): ENOENT, ENOTDIR, EACCES, and what the directory answers."""
        directory = self._writable(parent, caller)
        if not isinstance(directory.lookup(name), Dir):
            raise error(errno.ENOTDIR)
        directory.rmdir(name)

    def unlink(self, parent: Node, name: str, caller: Caller | None) -> None:
        """unlink(2): EPERM unless the directory has an ``unlink``."""
        directory = self._writable(parent, caller)
        if isinstance(directory.lookup(name), Dir):
            raise error(errno.EISDIR)
        _optional(directory, "unlink")(name)

    def symlink(self, parent: Node, name: str, target: str, caller: Caller | None) -> Node:
        """symlink(2): EPERM unless the directory has a ``symlink``."""
        directory = self._writable(parent, caller)
        if name in directory.children:
            raise error(errno.EEXIST)
        node: Node = _optional(directory, "symlink")(name, target)
        return _owned(node, caller)

    def mknod(
        self, parent: Node, name: str, mode: int, devt: tuple[int, int], caller: Caller | None
    ) -> Node:
        """mknod(2): EPERM unless the directory has a ``mknod``; of a file: as open(2), EACCES."""
        directory = self._writable(parent, caller)
        if name in directory.children:
            raise error(errno.EEXIST)
        if stat.S_ISREG(mode):
            return _owned(directory.create(name, stat.S_IMODE(mode)), caller)
        node: Node = _optional(directory, "mknod")(name, mode, devt)
        return _owned(node, caller)

    def rename(
        self,
        parent: Node,
        name: str,
        new_parent: Node,
        new_name: str,
        flags: int,
        caller: Caller | None,
    ) -> None:
        """rename(2): EPERM unless the directory has a ``rename``."""
        directory, where = self._writable(parent, caller), self._writable(new_parent, caller)
        _optional(directory, "rename")(name, where, new_name, flags)

    def refuse(self, parent: Node, caller: Caller | None) -> Node:
        """link(2): EPERM, or EACCES if that comes first."""
        self._writable(parent, caller)
        raise error(errno.EPERM)

    def readlink(self, node: Node) -> str:
        """readlink(2): EINVAL for what is no link."""
        if not isinstance(node, Link):
            raise error(errno.EINVAL)
        return node.readlink()

    def opendir(self, node: Node, caller: Caller | None) -> Dir:
        """Check that the directory may be read: ENOTDIR, EACCES."""
        if not isinstance(node, Dir):
            raise error(errno.ENOTDIR)
        check(node, caller, READ)
        return node

    def readdir(self, directory: Dir) -> list[tuple[int, bytes, int]]:
        """(inode number, name, d_type) of every entry; ENOENT for a directory that is gone."""
        if not directory.alive:
            raise error(errno.ENOENT)
        above = directory.parent or directory
        kind = stat.S_IFDIR >> 12
        found = [(directory.ino, b".", kind), (above.ino, b"..", kind)]
        found += [(n.ino, os.fsencode(n.name), self._type(n) >> 12) for n in directory.entries()]
        return found

    def _type(self, node: Node) -> int:
        """The type that a directory says its entry has."""
        if self._special and isinstance(node, DeviceNode):
            return node.special
        return node.kind

    def access(self, node: Node, mask: int, caller: Caller | None) -> None:
        """access(2) and chdir(2); for root, only X_OK of a node without any x bit fails."""
        if caller is not None:
            check(node, caller, mask & 7)
        elif mask & EXECUTE and not isinstance(node, Dir) and not node.mode & 0o111:
            raise error(errno.EACCES)

    def chmod(self, node: Node, mode: int, caller: Caller | None) -> None:
        """chmod(2): EPERM unless owner."""
        check_owner(node, caller)
        node.setattr(mode=stat.S_IMODE(mode))

    def chown(self, node: Node, uid: int | None, gid: int | None, caller: Caller | None) -> None:
        """chown(2): EPERM unless privileged; None leaves as it is."""
        if caller is not None:
            raise error(errno.EPERM)
        node.setattr(uid=uid, gid=gid)

    def truncate(
        self, node: Node, caller: Caller | None, *, size: int = 0, is_open: bool = False
    ) -> None:
        """truncate(2) and ftruncate(2): EACCES without write permission, else the node's answer."""
        if not is_open:
            check(node, caller, WRITE)
        if isinstance(node, File):
            node.truncate(size)

    def utimens(self, node: Node, mtime_ns: int | None, caller: Caller | None) -> None:
        """utimensat(2); None means now, which needs only the right to write."""
        if mtime_ns is not None or (caller is not None and caller.uid == node.uid):
            check_owner(node, caller)
        else:
            check(node, caller, WRITE)
        node.mtime_ns = time.time_ns() if mtime_ns is None else mtime_ns

    def ioctl_dir(self, node: Node, cmd: int) -> bytes:
        """ioctl(2) on a directory: the root tells :data:`IOC_DAEMON`; else ENOTTY."""
        if cmd == IOC_DAEMON and node is self.tree.root and self.daemon:
            return self.daemon.to_bytes(4, "little")
        raise error(errno.ENOTTY)

    def _writable(self, parent: Node, caller: Caller | None) -> Dir:
        if not isinstance(parent, Dir):
            raise error(errno.ENOTDIR)
        if not parent.alive:
            raise error(errno.ENOENT)
        check(parent, caller, WRITE | EXECUTE)
        return parent


def _owned(node: NodeT, caller: Caller | None) -> NodeT:
    """What an unprivileged caller makes is its own."""
    if caller is not None:
        node.setattr(uid=caller.uid, gid=caller.gid)
    return node


def _optional(directory: Dir, name: str) -> Any:
    method = getattr(directory, name, None)
    if method is None:
        raise error(errno.EPERM)
    return method

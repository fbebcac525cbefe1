"""Nodes of the tree and open files -- fs/kernfs.

The transports see nothing else of the framework: they look a name up, ask a node
for its attributes, open it and call the handle. Every failure is an ``OSError``
whose errno is the kernel's.
"""

from __future__ import annotations

import errno
import itertools
import os
import select
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple, TypeVar

from rprocfs.fs.wait import WaitQueue
from rprocfs.lib.irq import Irqs
from rprocfs.locking import LockClass, new_lock

NodeT = TypeVar("NodeT", bound="Node")

PAGE_SIZE = 4096
#: ``DEFAULT_POLLMASK``: a file without a poll of its own is always ready.
DEFAULT_POLLMASK = select.POLLIN | select.POLLOUT | select.POLLRDNORM | select.POLLWRNORM


def error(code: int, text: str = "") -> OSError:
    """An OSError of *code*, with the system's text unless another one is given."""
    return OSError(code, text or os.strerror(code))


class Owner(NamedTuple):
    """The default owner of the nodes of a tree; *umask*: permission bits that are removed."""

    uid: int | None = None
    gid: int | None = None
    umask: int = 0

    def take(self, node: Node) -> None:
        """Give *node* its owner; twice is as once."""
        node.setattr(node.mode & ~self.umask, self.uid, self.gid)


class Tree:
    """One filesystem: its root, its inode numbers, the lock of its shape."""

    def __init__(self, owner: Owner | None = None) -> None:
        self.owner = owner or Owner()
        self.lock = new_lock(LockClass.TREE)
        self._numbers = itertools.count(1)
        self.root = Dir()
        self.root.tree = self
        self.root.ino = self.next_ino()
        self.owner.take(self.root)
        #: The doorbells of what the tree shows: the thread that serves it may take them over.
        self.irqs = Irqs()
        #: Called after a node left the tree, with the directory and its name in there; then for
        #: each node that was below it: for caches outside.
        self.removed: list[Callable[[Dir, str], None]] = []

    def next_ino(self) -> int:
        """An inode number that this tree never used before."""
        return next(self._numbers)


class Node:
    """``struct kernfs_node``: a name in the tree with an owner and a mode.

    *alive* turns false when the node leaves the tree and never turns back.
    """

    __slots__ = ("__weakref__", "alive", "gid", "ino", "mode", "mtime_ns", "name", "parent", "uid")

    kind = 0
    size = 0
    #: Is it shown by readdir(3); it can be looked up in any case.
    listed = True
    #: Whether the node exists as long as the tree does; such a node may be cached.
    lasting = False

    def __init__(self, mode: int) -> None:
        self.name = ""
        self.parent: Dir | None = None
        self.mode = mode
        self.uid = 0
        self.gid = 0
        self.ino = 0
        self.mtime_ns = time.time_ns()
        self.alive = True

    @property
    def nlink(self) -> int:
        """Number of links, as stat(2) shows it."""
        return 1

    @property
    def st_mode(self) -> int:
        """Type and permissions, as stat(2) shows them."""
        return self.kind | self.mode

    def setattr(
        self, mode: int | None = None, uid: int | None = None, gid: int | None = None
    ) -> None:
        """chmod(2) and chown(2): kept as long as the node lives."""
        if mode is not None:
            self.mode = mode & 0o7777
        if uid is not None:
            self.uid = uid
        if gid is not None:
            self.gid = gid

    def drain(self) -> None:
        """``kernfs_drain``: the node left the tree. Let go of what it showed.

        A transport keeps a node for as long as its kernel knows the name, and a client may keep
        the file open: neither keeps alive what the node stood for. A method that uses such a
        reference takes it first and looks at *alive* second.
        """

    def ancestors(self) -> Iterator[Dir]:
        """The directories above, nearest first."""
        parent = self.parent
        while parent is not None:
            yield parent
            parent = parent.parent

    @property
    def path(self) -> str:
        """The absolute path inside the tree."""
        names = [self.name, *(above.name for above in self.ancestors())]
        return "/" + "/".join(reversed(names[:-1]))


class Dir(Node):
    """A directory: names to nodes. Only the framework changes its shape, unless overridden."""

    __slots__ = ("_directories", "children", "tree")

    kind = stat.S_IFDIR

    def __init__(self, mode: int = 0o755) -> None:
        super().__init__(mode)
        self.children: dict[str, Node] = {}
        self.tree: Tree | None = None
        self._directories = 0

    @property
    def nlink(self) -> int:
        """Two, and one for every directory below: find(1) counts on it."""
        return 2 + self._directories

    def lookup(self, name: str) -> Node:
        """The child called *name*; ENOENT."""
        node = self.children.get(name)
        if node is None:
            raise error(errno.ENOENT)
        return node

    def entries(self) -> list[Node]:
        """A snapshot of the children that are listed."""
        return [child for child in list(self.children.values()) if child.listed]

    def add(self, name: str, node: NodeT) -> NodeT:
        """Put *node* below this directory and return it; EEXIST; ENOENT when this one is gone."""
        tree = self.tree
        if tree is None or not self.alive:
            raise error(errno.ENOENT)
        with tree.lock:
            if name in self.children:
                raise error(errno.EEXIST)
            node.name = name
            node.parent = self
            node.ino = tree.next_ino()
            tree.owner.take(node)
            if isinstance(node, Dir):
                node.tree = tree
                self._directories += 1
            self.children[name] = node
        return node

    def mkdirs(self, path: str) -> Dir:
        """The directory at *path* below this one, made as far as it is missing."""
        here = self
        for name in path.split("/"):
            child = here.children.get(name)
            here = child if isinstance(child, Dir) else here.add(name, Dir())
        return here

    def move(self, name: str, where: Dir, new_name: str) -> None:
        """Give the child another name, in the directory *where*; ENOENT, EEXIST."""
        tree = self.tree
        if tree is None or where.tree is not tree or not where.alive:
            raise error(errno.ENOENT)
        with tree.lock:
            if new_name in where.children:
                raise error(errno.EEXIST)
            node = self.children.pop(name, None)
            if node is None:
                raise error(errno.ENOENT)
            where.children[new_name] = node
            node.name, node.parent = new_name, where
            if isinstance(node, Dir):
                self._directories -= 1
                where._directories += 1

    def remove(self, name: str) -> None:
        """Take the child and all below it out of the tree; nothing happens when it is not there."""
        tree = self.tree
        if tree is None:
            return
        with tree.lock:
            node = self.children.pop(name, None)
            if node is None:
                return
            self._directories -= isinstance(node, Dir)
            buried = list(_bury(node))
        for dead in buried:
            dead.drain()
        for listener in tree.removed:
            for dead in buried:
                listener(dead.parent or self, dead.name)

    def create(self, name: str, mode: int) -> Node:
        """open(2) with O_CREAT of a new name: EACCES, as where inode_operations has no create."""
        raise error(errno.EACCES)

    def mkdir(self, name: str, mode: int) -> Node:
        """mkdir(2): EPERM unless the directory allows it."""
        raise error(errno.EPERM)

    def rmdir(self, name: str) -> None:
        """rmdir(2): EPERM unless the directory allows it."""
        raise error(errno.EPERM)


def _bury(node: Node) -> Iterator[Node]:
    """Mark the subtree dead and drop its links, so that an open child keeps only itself alive."""
    node.alive = False
    yield node
    if isinstance(node, Dir):
        children, node.children = node.children, {}
        for child in children.values():
            yield from _bury(child)


class Link(Node):
    """A symbolic link: to another node (shown as a relative path), or to a fixed text."""

    __slots__ = ("target",)

    kind = stat.S_IFLNK

    def __init__(self, target: Node | str) -> None:
        super().__init__(0o777)
        self.target = target

    def readlink(self) -> str:
        """The text of the link -- kernfs_get_target_path()."""
        if isinstance(self.target, str):
            return self.target
        mine, theirs = list(self.ancestors()), list(self.target.ancestors())
        while mine and theirs and mine[-1] is theirs[-1]:
            mine.pop()
            theirs.pop()
        down = [*(above.name for above in reversed(theirs)), self.target.name]
        return "/".join([".."] * len(mine) + down)


class File(Node):
    """A node that can be opened.

    *serial*: one write is finished before the next begins; not where writers sleep.
    """

    __slots__ = ()

    kind = stat.S_IFREG
    serial = True

    def truncate(self, size: int = 0) -> None:
        """truncate(2) and ftruncate(2), but not O_TRUNC: nothing to do."""

    def open(self, flags: int) -> Handle:
        """``fops->open``: a new open file for open(2) *flags*."""
        raise NotImplementedError


class Handle:
    """``struct file``: one open file. What a class does not override answers as the VFS does.

    *stream*: there is no file position (lseek ESPIPE; offsets are ignored).
    *sleeps*: write, ioctl and release may take long; call them on a thread that may be kept.
    *wait_queue*: woken whenever :meth:`poll` may have changed; None: it never does.
    *ioctl_sizes*: the bytes that an ioctl reads from and writes to its argument, if its number
    does not say so.
    """

    __slots__ = ()

    stream = False
    sleeps = False
    ioctl_sizes: ClassVar[Mapping[int, tuple[int, int]]] = MappingProxyType({})

    @property
    def wait_queue(self) -> WaitQueue | None:
        """The queue that poll(2) waits on."""
        return None

    def read(self, size: int, offset: int) -> bytes:
        """At most *size* bytes; b"" is the end of the file. EINVAL; WouldBlock."""
        raise error(errno.EINVAL)

    def write(self, data: bytes, offset: int) -> int:
        """Number of bytes taken. EINVAL; WouldBlock."""
        raise error(errno.EINVAL)

    def poll(self) -> int:
        """The ready mask of poll(2), now."""
        return DEFAULT_POLLMASK

    def ioctl(self, cmd: int, arg: int, data: bytes) -> bytes:
        """ioctl(2).

        *data* is what the caller's pointer points at (as many bytes as ``_IOC_SIZE``
        of an ``_IOW`` command says), *arg* the bare third argument. Returns the bytes
        for an ``_IOR`` command. ENOTTY.
        """
        raise error(errno.ENOTTY)

    def ioctl_opens(self, cmd: int, data: bytes) -> int:
        """An ioctl(2) that opens a file: its number among :mod:`rprocfs.fs.anon_inode`. ENOTTY."""
        raise error(errno.ENOTTY)

    def lseek(self, offset: int, whence: int) -> int:
        """lseek(2) with SEEK_DATA or SEEK_HOLE: the position to read at next. EINVAL."""
        raise error(errno.EINVAL)

    def seek_end(self, size: int) -> int:
        """lseek(2) with SEEK_END: the end of a file of *size* bytes. EINVAL."""
        return size

    def fsync(self) -> None:
        """fsync(2): nothing to do."""

    def release(self) -> None:
        """The last descriptor is closed. Must not fail."""

"""``/dev`` -- drivers/base/devtmpfs.c, and of mm/shmem.c what scripts do there.

The kernel makes a node for a device, and removes it unless a user has put something else
in its place. Users may make links, directories, files and nodes, if the tree is to allow it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TypeVar

from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import Dir, File, Handle, Link, Node, error

NodeT = TypeVar("NodeT", bound=Node)

#: The largest file: what is put here by mistake must not eat the memory.
MAX_SIZE = 16 << 20
RENAME_NOREPLACE = 1


class Devtmpfs(Dir):
    """A directory of a devtmpfs. Nothing is made below it by users unless *writable*."""

    __slots__ = ("writable",)

    def __init__(self, mode: int = 0o755, *, writable: bool = False) -> None:
        super().__init__(mode)
        self.writable = writable

    def add(self, name: str, node: NodeT) -> NodeT:
        """See :meth:`Dir.add`; a directory is as writable as the one above it."""
        if isinstance(node, Devtmpfs):
            node.writable = self.writable
        return super().add(name, node)

    def mkdirs(self, path: str) -> Dir:
        """See :meth:`Dir.mkdirs`."""
        here: Dir = self
        for name in path.split("/"):
            child = here.children.get(name)
            here = child if isinstance(child, Dir) else here.add(name, Devtmpfs())
        return here

    def allow(self) -> None:
        """Let users make what they want from now on, here and below."""
        self.writable = True
        for child in self.children.values():
            if isinstance(child, Devtmpfs):
                child.allow()

    # What the kernel does.

    def create_node(self, name: str, node: DeviceNode) -> None:
        """devtmpfs_create_node(): if the name is taken, the existing node stays."""
        with suppress(FileExistsError):
            self.add(name, node)

    def delete_node(self, name: str, node: DeviceNode) -> None:
        """devtmpfs_delete_node(): if the name is still that of *node*. That opens no more."""
        if self.children.get(name) is node:
            self.remove(name)
        node.alive = False

    # What users do.

    def create(self, name: str, mode: int) -> Node:
        """A file with nothing in it; EACCES unless writable."""
        return self._make(name, Shmem(mode)) if self.writable else super().create(name, mode)

    def mkdir(self, name: str, mode: int) -> Node:
        """EPERM unless writable."""
        return self._make(name, Devtmpfs(mode))

    def symlink(self, name: str, target: str) -> Node:
        """EPERM unless writable."""
        return self._make(name, Link(target))

    def mknod(self, name: str, mode: int, devt: tuple[int, int]) -> Node:
        """A file, a pipe, a socket, or a node of the device with number *devt*; EPERM."""
        if stat.S_ISREG(mode):
            return self._make(name, Shmem(stat.S_IMODE(mode)))
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            return self._make(name, Special(mode))
        return self._make(name, UserNode(mode, devt))

    def unlink(self, name: str) -> None:
        """EPERM unless writable."""
        self._check()
        self.remove(name)

    def rmdir(self, name: str) -> None:
        """ENOTEMPTY; EPERM unless writable."""
        self._check()
        directory = self.lookup(name)
        if isinstance(directory, Dir) and directory.children:
            raise error(errno.ENOTEMPTY)
        self.remove(name)

    def rename(self, name: str, where: Dir, new_name: str, flags: int) -> None:
        """renameat2(2) to *new_name* in *where*; EPERM, EXDEV, EINVAL, EEXIST, ENOTEMPTY."""
        self._check()
        if not isinstance(where, Devtmpfs):
            raise error(errno.EXDEV)
        if flags & ~RENAME_NOREPLACE:
            raise error(errno.EINVAL)
        node, old = self.lookup(name), where.children.get(new_name)
        if node is old:
            return
        if old is not None and flags & RENAME_NOREPLACE:
            raise error(errno.EEXIST)
        if isinstance(old, Dir) and old.children:
            raise error(errno.ENOTEMPTY)
        if old is not None:
            where.remove(new_name)
        self.move(name, where, new_name)

    def _check(self) -> None:
        if not self.writable:
            raise error(errno.EPERM)

    def _make(self, name: str, node: NodeT) -> NodeT:
        self._check()
        return self.add(name, node)


class Special(Node):
    """A pipe or a socket: the kernel serves it, all that it needs is the name."""

    __slots__ = ("kind",)

    def __init__(self, mode: int) -> None:
        super().__init__(stat.S_IMODE(mode))
        self.kind = stat.S_IFMT(mode)


class UserNode(DeviceNode):
    """What mknod(2) made: opens the device of the tree that has the number; ENXIO."""

    __slots__ = ()

    def __init__(self, mode: int, devt: tuple[int, int]) -> None:
        super().__init__(self._open_device, devt, stat.S_IMODE(mode))
        self.special = stat.S_IFMT(mode)

    def _open_device(self, flags: int) -> Handle:
        top: Dir | None = next((above for above in self.ancestors() if above.name == "dev"), None)
        node = find_device(top, self.devt) if top is not None else None
        if node is None or not stat.S_ISCHR(self.special):
            raise error(errno.ENXIO)
        return node.open(flags)


def find_device(directory: Dir, devt: tuple[int, int]) -> DeviceNode | None:
    """The node of the kernel's with that number, below *directory*."""
    for node in list(directory.children.values()):
        if isinstance(node, Dir):
            found = find_device(node, devt)
            if found is not None:
                return found
        elif isinstance(node, DeviceNode) and node.devt == devt and not isinstance(node, UserNode):
            return node
    return None


class Shmem(File):
    """A file whose content is in memory."""

    __slots__ = ("data",)

    def __init__(self, mode: int) -> None:
        super().__init__(mode)
        self.data = bytearray()

    @property
    def size(self) -> int:  # type: ignore[override]
        """As long as what was written."""
        return len(self.data)

    def truncate(self, size: int = 0) -> None:
        """To *size* bytes; EFBIG."""
        if size > MAX_SIZE:
            raise error(errno.EFBIG)
        del self.data[size:]
        self.data.extend(bytes(size - len(self.data)))

    def open(self, flags: int) -> Handle:
        """O_TRUNC empties it."""
        if flags & os.O_TRUNC:
            self.truncate()
        return ShmemHandle(self, append=bool(flags & os.O_APPEND))


class ShmemHandle(Handle):
    """An open one."""

    __slots__ = ("_append", "_file")

    def __init__(self, file: Shmem, *, append: bool) -> None:
        self._file = file
        self._append = append

    def read(self, size: int, offset: int) -> bytes:
        """From *offset* on."""
        return bytes(self._file.data[offset : offset + size])

    def write(self, data: bytes, offset: int) -> int:
        """At *offset*, or at the end; ENOSPC for too much."""
        content = self._file.data
        start = len(content) if self._append else offset
        if start + len(data) > MAX_SIZE:
            raise error(errno.ENOSPC)
        if start > len(content):
            content.extend(bytes(start - len(content)))
        content[start : start + len(data)] = data
        return len(data)

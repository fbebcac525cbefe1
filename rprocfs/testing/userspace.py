"""What a shell does, on a tree in memory: no mount, no kernel, the same calls.

For tests of drivers: :meth:`Userspace.echo` is ``echo -n TEXT > PATH``. A sleeping
operation runs on the calling thread; one that would block waits for its queue.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from rprocfs.fs.kernfs import Dir, File, Handle, Link, Node, Tree, error
from rprocfs.fs.wait import WouldBlock

T = TypeVar("T")

_MAX_LINKS = 40


class Userspace:
    """A process whose root directory is *tree*. Failures are OSErrors with the kernel's errno."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def lookup(self, path: str, *, follow: bool = True) -> Node:
        """The node at *path*; ENOENT, ENOTDIR, ELOOP."""
        return self._walk(self.tree.root, path, follow=follow, links=0)

    def exists(self, path: str) -> bool:
        """``test -e``."""
        try:
            self.lookup(path)
        except OSError:
            return False
        return True

    def ls(self, path: str) -> list[str]:
        """The names in a directory, sorted; ENOTDIR."""
        node = self.lookup(path)
        if not isinstance(node, Dir):
            raise error(errno.ENOTDIR)
        return sorted(child.name for child in node.entries())

    def readlink(self, path: str) -> str:
        """The text of a link; EINVAL for anything else."""
        node = self.lookup(path, follow=False)
        if not isinstance(node, Link):
            raise error(errno.EINVAL)
        return node.readlink()

    def open(self, path: str, flags: int = os.O_RDWR) -> Handle:
        """open(2); EISDIR."""
        node = self.lookup(path)
        if not isinstance(node, File):
            raise error(errno.EISDIR)
        return node.open(flags)

    def cat(self, path: str) -> str:
        """The whole content, decoded."""
        return self.cat_bytes(path).decode("utf-8", "surrogateescape")

    def cat_bytes(self, path: str) -> bytes:
        """The whole content."""
        handle = self.open(path, os.O_RDONLY)
        try:
            parts: list[bytes] = []
            while part := handle.read(65536, sum(map(len, parts))):
                parts.append(part)
            return b"".join(parts)
        finally:
            handle.release()

    def echo(self, path: str, text: str | bytes) -> int:
        """One open, one write, one close; the number of bytes that were taken."""
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        handle = self.open(path, os.O_WRONLY)
        try:
            return write(handle, data)
        finally:
            handle.release()

    def _walk(self, here: Node, path: str, *, follow: bool, links: int) -> Node:
        if path.startswith("/"):
            here = self.tree.root
        names = [name for name in path.split("/") if name not in ("", ".")]
        for index, name in enumerate(names):
            if not isinstance(here, Dir):
                raise error(errno.ENOTDIR)
            child = (here.parent or here) if name == ".." else here.lookup(name)
            if isinstance(child, Link) and (follow or index < len(names) - 1):
                if links >= _MAX_LINKS:
                    raise error(errno.ELOOP)
                child = self._walk(here, child.readlink(), follow=True, links=links + 1)
            here = child
        return here


def read(handle: Handle, size: int = 65536, timeout: float = 30.0) -> bytes:
    """A blocking read(2) of a stream; TimeoutError after *timeout* seconds."""
    return _blocking(lambda: handle.read(size, 0), timeout)


def write(handle: Handle, data: bytes, timeout: float = 30.0) -> int:
    """A blocking write(2); TimeoutError after *timeout* seconds."""
    return _blocking(lambda: handle.write(data, 0), timeout)


def _blocking(operation: Callable[[], T], timeout: float) -> T:
    deadline = time.monotonic() + timeout
    woken = threading.Event()
    while True:
        try:
            return operation()
        except WouldBlock as block:
            queue = block.queue
        woken.clear()
        queue.add(woken.set)
        try:
            # It may have been woken between the two: so look again once we are on the queue.
            return operation()
        except WouldBlock:
            if not woken.wait(deadline - time.monotonic()):
                raise TimeoutError("nothing woke the operation") from None
        finally:
            queue.remove(woken.set)

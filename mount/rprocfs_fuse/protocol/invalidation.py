"""Telling the kernel of names that are gone -- FUSE_NOTIFY_INVAL_ENTRY.

The kernel asks for a name each time that it is used, so what it remembers is never wrong; but
it remembers all names below a directory for as long as it has memory to spare, and the
transport keeps their nodes until then. A directory that is gone is remembered for as long as any
name in it is, also one that was looked for in vain by a process that was in there.

The kernel takes the lock of the directory to do this, which a lookup holds while it waits for
the reader. So it is done on a thread that is waited for by nothing but :meth:`close`, and that
ends before the reader does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from functools import partial

from rprocfs.base.workqueue import Workqueue
from rprocfs.fs.kernfs import Dir, Node, Tree
from rprocfs.locking import LockClass
from rprocfs_fuse.protocol import wire

#: Messages that may wait to be sent, until names that are missed are left to the kernel.
WAITING_MAX = 1000


class Invalidation:
    """Sends what leaves *tree* to the kernel, if that *knows* the directory it was in."""

    def __init__(self, tree: Tree, knows: Container[int], send: Callable[[bytes], None]) -> None:
        self._tree = tree
        self._knows = knows
        self._send = send
        self._wq = Workqueue("rprocfs-inval", LockClass.INVAL_WORK)
        self._closed = False

    def start(self) -> None:
        """Listen to the tree."""
        self._tree.removed.append(self._removed)

    def close(self) -> None:
        """Send nothing any more. The reader has to be there still."""
        if not self._closed:
            self._closed = True
            self._tree.removed.remove(self._removed)
            self._wq.destroy()

    def missed(self, directory: Node, name: str) -> None:
        """*name* is not found in *directory*: if that is gone, the kernel need not remember it.

        A client can look for names faster than the kernel is told; then some are not told.
        """
        if isinstance(directory, Dir) and not directory.alive and len(self._wq) < WAITING_MAX:
            self._removed(directory, name)

    def _removed(self, parent: Dir, name: str) -> None:
        if parent.ino in self._knows:
            self._wq.queue_work(partial(self._invalidate, parent, name))

    def _invalidate(self, parent: Dir, name: str) -> None:
        """A name that is there again is left alone: its next lookup replaces the old one."""
        if self._closed or name in parent.children:
            return
        text = os.fsencode(name)
        size = wire.NOTIFY_INVAL_ENTRY_OUT.size + len(text) + 1
        header = (size, wire.NOTIFY_INVAL_ENTRY, 0, parent.ino, len(text), 0)
        self._send(wire.NOTIFY_INVAL_ENTRY_OUT.pack(*header) + text + b"\0")

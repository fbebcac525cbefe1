"""Having the kernel forget names that are gone, so that libfuse can.

libfuse keeps a node for each name until the kernel forgets it, and the kernel remembers names for
as long as it has memory to spare. libfuse 2 has no call that tells it what is gone: there is
``fuse_lowlevel_notify_inval_entry``, but the node ids that it takes are libfuse's own. So the
kernel is made to look, or to let go of every name that is not in use, which costs nothing: with
time-outs of 0 it asks for each name each time. Both are done on a thread that serves no request.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from rprocfs.base.workqueue import Workqueue
from rprocfs.fs.kernfs import Dir, Tree
from rprocfs.locking import LockClass
from rprocfs_fuse.linux import reconfigure


class Forgetting:
    """Hears what leaves *tree*, which is mounted on *mountpoint* while *is_mounted* says so."""

    def __init__(self, tree: Tree, mountpoint: str, is_mounted: Callable[[], bool]) -> None:
        self._tree = tree
        self._mountpoint = mountpoint
        self._is_mounted = is_mounted
        self._wq = Workqueue("rprocfs-forget", LockClass.INVAL_WORK)
        self._is_new = False
        tree.removed.append(self._removed)

    def close(self) -> None:
        """Listen no more, and end the thread. libfuse has to serve still."""
        self._tree.removed.remove(self._removed)
        self._wq.destroy()

    def _removed(self, parent: Dir, name: str) -> None:
        """The kernel lets go of what is below a name with the name."""
        if parent.alive:
            self._is_new = True
            self._wq.queue_work(partial(self._forget, f"{parent.path.rstrip('/')}/{name}"))

    def _forget(self, path: str) -> None:
        """Of root, all names that are not in use, also those that were when they went.

        A user can only look for the name. What is below it and in use stays then.
        """
        if not self._is_new or not self._is_mounted():
            return
        try:
            self._is_new = False
            reconfigure(self._mountpoint)
        except OSError:
            self._is_new = True
            with suppress(OSError):
                os.lstat(f"{self._mountpoint}{path}")

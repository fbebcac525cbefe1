"""flock(2) -- flock_lock_inode() of fs/locks.c.

The kernel would keep these locks with its inodes. But a file whose writers sleep gets a new
inode at each lookup, so two openers would hold their locks on different inodes.
"""

from __future__ import annotations

import fcntl

from rprocfs.fs.kernfs import Node
from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs.locking import LockClass, new_lock


class Flocks:
    """All locks of a mount. An owner is an open file, by the kernel's number. Thread-safe."""

    def __init__(self) -> None:
        self._lock = new_lock(LockClass.FLOCK)
        self._owners: dict[Node, dict[int, int]] = {}
        self._wait_queue = WaitQueue()

    def lock(self, node: Node, owner: int, kind: int) -> None:
        """Take ``F_RDLCK`` or ``F_WRLCK``; WouldBlock while others are in the way.

        An owner that has a lock of the other kind loses it first, even if it then has to wait.
        """
        with self._lock:
            owners = self._owners.setdefault(node, {})
            converts = owners.pop(owner, kind) != kind
            free = not owners or fcntl.F_WRLCK not in {kind, *owners.values()}
            if free:
                owners[owner] = kind
        if converts:
            self._wait_queue.wake_up()
        if not free:
            raise WouldBlock(self._wait_queue)

    def unlock(self, node: Node, owner: int) -> None:
        """``F_UNLCK``, and the end of an open file: drop what it had."""
        with self._lock:
            owners = self._owners.get(node)
            if owners is None or owners.pop(owner, None) is None:
                return
            if not owners:
                del self._owners[node]
        self._wait_queue.wake_up()

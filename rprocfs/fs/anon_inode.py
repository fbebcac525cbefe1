"""Open files without a name -- fs/anon_inodes.c.

FUSE cannot hand out a descriptor. Such a file therefore has a name until it is opened, which
works once: a number in a directory that is not listed.
"""

from __future__ import annotations

import errno
from itertools import count

from rprocfs.fs.kernfs import Dir, File, Handle, error
from rprocfs.locking import LockClass, new_lock

#: Where they are, below the root of the tree.
PLACE = ".anon_inode"
#: That many may wait to be opened.
LIMIT = 64


class AnonInodes(Dir):
    """The directory."""

    __slots__ = ("_lock", "_numbers")

    listed = False

    def __init__(self) -> None:
        super().__init__(0o700)
        self._lock = new_lock(LockClass.ANON_INODE)
        self._numbers = count(1)

    def put(self, handle: Handle) -> int:
        """The name under which *handle* can be opened; EMFILE, and it is released then."""
        with self._lock:
            room = len(self.children) < LIMIT
            number = next(self._numbers)
            if room:
                self.add(str(number), AnonInode(handle))
        if not room:
            handle.release()
            raise error(errno.EMFILE)
        return number


class AnonInode(File):
    """A file that is open already."""

    __slots__ = ("_handle",)

    def __init__(self, handle: Handle) -> None:
        super().__init__(0o600)
        self._handle: Handle | None = handle

    def open(self, flags: int) -> Handle:
        """The first time; ENXIO afterwards."""
        del flags
        handle, self._handle = self._handle, None
        if handle is None:
            raise error(errno.ENXIO)
        if self.parent is not None:
            self.parent.remove(self.name)
        return handle

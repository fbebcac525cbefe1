"""Files below debugfs -- fs/debugfs/file.c.

A debugfs file has its own ``file_operations``; here, a text made at each read from
offset 0 (``show``), a command for each write (``store``), or both. Sizes are 0.
A file whose owner went away answers EIO for ever.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from rprocfs.fs.kernfs import File, Handle, error

Show = Callable[[], bytes]
Store = Callable[[bytes], None]


class DebugfsFile(File):
    """``debugfs_create_file``: modes 0400, 0600 or 0200 by what is given.

    *show* gives the whole content; *store* gets the bytes of one write and raises
    OSError to refuse. *sleeps*: a write may take long. *fresh*: the content is made at
    every read, as simple_read_from_buffer() users do, and not kept from offset 0 on.
    """

    __slots__ = ("fresh", "serial", "show", "sleeps", "store")

    def __init__(
        self,
        show: Show | None = None,
        store: Store | None = None,
        *,
        sleeps: bool = False,
        fresh: bool = False,
    ) -> None:
        super().__init__((0o400 if show else 0) | (0o200 if store else 0))
        self.show = show
        self.store = store
        self.sleeps = sleeps
        self.serial = not sleeps
        self.fresh = fresh

    def open(self, flags: int) -> Handle:
        """ENOENT when the file is gone."""
        del flags
        if not self.alive:
            raise error(errno.ENOENT)
        return DebugfsHandle(self)

    def drain(self) -> None:
        """Forget the owner, which both functions know."""
        self.show = self.store = None


class DebugfsHandle(Handle):
    """An open debugfs file. EIO once its owner is gone."""

    __slots__ = ("_kept", "_text", "file", "sleeps")

    def __init__(self, file: DebugfsFile) -> None:
        self.file = file
        self.sleeps = file.sleeps
        self._kept = file.show is not None and not file.fresh
        self._text = b""

    def read(self, size: int, offset: int) -> bytes:
        """The content, as *fresh* says; EINVAL for a file that can only be written."""
        show = self.file.show
        self._check()
        if show is None:
            raise error(errno.EINVAL)
        if offset == 0 or self.file.fresh:
            self._text = show()
        return self._text[offset : offset + size]

    def write(self, data: bytes, offset: int) -> int:
        """One command a write; EINVAL for a file that can only be read."""
        del offset
        store = self.file.store
        self._check()
        if store is None:
            raise error(errno.EINVAL)
        store(data)
        return len(data)

    def seek_end(self, size: int) -> int:
        """EINVAL if the content is kept: seq_lseek() knows no end."""
        if self._kept:
            raise error(errno.EINVAL)
        return size

    def _check(self) -> None:
        if not self.file.alive:
            raise error(errno.EIO)

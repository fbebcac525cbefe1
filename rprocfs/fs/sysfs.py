"""Declared attributes and their files -- fs/sysfs/file.c, fs/seq_file.c.

An attribute is declared next to the face it belongs to::

    @attribute
    def state(rproc: Rproc) -> str:
        return rproc.state

    @state.store(sleeps=True)
    def _(rproc: Rproc, buf: str) -> None: ...

``show`` returns the text without its newline, which is added here; an empty text gets one
only if *empty_line* is declared. ``store`` gets the bytes that were written up to the first
NUL, newline included, as the kernel's C strings do (compare with :func:`sysfs_streq`); bytes
that are not UTF-8 are surrogates. It raises OSError to refuse the write. The mode follows
from which of the two exist, as with ``__ATTR_RO/_RW/_WO``.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from rprocfs.fs.kernfs import DEFAULT_POLLMASK, PAGE_SIZE, File, Handle, error

T = TypeVar("T")
Show = Callable[[T], str]
Store = Callable[[T, str], None]


def sysfs_streq(written: str, word: str) -> bool:
    """``sysfs_streq``: whether the two are equal, one trailing newline ignored."""
    return written in (word, word + "\n")


class Attribute(Generic[T]):
    """``struct device_attribute``: a name, a mode and what reading and writing mean."""

    def __init__(
        self, name: str, show: Show[T] | None, store: Store[T] | None = None, mode: int = 0
    ) -> None:
        self.name = name
        self.show = show
        self.on_store = store
        self.sleeps = False
        self.empty_line = False
        self._mode = mode

    @property
    def mode(self) -> int:
        """Permissions: 0444, 0644 or 0200, unless declared otherwise."""
        if self._mode:
            return self._mode
        if self.show is None:
            return 0o200
        return 0o644 if self.on_store else 0o444

    @overload
    def store(self, function: Store[T]) -> Store[T]: ...
    @overload
    def store(self, *, sleeps: bool = False) -> Callable[[Store[T]], Store[T]]: ...
    def store(self, function: Any = None, *, sleeps: bool = False) -> Any:
        """Declare what a write does; *sleeps* when it may take long."""

        def declare(store: Store[T]) -> Store[T]:
            self.on_store = store
            self.sleeps = sleeps
            return store

        return declare if function is None else declare(function)


@overload
def attribute(show: Show[T]) -> Attribute[T]: ...
@overload
def attribute(
    *, name: str | None = None, mode: int = 0, empty_line: bool = False
) -> Callable[[Show[T]], Attribute[T]]: ...
def attribute(
    show: Any = None, *, name: str | None = None, mode: int = 0, empty_line: bool = False
) -> Any:
    """Declare an attribute by its show; its name is the function's unless *name* is given."""

    def declare(function: Show[T]) -> Attribute[T]:
        attr = Attribute(name or function.__name__, function, mode=mode)
        attr.empty_line = empty_line
        return attr

    return declare if show is None else declare(show)


def command(
    name: str, *, sleeps: bool = False, mode: int = 0o200
) -> Callable[[Store[T]], Attribute[T]]:
    """Declare an attribute that can only be written."""

    def declare(function: Store[T]) -> Attribute[T]:
        attr: Attribute[T] = Attribute(name, None, function, mode)
        attr.sleeps = sleeps
        return attr

    return declare


def kernfs_fop_open(node: File, flags: int) -> None:
    """EACCES without the permission bit, root or not; ENODEV when the node is gone."""
    if not node.alive:
        raise error(errno.ENODEV)
    access = flags & os.O_ACCMODE
    if (access != os.O_RDONLY and not node.mode & 0o222) or (
        access != os.O_WRONLY and not node.mode & 0o444
    ):
        raise error(errno.EACCES)


class SysfsFile(File):
    """An attribute of one object in the tree. *mode* overrides the declared one."""

    __slots__ = ("attr", "owner", "serial")

    size = PAGE_SIZE

    def __init__(self, attr: Attribute[Any], owner: Any, mode: int | None = None) -> None:
        super().__init__(attr.mode if mode is None else mode)
        self.attr = attr
        self.owner = owner
        self.serial = not attr.sleeps

    def open(self, flags: int) -> Handle:
        """See :func:`kernfs_fop_open`."""
        kernfs_fop_open(self, flags)
        return SysfsHandle(self)

    def drain(self) -> None:
        """Forget the object."""
        self.owner = None


class SysfsHandle(Handle):
    """An open attribute: one read is one snapshot, one write is one store."""

    __slots__ = ("_next", "_seen", "_text", "file", "sleeps")

    def __init__(self, file: SysfsFile) -> None:
        self.file = file
        self.sleeps = file.attr.sleeps
        self._text = b""
        self._next = -1
        self._seen = False

    def read(self, size: int, offset: int) -> bytes:
        """seq_read_iter(): the text is made at offset 0 and kept while reading goes on."""
        if offset == 0 or offset != self._next:
            self._text = self._show()
        part = self._text[offset : offset + size]
        self._next = offset + len(part)
        return part

    def _show(self) -> bytes:
        owner = self.file.owner
        if not self.file.alive:
            raise error(errno.ENODEV)
        show = self.file.attr.show
        if show is None:
            raise error(errno.EIO)
        self._seen = True
        text = show(owner)
        return os.fsencode(text + "\n") if text or self.file.attr.empty_line else b""

    def write(self, data: bytes, offset: int) -> int:
        """kernfs_fop_write_iter(): the offset is ignored, a page at most is taken."""
        del offset
        taken, owner = data[:PAGE_SIZE], self.file.owner
        if not self.file.alive:
            raise error(errno.ENODEV)
        if not taken:
            return 0
        store = self.file.attr.on_store
        if store is None:
            raise error(errno.EIO)
        store(owner, os.fsdecode(taken.split(b"\0", 1)[0]))
        return len(taken)

    def poll(self) -> int:
        """kernfs_fop_poll(): POLLERR and POLLPRI until the text was read once."""
        if self._seen and self.file.alive:
            return DEFAULT_POLLMASK
        return DEFAULT_POLLMASK | select.POLLERR | select.POLLPRI

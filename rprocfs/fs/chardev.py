"""Character devices: numbers and nodes -- fs/char_dev.c, drivers/base/devtmpfs.c.

A node below ``dev/`` is a regular file to stat(2): FUSE hands the opening of a
character special file to the kernel's own driver of that number, so it cannot
serve one.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable

from rprocfs.fs.kernfs import File, Handle, error

Opener = Callable[[int], Handle]


class DeviceNode(File):
    """``/dev/NAME``. *opener* is ``fops->open``; *devt* the (major, minor) of the device.

    *special* is its type on a board.
    """

    __slots__ = ("devt", "opener", "special")

    def __init__(self, opener: Opener, devt: tuple[int, int], mode: int = 0o600) -> None:
        super().__init__(mode)
        self.opener: Opener | None = opener
        self.devt = devt
        self.special = stat.S_IFCHR

    serial = False

    def truncate(self, size: int = 0) -> None:
        """EINVAL, as for all that is no regular file."""
        raise error(errno.EINVAL)

    def open(self, flags: int) -> Handle:
        """ENXIO when the device is gone; else what the driver answers."""
        opener = self.opener
        if opener is None or not self.alive:
            raise error(errno.ENXIO)
        return opener(flags)

    def drain(self) -> None:
        """Forget the driver."""
        self.opener = None


class Ida:
    """``struct ida``: the lowest free number. Not locked: its owner does that."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def alloc(self, start: int = 0) -> int:
        """``ida_alloc_min``."""
        number = start
        while number in self._taken:
            number += 1
        self._taken.add(number)
        return number

    def free(self, number: int) -> None:
        """``ida_free``."""
        self._taken.discard(number)

"""statfs(2): our files are on a sysfs, a debugfs, a configfs or a devtmpfs, as on a board.

FUSE has one magic number for all of its filesystems. libudev takes no device whose
directory is on anything but a sysfs.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Mapping

from rprocfs_fuse import linux
from rprocfs_fuse.run import paths
from rprocfs_fuse.run.seccomp import Call, Continue, Handler

#: ``include/uapi/linux/magic.h``; a devtmpfs says what a tmpfs says.
_MAGIC: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"/sys/kernel/debug(/|$)"), 0x64626720),
    (re.compile(r"/sys/kernel/config(/|$)"), 0x62656570),
    (re.compile(r"/sys(/|$)"), 0x62656572),
    (re.compile(r"/dev(/|$)"), 0x01021994),
)
#: The size of ``struct statfs`` on 64-bit machines; f_type is the first word.
_SIZE = 120


class StatfsCalls:
    """*device* is the ``st_dev`` of our mount, *numbers* those of the machine's calls."""

    def __init__(self, device: int, numbers: Mapping[str, int]) -> None:
        self._device = device
        self._number = numbers["fstatfs"]

    def handlers(self) -> Mapping[str, Handler]:
        """By the name of the call."""
        return {"statfs": self._statfs, "fstatfs": self._fstatfs}

    def _statfs(self, call: Call) -> int:
        path = paths.string(call, call.args[0])
        in_tree = paths.in_device_tree(call, paths.AT_FDCWD, path)
        return self._answer(call, paths.AT_FDCWD, in_tree or path)

    def _fstatfs(self, call: Call) -> int:
        return self._answer(call, paths.number(call.args[0]), b"")

    def _answer(self, call: Call, number: int, path: bytes) -> int:
        if not path and number == paths.AT_FDCWD:
            raise Continue
        fd = paths.open_path(call, number, path)
        try:
            if os.fstat(fd).st_dev != self._device:
                raise Continue
            answer = linux.fstatfs(self._number, fd, _SIZE)
            place = paths.place_in_tree(call, fd)
        finally:
            os.close(fd)
        for pattern, magic in _MAGIC:
            if pattern.match(place):
                struct.pack_into("=q", answer, 0, magic)
                break
        call.check()
        call.write(call.args[1], bytes(answer))
        return 0

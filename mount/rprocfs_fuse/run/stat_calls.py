"""stat(2) of a device node of ours: a character device, with its number.

The kernel knows our nodes as regular files. If the daemon cannot show them as devices itself
(:mod:`callers`), every stat(2) of the command comes here, and all that cannot be of a file in
``/dev`` go straight on to the kernel.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rprocfs_fuse import linux
from rprocfs_fuse.run import paths
from rprocfs_fuse.run.glance import DEV, IN_DEV, NAME
from rprocfs_fuse.run.knowledge import Daemon, DeviceFile
from rprocfs_fuse.run.seccomp import Call, Continue, Handler

_AT_SYMLINK_NOFOLLOW = 0x100


@dataclass(frozen=True, slots=True)
class Layout:
    """The size of ``struct stat`` or ``struct statx``, and where its members are."""

    size: int
    ino: int
    mode: int
    rdev: int
    extended: bool = False

    def read(self, answer: bytearray) -> tuple[int, int]:
        """Inode number and mode."""
        (ino,) = struct.unpack_from("=Q", answer, self.ino)
        (mode,) = struct.unpack_from("=H" if self.extended else "=I", answer, self.mode)
        return ino, mode

    def change(self, answer: bytearray, mode: int, devt: tuple[int, int]) -> None:
        """Make it that of a device."""
        struct.pack_into("=H" if self.extended else "=I", answer, self.mode, mode)
        if self.extended:
            struct.pack_into("=II", answer, self.rdev, *devt)
        else:
            struct.pack_into("=Q", answer, self.rdev, os.makedev(*devt))


#: ``struct stat``, by machine.
STAT_LAYOUT: Mapping[str, Layout] = {
    "x86_64": Layout(144, 8, 24, 40),
    "aarch64": Layout(128, 8, 16, 32),
}
STATX_LAYOUT = Layout(256, 32, 28, 128, extended=True)


@dataclass(frozen=True, slots=True)
class Question:
    """Which file is asked for, and where the answer goes."""

    directory: int
    path: int
    flags: int
    buffer: int
    mask: int | None = None


#: The calls, by name, from their arguments.
QUESTIONS: Mapping[str, Callable[[tuple[int, ...]], Question]] = {
    "stat": lambda args: Question(paths.AT_FDCWD, args[0], 0, args[1]),
    "lstat": lambda args: Question(paths.AT_FDCWD, args[0], _AT_SYMLINK_NOFOLLOW, args[1]),
    "fstat": lambda args: Question(args[0], 0, linux.AT_EMPTY_PATH, args[1]),
    "newfstatat": lambda args: Question(args[0], args[1], args[3], args[2]),
    "statx": lambda args: Question(args[0], args[1], args[2], args[4], args[3]),
}


def layout(machine: str, question: Question) -> Layout:
    """Of the answer."""
    return STAT_LAYOUT[machine] if question.mask is None else STATX_LAYOUT


class StatCalls:
    """*device* is the ``st_dev`` of our mount, *numbers* those of the machine's calls."""

    def __init__(
        self, daemon: Daemon, device: int, machine: str, numbers: Mapping[str, int]
    ) -> None:
        self._daemon = daemon
        self._device = device
        self._machine = machine
        self._numbers = numbers

    def handlers(self) -> Mapping[str, Handler]:
        """By the name of the call."""
        return {name: self._handler(ask) for name, ask in QUESTIONS.items()}

    def _handler(self, ask: Callable[[tuple[int, ...]], Question]) -> Handler:
        return lambda call: self._stat(call, ask(call.args))

    def _stat(self, call: Call, question: Question) -> int:
        path = _path(call, question)
        number = paths.number(question.directory)
        in_tree = paths.in_device_tree(call, number, path)
        if in_tree is not None:
            return self._stat_in_tree(call, question, in_tree)
        if not _may_be_device(call, number, path):
            raise Continue
        follow = not question.flags & _AT_SYMLINK_NOFOLLOW
        fd = paths.open_path(call, number, path, follow=follow)
        try:
            status = os.fstat(fd)
            if status.st_dev != self._device or not stat.S_ISREG(status.st_mode):
                raise Continue
            node = self._daemon.device(status.st_ino)
            if node is None:
                raise Continue
            call.write(question.buffer, self._answer(fd, question, node))
        finally:
            os.close(fd)
        return 0

    def _stat_in_tree(self, call: Call, question: Question, path: bytes) -> int:
        nofollow = os.O_NOFOLLOW if question.flags & _AT_SYMLINK_NOFOLLOW else 0
        fd = paths.open_in_root(call, path, os.O_PATH | os.O_CLOEXEC | nofollow)
        try:
            call.write(question.buffer, bytes(self._plain_answer(fd, question)))
        finally:
            os.close(fd)
        return 0

    def _plain_answer(self, fd: int, question: Question) -> bytearray:
        size = layout(self._machine, question).size
        if question.mask is None:
            return linux.stat(self._numbers["newfstatat"], fd, size)
        return linux.statx(self._numbers["statx"], fd, question.mask, size)

    def _answer(self, fd: int, question: Question, node: DeviceFile) -> bytes:
        answer = self._plain_answer(fd, question)
        layout(self._machine, question).change(answer, node.mode, node.devt)
        return bytes(answer)


def _path(call: Call, question: Question) -> bytes:
    """What the caller says; b"" if it means an open file. Continue if it says nothing."""
    path = paths.string(call, question.path) if question.path else b""
    if not path and not question.flags & linux.AT_EMPTY_PATH:
        raise Continue
    return path


def _may_be_device(call: Call, number: int, path: bytes) -> bool:
    if path.startswith(DEV) or (path and NAME.search(path)):
        return True
    if path.startswith(b"/"):
        return False
    return bool(IN_DEV.search(os.fsencode(paths.directory(call, number))))

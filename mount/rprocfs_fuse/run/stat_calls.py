"""stat(2) of a device node of ours: a character device, with its number.

The kernel knows our nodes as regular files. Every stat(2) of the command comes here, and
all whose file has no name like one of ours go straight on to the kernel.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rprocfs_fuse.run import linux
from rprocfs_fuse.run.knowledge import Daemon, DeviceFile
from rprocfs_fuse.run.seccomp import Call, Continue, Handler

#: What may be a device of ours; more may follow. The kernel takes the name of an open file
#: for deleted once the node was looked up again.
NAME = re.compile(
    rb"(?:^|/)((?:rpmsg|rpmsg_ctrl|ttyRPMSG|remoteproc|hvc|vport\w*)\d+|kmsg|hwrng)"
    rb"(?: \(deleted\))?\0"
)

_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_AT_EMPTY_PATH = 0x1000
_PATH_MAX = 4096
_PAGE = 4096

#: Machine to the size of its ``struct stat`` and where st_mode and st_rdev are in it.
STAT_LAYOUT: Mapping[str, tuple[int, int, int]] = {
    "x86_64": (144, 24, 40),
    "aarch64": (128, 16, 32),
}
_STATX_SIZE, _STATX_MODE, _STATX_RDEV = 256, 28, 128


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
    "stat": lambda args: Question(_AT_FDCWD, args[0], 0, args[1]),
    "lstat": lambda args: Question(_AT_FDCWD, args[0], _AT_SYMLINK_NOFOLLOW, args[1]),
    "fstat": lambda args: Question(args[0], 0, _AT_EMPTY_PATH, args[1]),
    "newfstatat": lambda args: Question(args[0], args[1], args[3], args[2]),
    "statx": lambda args: Question(args[0], args[1], args[2], args[4], args[3]),
}


class StatCalls:
    """*device* is the ``st_dev`` of our mount, *numbers* those of the machine's calls."""

    def __init__(
        self, daemon: Daemon, device: int, machine: str, numbers: Mapping[str, int]
    ) -> None:
        self._daemon = daemon
        self._device = device
        self._layout = STAT_LAYOUT[machine]
        self._numbers = numbers

    def handlers(self) -> Mapping[str, Handler]:
        """By the name of the call."""
        return {name: self._handler(ask) for name, ask in QUESTIONS.items()}

    def _handler(self, ask: Callable[[tuple[int, ...]], Question]) -> Handler:
        return lambda call: self._stat(call, ask(call.args))

    def _stat(self, call: Call, question: Question) -> int:
        found = NAME.search(_name(call, question))
        if found is None:
            raise Continue
        node = self._daemon.device(found[1].decode())
        if node is None:
            raise Continue
        fd = _open(call, question)
        try:
            status = os.fstat(fd)
            if (status.st_dev, status.st_ino) != (self._device, node.ino):
                raise Continue
            call.write(question.buffer, self._answer(fd, question, node))
        finally:
            os.close(fd)
        return 0

    def _answer(self, fd: int, question: Question, node: DeviceFile) -> bytes:
        mode = stat.S_IFCHR | node.mode
        if question.mask is None:
            size, at_mode, at_rdev = self._layout
            answer = linux.stat(self._numbers["newfstatat"], fd, size)
            struct.pack_into("=I", answer, at_mode, mode)
            struct.pack_into("=Q", answer, at_rdev, os.makedev(*node.devt))
        else:
            answer = linux.statx(self._numbers["statx"], fd, question.mask, _STATX_SIZE)
            struct.pack_into("=H", answer, _STATX_MODE, mode)
            struct.pack_into("=II", answer, _STATX_RDEV, *node.devt)
        return bytes(answer)


def _name(call: Call, question: Question) -> bytes:
    """What the caller calls the file, with a NUL behind; b"" where that is nothing of ours."""
    if question.path:
        path = _string(call, question.path)
        if path != b"\0" or not question.flags & _AT_EMPTY_PATH:
            return path
    try:
        return bytes(Path(f"/proc/{call.pid}/fd/{_number(question)}").readlink()) + b"\0"
    except OSError:
        return b""


def _string(call: Call, address: int) -> bytes:
    """The string at *address* with its NUL; b"" where there is none."""
    try:
        with call.memory(os.O_RDONLY) as fd:
            data = os.pread(fd, _PAGE - address % _PAGE, address)
            if b"\0" not in data:
                data += os.pread(fd, _PATH_MAX, address + len(data))
    except (OSError, OverflowError):
        return b""
    return data[: data.find(b"\0") + 1]


def _open(call: Call, question: Question) -> int:
    """The file, without opening it, as the caller would find it; Continue."""
    path = os.fsdecode(_string(call, question.path)[:-1]) if question.path else ""
    flags = os.O_PATH | os.O_CLOEXEC
    if path.startswith("/"):
        where = f"root/{path.lstrip('/')}"
    elif _number(question) == _AT_FDCWD:
        where = f"cwd/{path}"
    else:
        where = f"fd/{_number(question)}" + (f"/{path}" if path else "")
    if path and question.flags & _AT_SYMLINK_NOFOLLOW:
        flags |= os.O_NOFOLLOW
    try:
        return os.open(f"/proc/{call.pid}/{where}", flags)
    except OSError:
        raise Continue from None


def _number(question: Question) -> int:
    """The ``int`` that the register holds."""
    return (question.directory & 0xFFFFFFFF ^ 0x80000000) - 0x80000000

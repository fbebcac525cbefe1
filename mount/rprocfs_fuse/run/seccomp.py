"""System calls of the command that we answer: a filter, and one call that it picked.

The command filters itself before it is executed. The calls that the filter picks wait
until the :mod:`server` has answered, or has told the kernel to go on as if nothing had
happened; all others are not even slowed down. Documentation: seccomp_unotify(2).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import logging
import os
import platform
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rprocfs.fs.kernfs import error
from rprocfs_fuse import linux

logger = logging.getLogger(__name__)

#: Machine to AUDIT_ARCH_* and the numbers of the calls, of its own programs.
NATIVE: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {"syslog": 103, "ioctl": 16, "read": 0, "write": 1, "stat": 4, "lstat": 6, "fstat": 5,
         "newfstatat": 262, "statx": 332, "statfs": 137, "fstatfs": 138, "uname": 63,
         "open": 2, "openat": 257, "access": 21, "faccessat": 269, "faccessat2": 439,
         "readlink": 89, "readlinkat": 267, "chdir": 80, "getxattr": 191, "lgetxattr": 192,
         "listxattr": 194, "llistxattr": 195,
         "mount": 165, "fsopen": 430,
         "init_module": 175, "delete_module": 176, "finit_module": 313},
    ),
    "aarch64": (
        0xC00000B7,
        {"syslog": 116, "ioctl": 29, "read": 63, "write": 64, "fstat": 80,
         "newfstatat": 79, "statx": 291, "statfs": 43, "fstatfs": 44, "uname": 160,
         "openat": 56, "faccessat": 48, "faccessat2": 439, "readlinkat": 78, "chdir": 49,
         "getxattr": 8, "lgetxattr": 9, "listxattr": 11, "llistxattr": 12,
         "mount": 40, "fsopen": 430, "init_module": 105, "delete_module": 106, "finit_module": 273},
    ),
}  # fmt: skip

_SECCOMP_SET_MODE_FILTER = 1
_FLAG_SPEC_ALLOW = 1 << 2
_FLAG_NEW_LISTENER = 1 << 3
_RET_ALLOW = 0x7FFF0000
_RET_USER_NOTIF = 0x7FC00000
_LD_ABS = 0x20
_JEQ = 0x15
_AND = 0x54
_RET = 0x06

_NOTIF_ID_VALID = 0x40082102
_NOTIF_ADDFD = 0x40182103

Step = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


@dataclass(frozen=True, slots=True)
class Pick:
    """Which calls of one number: all, or those whose argument is one of *values*.

    Or none of them if *others*, or has all of *flags*.
    """

    number: int
    argument: int = 0
    values: Sequence[int] = ()
    flags: int = 0
    others: bool = False

    def steps(self) -> list[Step]:
        """The end of the program once the number is known to be this."""
        notify: Step = (_RET, 0, 0, _RET_USER_NOTIF)
        allow: Step = (_RET, 0, 0, _RET_ALLOW)
        steps: list[Step] = [(_LD_ABS, 0, 0, 16 + 8 * self.argument)]
        if self.flags:
            steps += [(_AND, 0, 0, self.flags), (_JEQ, 1, 0, self.flags)]
            return [*steps, allow, notify]
        if not self.values:
            return [notify]
        for left, value in zip(range(len(self.values), 0, -1), self.values, strict=True):
            steps.append((_JEQ, left, 0, value))
        return [*steps, *((notify, allow) if self.others else (allow, notify))]


def program(arch: int, picks: Sequence[Pick]) -> bytes:
    """The filter of programs of *arch*: notify for the calls that are picked."""
    steps: list[Step] = [(_LD_ABS, 0, 0, 4), (_JEQ, 1, 0, arch), (_RET, 0, 0, _RET_ALLOW)]
    steps.append((_LD_ABS, 0, 0, 0))
    for pick in picks:
        body = pick.steps()
        steps += [(_JEQ, 0, len(body), pick.number), *body]
    steps.append((_RET, 0, 0, _RET_ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def install(code: bytes) -> int | None:
    """Filter the calling process and all that it starts; the listener, None where it cannot be."""
    compiled = _Program(len(code) // 8, code)
    flags = _FLAG_NEW_LISTENER | _FLAG_SPEC_ALLOW
    try:
        return linux.seccomp(_SECCOMP_SET_MODE_FILTER, flags, compiled)
    except (OSError, NotImplementedError):
        return None  # an outer filter has a listener already, or forbids it


def native(machine: str = "") -> tuple[int, Mapping[str, int]] | None:
    """Those of :data:`NATIVE` for a machine, this one by default."""
    return NATIVE.get(machine or platform.machine())


class Continue(Exception):
    """The kernel is to carry the call out itself."""


@dataclass(frozen=True, slots=True)
class Call:
    """``struct seccomp_notif``: task *pid* made the call *number* with *args*, and waits.

    A signal may end the waiting, or the task, and then *pid* be another's: whatever was
    found by it is the caller's only if :meth:`check` says so afterwards.
    """

    id: int
    pid: int
    number: int
    args: tuple[int, ...]
    listener: int

    @property
    def valid(self) -> bool:
        """Does it still wait."""
        try:
            fcntl.ioctl(self.listener, _NOTIF_ID_VALID, struct.pack("=Q", self.id))
        except OSError:
            return False
        return True

    def check(self) -> None:
        """Continue unless it still waits."""
        if not self.valid:
            raise Continue

    def read(self, address: int, size: int) -> bytes:
        """Memory of the caller; EFAULT; Continue if it is gone."""
        data = self.peek(address, size)
        if len(data) != size:
            raise error(errno.EFAULT)
        return data

    def peek(self, address: int, size: int) -> bytes:
        """Memory of the caller, up to the first page that it may not read; Continue if gone."""
        try:
            data = linux.read_memory(self.pid, address, size)
        except OSError:
            data = b""
        self.check()
        return data

    def give(self, fd: int, *, cloexec: bool) -> int:
        """A descriptor of the caller's for the open file *fd*: its number. OSError."""
        flags = os.O_CLOEXEC if cloexec else 0
        request = bytearray(struct.pack("=QIIII", self.id, 0, fd, 0, flags))
        number: int = fcntl.ioctl(self.listener, _NOTIF_ADDFD, request)
        return number

    def write(self, address: int, data: bytes) -> None:
        """Write memory of the caller, if it might itself; EFAULT; Continue if it is gone."""
        self.check()
        try:
            count = linux.write_memory(self.pid, address, data)
        except OSError:
            count = 0
        if count != len(data):
            raise error(errno.EFAULT)


#: Answers a call: the result. OSError; WouldBlock; Continue.
Handler = Callable[[Call], int]

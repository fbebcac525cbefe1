"""System calls that Python 3.11 does not have."""

from __future__ import annotations

import ctypes
import os
import platform

from rprocfs.fs.kernfs import error

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

MS_BIND = 1 << 12
MS_REC = 1 << 14
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

#: ``__NR_seccomp`` by machine.
_NR_SECCOMP = {"x86_64": 317, "aarch64": 277}

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """unshare(2); OSError."""
    _check(_libc.unshare(ctypes.c_int(flags)))


def mount(source: str, target: str, flags: int, fstype: str | None = None) -> None:
    """mount(2); OSError naming *target*."""
    kind = fstype.encode() if fstype else None
    names = (os.fsencode(source), os.fsencode(target), kind)
    _check(_libc.mount(*names, ctypes.c_ulong(flags), None), target)


def umount(target: str, flags: int = 0) -> None:
    """umount2(2); OSError naming *target*."""
    _check(_libc.umount2(os.fsencode(target), ctypes.c_int(flags)), target)


def set_parent_death_signal(number: int) -> None:
    """PR_SET_PDEATHSIG: what the calling process gets when the thread that made it ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number), 0, 0, 0))


def set_no_new_privileges() -> None:
    """PR_SET_NO_NEW_PRIVS."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0))


def seccomp(operation: int, flags: int, program: ctypes.Structure) -> int:
    """seccomp(2); OSError."""
    number = _NR_SECCOMP.get(platform.machine())
    if number is None:
        raise NotImplementedError(platform.machine())
    where = ctypes.byref(program)
    result: int = _libc.syscall(number, ctypes.c_uint(operation), ctypes.c_uint(flags), where)
    return _check(result)


def _check(result: int, path: str | None = None) -> int:
    if result < 0:
        problem = error(ctypes.get_errno())
        problem.filename = path
        raise problem
    return result

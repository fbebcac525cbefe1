"""System calls that Python 3.11 does not have; OSError if they fail."""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 24, 36, 38

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 1, 2

MACHINE = os.uname().machine
#: By machine: the numbers of those that are not the same everywhere.
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
SYS_KEYCTL = {"x86_64": 250, "aarch64": 219}
SYS_EXECVEAT = {"x86_64": 322, "aarch64": 281}
SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
SYS_MOUNT_SETATTR = 442

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """*result*, or the OSError about *what* that a negative one means."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result


def syscall(number: int, *arguments: object, name: str) -> int:
    """syscall(2)."""
    return checked(libc.syscall(ctypes.c_long(number), *arguments), name)


def attempt(call: Callable[..., object], *arguments: object) -> bool:
    """Make a call that may be refused; whether it was not. Without contextlib: 2 ms of a boot."""
    try:
        call(*arguments)
    except OSError:
        return False
    return True


def number(table: dict[str, int], name: str) -> int:
    """The number of a call on this machine; ENOSYS if that is not known."""
    if MACHINE not in table:
        raise OSError(38, os.strerror(38), name)
    return table[MACHINE]


def prctl(option: int, value: int) -> None:
    """prctl(2) of one argument."""
    checked(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def unshare(flags: int) -> None:
    """unshare(2)."""
    checked(libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2); an empty string is a null pointer."""
    source_, target_, kind_, data_ = (
        os.fsencode(text) or None for text in (source, target, kind, data)
    )
    done = libc.mount(source_, target_, kind_, ctypes.c_ulong(flags), data_)
    checked(done, f"mount {target}")


def umount(target: str) -> None:
    """Detach what is mounted at *target*, if anything is."""
    libc.umount2(os.fsencode(target), MNT_DETACH)


def pivot_root(directory: str) -> None:
    """Make *directory* the root, with the old one mounted over it -- pivot_root(2)."""
    where = os.fsencode(directory)
    syscall(number(SYS_PIVOT_ROOT, "pivot_root"), where, where, name="pivot_root")


def read_only(target: str) -> None:
    """Let nothing be written below the mount *target* -- mount_setattr(2)."""
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
    path, size = os.fsencode(target), ctypes.c_size_t(ctypes.sizeof(attributes))
    where = (ctypes.c_int(AT_FDCWD), path, ctypes.c_uint(AT_RECURSIVE), attributes, size)
    syscall(SYS_MOUNT_SETATTR, *where, name=f"mount_setattr {target}")


def execute(fd: int, arguments: list[str]) -> None:
    """execveat(2) of an open file, with an empty environment; returns only by OSError."""
    words = [os.fsencode(word) for word in arguments]
    argv, envp = (ctypes.c_char_p * (len(words) + 1))(*words), (ctypes.c_char_p * 1)()
    flags = ctypes.c_int(AT_EMPTY_PATH)
    which = number(SYS_EXECVEAT, "execveat")
    syscall(which, ctypes.c_int(fd), b"", argv, envp, flags, name="execveat")


def write(path: str, text: str) -> None:
    """Write to a file of /proc. Without a codec, which may be out of reach by now."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)

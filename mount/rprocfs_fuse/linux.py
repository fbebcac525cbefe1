"""System calls that Python 3.11 does not have."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

from rprocfs.fs.kernfs import error

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MS_REMOUNT = 1 << 5
MS_BIND = 1 << 12
MS_REC = 1 << 14
MS_PRIVATE = 1 << 18

MNT_FORCE, MNT_DETACH, UMOUNT_NOFOLLOW = 1, 2, 8

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_NR_PIDFD_GETFD = 438
_NR_OPENAT2 = 437
_RESOLVE_IN_ROOT = 0x10
_NR_FSCONFIG, _NR_FSPICK = 431, 433
_FSPICK_CLOEXEC = 1
_FSCONFIG_CMD_RECONFIGURE = 7
_AT_FDCWD = -100
_ATTEMPTS = 1000
AT_EMPTY_PATH = 0x1000
_PTRACE_DETACH, _PTRACE_SEIZE, _PTRACE_INTERRUPT = 17, 0x4206, 0x4207
_PTRACE_EVENT_STOP = 128
_WALL = 0x40000000
#: More than PID_MAX_LIMIT.
_NO_TASK = 0x7FFFFFFF

#: ``__NR_seccomp`` by machine.
_NR_SECCOMP = {"x86_64": 317, "aarch64": 277}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long

#: process_vm_readv(2) and process_vm_writev(2), of addresses: the bytes, negative if none.
process_vm_readv, process_vm_writev = _libc.process_vm_readv, _libc.process_vm_writev
for _call in (process_vm_readv, process_vm_writev):
    _call.restype = ctypes.c_ssize_t
    _call.argtypes = (
        ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong,
        ctypes.c_ulong,
    )  # fmt: skip


def unshare(flags: int) -> None:
    """unshare(2); OSError."""
    _check(_libc.unshare(ctypes.c_int(flags)))


def mount(
    source: str, target: str, flags: int, fstype: str | None = None, data: str | None = None
) -> None:
    """mount(2); OSError naming *target*."""
    kind = fstype.encode() if fstype else None
    names = (os.fsencode(source), os.fsencode(target), kind)
    options = os.fsencode(data) if data else None
    _check(_libc.mount(*names, ctypes.c_ulong(flags), options), target)


def umount(target: str, flags: int = 0) -> None:
    """umount2(2); OSError naming *target*."""
    _check(_libc.umount2(os.fsencode(target), ctypes.c_int(flags)), target)


def reconfigure(target: str) -> None:
    """Change nothing of a mounted filesystem: fspick(2), FSCONFIG_CMD_RECONFIGURE; OSError.

    The kernel lets go of its names that are not in use (``reconfigure_super`` calls
    ``shrink_dcache_sb``). EPERM without CAP_SYS_ADMIN where it was mounted; ENOSYS before 5.2.
    """
    names = (ctypes.c_int(_AT_FDCWD), os.fsencode(target), ctypes.c_uint(_FSPICK_CLOEXEC))
    context = _check(_libc.syscall(_NR_FSPICK, *names), target)
    try:
        command = (ctypes.c_int(context), ctypes.c_uint(_FSCONFIG_CMD_RECONFIGURE), None, None)
        _check(_libc.syscall(_NR_FSCONFIG, *command, ctypes.c_int(0)), target)
    finally:
        os.close(context)


def set_parent_death_signal(number: int) -> None:
    """PR_SET_PDEATHSIG: what the calling process gets when the thread that made it ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number), 0, 0, 0))


def set_child_subreaper() -> None:
    """Let all that descends from the calling process be its child once it is orphaned."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0))


def number_of(pidfd: int) -> int:
    """The number of a process in our PID namespace; -1 if it is gone."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text("ascii").splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    return -1


def pidfd_getfd(task: int, number: int) -> int:
    """A descriptor of the open file that descriptor *number* of *task* stands for; OSError."""
    process = _open_process(task)
    try:
        arguments = (ctypes.c_int(process), ctypes.c_int(number), ctypes.c_uint(0))
        return _check(_libc.syscall(_NR_PIDFD_GETFD, *arguments))
    finally:
        os.close(process)


def read_memory(task: int, address: int, size: int) -> bytes:
    """Up to *size* bytes of a task's memory, as far as it may read it itself; OSError.

    process_vm_readv(2): /proc/PID/mem would overlook the protection of the pages.
    """
    buffer = (ctypes.c_char * size)()
    count = _transfer(process_vm_readv, task, ctypes.addressof(buffer), address, size)
    return buffer.raw[:count]


def write_memory(task: int, address: int, data: bytes) -> int:
    """Write to a task's memory what it might write itself; the bytes written; OSError."""
    buffer = ctypes.create_string_buffer(data, len(data))
    here = ctypes.addressof(buffer)
    return _transfer(process_vm_writev, task, here, address, len(data))


def _transfer(call: Any, task: int, here: int, address: int, size: int) -> int:
    local = (ctypes.c_size_t * 2)(here, size)  # struct iovec
    remote = (ctypes.c_size_t * 2)(address, size)
    return _check(call(task, local, 1, remote, 1, 0))


def has_ptrace() -> bool:
    """Whether ptrace(2) answers at all; a container may forbid it."""
    try:
        _ptrace(_PTRACE_SEIZE, _NO_TASK)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def trace(task: int) -> None:
    """Have the calling thread trace *task*, and stop it on its way out of a call; OSError.

    PTRACE_SEIZE, PTRACE_INTERRUPT: neither sends a signal. :func:`wait_for_stop` has to follow.
    """
    _ptrace(_PTRACE_SEIZE, task)
    with suppress(OSError):  # it was killed in between
        _ptrace(_PTRACE_INTERRUPT, task)


def wait_for_stop(task: int) -> int | None:
    """Wait for what :func:`trace` began: the signal to go on with; None: it has ended."""
    try:
        _, status = os.waitpid(task, _WALL)
    except ChildProcessError:
        return None
    if not os.WIFSTOPPED(status):
        return None
    return 0 if status >> 16 == _PTRACE_EVENT_STOP else os.WSTOPSIG(status)


def let_go(task: int, signal: int) -> None:
    """PTRACE_DETACH a task that is stopped, or reap it if it was killed meanwhile.

    Until then it is a zombie that its parent does not see, and that keeps another thread of it from
    execve(2) (``de_thread()`` -- fs/exec.c).
    """
    try:
        _ptrace(_PTRACE_DETACH, task, signal)
    except OSError:
        with suppress(ChildProcessError):
            os.waitpid(task, _WALL)


def _ptrace(request: int, task: int, data: int = 0) -> None:
    words = (ctypes.c_long(request), ctypes.c_long(task), None, ctypes.c_long(data))
    _check(_libc.ptrace(*words))


def stat(number: int, fd: int, size: int) -> bytearray:
    """The ``struct stat``, of *size* bytes, of an open file; *number* is that of newfstatat(2)."""
    buffer = (ctypes.c_char * size)()
    _check(_libc.syscall(number, ctypes.c_int(fd), b"", buffer, ctypes.c_int(AT_EMPTY_PATH)))
    return bytearray(buffer.raw)


def statx(number: int, fd: int, mask: int, size: int) -> bytearray:
    """The ``struct statx`` of an open file; *number* is that of statx(2)."""
    buffer = (ctypes.c_char * size)()
    arguments = (ctypes.c_int(fd), b"", ctypes.c_int(AT_EMPTY_PATH), ctypes.c_uint(mask), buffer)
    _check(_libc.syscall(number, *arguments))
    return bytearray(buffer.raw)


def fstatfs(number: int, fd: int, size: int) -> bytearray:
    """The ``struct statfs`` of an open file; *number* is that of fstatfs(2)."""
    buffer = (ctypes.c_char * size)()
    _check(_libc.syscall(number, ctypes.c_int(fd), buffer))
    return bytearray(buffer.raw)


def open_in_root(root: int, path: str, flags: int) -> int:
    """openat2(2) with RESOLVE_IN_ROOT: *root* is the root directory of all links; OSError.

    A rename or a mount anywhere makes the kernel unsure of a ``..``: EAGAIN, try again.
    """
    how = struct.pack("=QQQ", flags, 0, _RESOLVE_IN_ROOT)
    arguments = (ctypes.c_int(root), os.fsencode(path), how, ctypes.c_size_t(len(how)))
    for _ in range(_ATTEMPTS):
        fd: int = _libc.syscall(_NR_OPENAT2, *arguments)
        if fd >= 0 or ctypes.get_errno() != errno.EAGAIN:
            break
    return _check(fd)


def _open_process(task: int) -> int:
    try:
        return os.pidfd_open(task)
    except OSError:  # not the first thread of its process
        for line in Path(f"/proc/{task}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("Tgid:"):
                return os.pidfd_open(int(line.split()[1]))
        raise


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

"""Namespaces of a run's own: mounts, and a user's or the network's where need be."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rprocfs.errors import CommandError
from rprocfs_fuse.linux import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    mount,
    unshare,
)
from rprocfs_fuse.mountpoint import mounts

#: A directory that is on every Linux and that nothing of ours reads: a tmpfs is put on it.
STAGE = "/sys/fs"
#: Where the tree is mounted. The command sees neither.
MOUNTPOINT = f"{STAGE}/rprocfs"
#: How often processes are looked for that others may be making meanwhile.
_ROUNDS = 50

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1

ROOT_NOT_MOUNTED = (
    "/: not the root of a mount, so others would see what is mounted: "
    "mount --bind DIR DIR before chroot DIR"
)
NO_USER_NAMESPACE = (
    "not allowed to mount: that takes CAP_SYS_ADMIN (start the container with --cap-add SYS_ADMIN) "
    "or user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
    "kernel.apparmor_restrict_unprivileged_userns)"
)


def enter(*, network: bool) -> None:
    """Give the calling process, which must have one thread, mounts of its own.

    Without the privilege it becomes root of a user namespace of its own. *network*: a
    network of its own too, with nothing but a loopback. CommandError.
    """
    wanted = CLONE_NEWNS | (CLONE_NEWNET if network else 0)
    try:
        unshare(wanted)
    except PermissionError:
        _enter_as_user(wanted)
    try:
        mount("none", "/", MS_REC | MS_PRIVATE)
        mount("none", STAGE, 0, "tmpfs")
    except PermissionError as problem:
        raise CommandError(NO_USER_NAMESPACE) from problem
    except OSError as problem:
        if problem.errno == errno.EINVAL and problem.filename == "/":
            raise CommandError(ROOT_NOT_MOUNTED) from problem
        raise
    Path(MOUNTPOINT).mkdir()
    if network:
        _loopback_up()


def remount_proc() -> None:
    """Mount the /proc of the caller's PID namespace, with what is mounted in the old one.

    OSError: a container hides parts of its own, and the kernel lets nobody see more.
    """
    place = f"{STAGE}/proc"
    Path(place).mkdir(exist_ok=True)
    mount("proc", place, MS_NOSUID | MS_NODEV | MS_NOEXEC, "proc")
    for entry in [entry for entry in mounts() if entry.mountpoint.startswith("/proc/")]:
        with suppress(OSError):  # of a process, or in what was covered
            below = entry.mountpoint.removeprefix("/proc")
            mount(f"/proc{below}", f"{place}{below}", MS_BIND)
    mount(place, "/proc", MS_BIND | MS_REC)


def open_mounts() -> int:
    """A descriptor of the caller's mount namespace.

    While it is open, no other namespace gets the number of this one.
    """
    return os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)


def end(namespace: int, listener: int | None = None) -> None:
    """Kill every process in a mount namespace, given its descriptor, until there is none.

    Who does nothing but fork may be another one each time that we look: that none was seen
    is believed if the kernel says so too, by the *listener* for their system calls.
    """
    number = os.fstat(namespace).st_ino
    filtered = select.poll()
    if listener is not None:
        filtered.register(listener, 0)
    for _ in range(_ROUNDS):
        found = _kill_all(number)
        if not found and (listener is None or filtered.poll(0)):
            return
        time.sleep(0.01)


def end_descendants(spared: int) -> None:
    """Kill and reap all that descends from the calling process, a subreaper, until there is none.

    Not the child *spared*, nor what descends from that.
    """
    for _ in range(_ROUNDS):
        found = list(_descendants(os.getpid(), spared))
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for pid in found:
            with suppress(ChildProcessError):  # it may be another's child still
                os.waitpid(pid, os.WNOHANG)
        if not found:
            return
        time.sleep(0.01)


def _descendants(process: int, spared: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for pid in _processes():
        with suppress(OSError, ValueError, IndexError):
            line = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
            parents.setdefault(int(line.rpartition(")")[2].split()[1]), []).append(pid)
    left = [process]
    while left:
        children = [pid for pid in parents.get(left.pop(), []) if pid != spared]
        left += children
        yield from children


def _processes() -> list[int]:
    with os.scandir("/proc") as entries:
        return [int(entry.name) for entry in entries if entry.name.isdecimal()]


def _kill_all(number: int) -> bool:
    """Was there any."""
    found = False
    for pid in sorted(_processes(), reverse=True):  # the newest first, while it is there
        with suppress(OSError):
            process = os.pidfd_open(pid)
            try:
                if Path(f"/proc/{pid}/ns/mnt").stat().st_ino == number:
                    found = True
                    signal.pidfd_send_signal(process, signal.SIGKILL)
            finally:
                os.close(process)
    return found


def _enter_as_user(wanted: int) -> None:
    uid, gid = os.geteuid(), os.getegid()
    packages = [place for place in sys.path if _readable(place)]
    try:
        unshare(wanted | CLONE_NEWUSER)
        _write("setgroups", "deny")
        _write("uid_map", f"0 {uid} 1")
        _write("gid_map", f"0 {gid} 1")
    except OSError as problem:
        if problem.errno in (errno.EPERM, errno.ENOSPC, errno.EINVAL, errno.EACCES):
            raise CommandError(NO_USER_NAMESPACE) from problem
        raise
    for place in packages:
        if not _readable(place):
            raise CommandError(
                f"{place}: not readable for root of a user namespace: let others read it, "
                "or run with CAP_SYS_ADMIN"
            )


def _readable(directory: str) -> bool:
    return os.access(directory or ".", os.R_OK | os.X_OK)


def _write(name: str, text: str) -> None:
    Path("/proc/self", name).write_text(text, "ascii")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", 0)
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", answer, 16)
        request = struct.pack("16sh22x", b"lo", flags | _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)

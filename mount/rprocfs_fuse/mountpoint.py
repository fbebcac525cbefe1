"""Mounting and unmounting: mount(2), fusermount3 and /proc/self/mountinfo."""

from __future__ import annotations

import array
import errno
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rprocfs.errors import CommandError
from rprocfs_fuse import linux
from rprocfs_fuse.linux import (
    MNT_DETACH,
    MNT_FORCE,
    MS_NODEV,
    MS_NOSUID,
    MS_RDONLY,
    UMOUNT_NOFOLLOW,
    umount,
)

FSTYPE = "fuse.rprocfs"
SOURCE = "rprocfs"
DEVICE = "/dev/fuse"

#: Seconds until a daemon that does not answer is taken for hung.
ANSWER = 5.0
#: Seconds that fusermount3 may take.
PATIENCE = 10.0

LAZY = "see rprocfs umount --lazy"
#: What a host and what a container lacks.
NO_DEVICE = (
    f"{DEVICE}: missing: load the kernel's module (modprobe fuse), or start the container "
    f"with --device {DEVICE}"
)
DEVICE_REFUSED = f"{DEVICE}: {{}}: start the container with --device {DEVICE}"
MAY_NOT_MOUNT = (
    "{}: may not be mounted on: that takes CAP_SYS_ADMIN (start the container with "
    "--cap-add SYS_ADMIN), or a user namespace (unshare -rm)"
)
NEEDS_FUSERMOUNT = (
    "fusermount3 was not found: install the package fuse3, or run in a user namespace (unshare -rm)"
)


@dataclass(frozen=True, slots=True)
class Mountinfo:
    """One line of /proc/self/mountinfo. *owner* is the user that mounted it, -1 if unknown."""

    device: str
    mountpoint: str
    fstype: str
    source: str
    owner: int

    @property
    def ours(self) -> bool:
        """Whether it is a filesystem of this program."""
        return self.fstype == FSTYPE


def mounts() -> Iterator[Mountinfo]:
    """What is mounted, in order: a later mount covers an earlier one."""
    for line in Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines():
        front, _, back = line.partition(" - ")
        fields, (fstype, source, *options) = front.split(" "), back.split(" ")
        owner = re.search(r"(?:^|,)user_id=(\d+)(?:,|$)", options[-1] if options else "")
        number = int(owner[1]) if owner else -1
        yield Mountinfo(fields[2], _unescape(fields[4]), fstype, _unescape(source), number)


def find_mount(mountpoint: str) -> Mountinfo | None:
    """What is mounted on exactly this directory, if anything."""
    found = None
    for entry in mounts():
        if entry.mountpoint == mountpoint:
            found = entry
    return found


def find_mount_of(directory: str | os.PathLike[str]) -> tuple[str, Mountinfo | None]:
    """The absolute path of *directory* and what is mounted there, without accessing it.

    An access would hang if the daemon of the filesystem does not answer.
    """
    path = Path(directory).absolute()
    where = str(path.parent.resolve() / path.name)
    entry = find_mount(where)
    if entry is None:
        where = os.path.realpath(directory)
        entry = find_mount(where)
    return where, entry


def answers(where: str) -> int | None:
    """The errno of a stat(2) of *where*, 0 if it succeeds; None without an answer in time."""
    return within(ANSWER, lambda: _errno_of_stat(where))


def _errno_of_stat(where: str) -> int:
    try:
        Path(where).stat()
    except OSError as problem:
        return problem.errno or errno.EIO
    return 0


def within(seconds: float, ask: Callable[[], int]) -> int | None:
    """What *ask* returns; None if it does not within *seconds*.

    It is called in a process of its own, since a request that a daemon took cannot even be
    killed. Call it before any thread is made.
    """
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(theirs, str(ask()).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    try:
        ready = select.select([ours], [], [], seconds)[0]
        answer = os.read(ours, 32) if ready else b""
    finally:
        os.close(ours)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0 if answer else os.WNOHANG)
    return int(answer) if answer else None


def abort(device: str) -> None:
    """Have the kernel end the connection of the filesystem *device*; all requests fail.

    -- Documentation/filesystems/fuse.rst, "Aborting a filesystem connection".
    """
    minor = device.partition(":")[2]
    with suppress(OSError):
        Path(f"/sys/fs/fuse/connections/{minor}/abort").write_text("1", "ascii")


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def prepare(directory: str | os.PathLike[str]) -> str:
    """Check that *directory* can be mounted on, and return its absolute path.

    A mount of ours whose daemon died is detached first. CommandError.
    """
    where, entry = find_mount_of(directory)
    if entry is not None and entry.ours:
        code = answers(where)
        if code is None:
            raise CommandError(f"{directory}: mounted, but its daemon does not answer: {LAZY}")
        if code != errno.ENOTCONN:
            raise CommandError(f"{directory}: already mounted, see rprocfs umount")
        unmount(where, lazy=True)
        return prepare(directory)
    try:
        mode = Path(where).stat().st_mode
    except OSError as problem:
        raise CommandError(f"{directory}: {problem.strerror}") from problem
    if not stat.S_ISDIR(mode):
        raise CommandError(f"{directory}: {os.strerror(errno.ENOTDIR)}")
    return where


def mount(
    mountpoint: str, *, allow_other: bool, read_only: bool = False, source: str = SOURCE
) -> int:
    """Mount on *mountpoint* and return the connection to the kernel. CommandError."""
    check_device()
    if os.geteuid() == 0:
        return _mount_as_root(source, mountpoint, read_only=read_only)
    return _mount_as_user(source, mountpoint, allow_other=allow_other, read_only=read_only)


def check_device() -> None:
    """Check that /dev/fuse exists and can be opened. CommandError."""
    if not Path(DEVICE).exists():
        raise CommandError(NO_DEVICE)
    if os.geteuid() == 0:
        try:
            os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
        except PermissionError as problem:
            raise CommandError(DEVICE_REFUSED.format(problem.strerror)) from problem


def fsname(source: str) -> str:
    """*source* as a value in a comma list of libfuse."""
    return re.sub(r"[\\,]", r"\\\g<0>", source)


def unmount(mountpoint: str, *, lazy: bool = False, force: bool = False) -> None:
    """umount(2) or fusermount3; *force* ends its connection too. OSError or CommandError."""
    if os.geteuid() == 0:
        flags = UMOUNT_NOFOLLOW | (MNT_DETACH if lazy else 0) | (MNT_FORCE if force else 0)
        umount(mountpoint, flags)
        return
    command = [_fusermount(), "-u", *(["-z"] if lazy else []), "--", mountpoint]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired as problem:
        raise CommandError(f"{mountpoint}: fusermount3 does not end") from problem
    if done.returncode:
        raise CommandError(_last_line(done.stderr))


def detach(device: str, mountpoint: str) -> None:
    """Take the filesystem *device* off *mountpoint*, if it is still there."""
    entry = find_mount(mountpoint)
    if entry is not None and entry.device == device:
        unmount(mountpoint, lazy=True)


def _mount_as_root(source: str, mountpoint: str, *, read_only: bool) -> int:
    fd = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    try:
        data = f"fd={fd},rootmode=40000,user_id=0,group_id={os.getegid()}"
        data += ",allow_other" if _has_others() else ""
        flags = MS_NOSUID | MS_NODEV | (MS_RDONLY if read_only else 0)
        linux.mount(source, mountpoint, flags, FSTYPE, data)
    except BaseException as problem:
        os.close(fd)
        if isinstance(problem, PermissionError):
            raise CommandError(MAY_NOT_MOUNT.format(mountpoint)) from problem
        raise
    return fd


def _has_others() -> bool:
    """Whether there are other users in this user namespace.

    If there are none, ``allow_other`` would lock out the user that made the namespace.
    """
    ranges = Path("/proc/self/uid_map").read_text("ascii").split()
    return ranges[2:] != ["1"]


def _mount_as_user(source: str, mountpoint: str, *, allow_other: bool, read_only: bool) -> int:
    options = f"fsname={fsname(source)},subtype={SOURCE},nosuid,nodev"
    options += ",allow_other" if allow_other else ""
    options += ",ro" if read_only else ""
    command = [_fusermount(), "-o", options, "--", mountpoint]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        environment = {**os.environ, "_FUSE_COMMFD": str(theirs.fileno())}
        done = subprocess.run(
            command,
            env=environment,
            pass_fds=[theirs.fileno()],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise CommandError(_last_line(done.stderr))
        return _receive_fd(ours)


def _receive_fd(end: socket.socket) -> int:
    room = socket.CMSG_SPACE(array.array("i").itemsize)
    _, messages, _, _ = end.recvmsg(1, room, socket.MSG_CMSG_CLOEXEC)
    for _, _, data in messages:
        return int.from_bytes(data[:4], "little")
    raise CommandError("fusermount3 handed no connection over")


def _fusermount() -> str:
    found = shutil.which("fusermount3")
    if found is None:
        raise CommandError(NEEDS_FUSERMOUNT)
    return found


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "fusermount3 failed"

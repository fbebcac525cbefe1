"""The system calls that a filesystem in userspace is not asked for, and we answer all the same.

syslog(2)
    has no file.
ioctl(2) of terminals
    The kernel copies for a file of ours as much as the number of the command says, and
    the oldest commands (TCGETS ...) say nothing.
read(2) and write(2) of nothing
    end in the kernel; for an endpoint they take, or are, a message.
stat(2) of a device node
    Ours are regular files, since FUSE leaves a device file to the kernel's driver of its
    number. ``test -c`` wants a device. The daemon sees to that itself if it may trace its callers
    (:mod:`callers`), and to the ioctls.
init_module(2), finit_module(2), delete_module(2)
    are for modules of the board (:mod:`modules`).
mount(2) and fsopen(2)
    of a debugfs or a configfs leave the board's (:mod:`mount_calls`).
statfs(2)
    says FUSE, where libudev wants a sysfs.

The second and the third are handed on to the open file itself: we take the caller's
descriptor and do an ioctl of our own on it (:mod:`operations`). The others are the
daemon's to know (:mod:`knowledge`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import stat
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rprocfs.base.syslog import Action
from rprocfs.fs import anon_inode
from rprocfs.fs.kernfs import error
from rprocfs.fs.wait import WouldBlock
from rprocfs.rpmsg.ctrl import ENDPOINT_FD_INFO, RPMSG_CREATE_EPT_FD_IOCTL
from rprocfs.tty.tty_io import FIONREAD, TtyHandle
from rprocfs_fuse import linux
from rprocfs_fuse.operations import (
    IOC_EMPTY_READ,
    IOC_EMPTY_WRITE,
    IOC_OPENS,
    OPENS,
    ioctl_number,
)
from rprocfs_fuse.run import namespace, paths, proc_calls, seccomp
from rprocfs_fuse.run.credentials import capabilities
from rprocfs_fuse.run.glance import AT_STATX_DONT_SYNC, Glance
from rprocfs_fuse.run.glance import glances as named_glances
from rprocfs_fuse.run.modules import ModuleCalls
from rprocfs_fuse.run.mount_calls import MountCalls
from rprocfs_fuse.run.readable import Readable
from rprocfs_fuse.run.seccomp import Call, Continue, Handler, Pick
from rprocfs_fuse.run.stat_calls import StatCalls
from rprocfs_fuse.run.statfs_calls import StatfsCalls
from rprocfs_fuse.run.uname import UnameCall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs_fuse.run.knowledge import Daemon


#: What syslog(2) does for everybody, as in check_syslog_permissions().
FOR_EVERYBODY = (Action.READ_ALL, Action.SIZE_BUFFER)
#: Or CAP_SYS_ADMIN, for historical reasons.
_CAP_SYSLOG = 1 << 34 | 1 << 21

#: Those that name a file.
STAT_CALLS = ("stat", "lstat", "fstat", "newfstatat", "statx")
#: Those that do, but for newfstatat(2), which with AT_EMPTY_PATH alone is what fstat(3) calls.
STAT_BY_NAME = ("stat", "lstat", "statx")
STATFS_CALLS = ("statfs", "fstatfs")


MOUNT_CALLS = ("mount", "fsopen")
MODULE_CALLS = ("init_module", "finit_module", "delete_module")


def filter_program(
    machine: str = "",
    *,
    devices: bool = True,
    traced: bool = False,
    device_tree: bool = False,
    uname: bool = False,
) -> bytes | None:
    """What the command filters itself with; None on a machine that we do not know.

    Without *devices*, stat(2) shows device nodes of ours as the regular files that they are,
    and no file is looked for in ``/proc/device-tree``. *traced*: the daemon itself shows device
    nodes as such, and does the ioctls that the kernel hands on to it. *device_tree*: also the
    calls that may name a file in there. *uname*: also uname(2).
    """
    known = seccomp.native(machine)
    if known is None:
        return None
    arch, numbers = known
    ioctls = (FIONREAD,) if traced else TtyHandle.ioctl_sizes
    picks = [
        Pick(numbers["syslog"]),
        Pick(numbers["ioctl"], 1, (*ioctls, RPMSG_CREATE_EPT_FD_IOCTL)),
        Pick(numbers["write"], 2, (0,)),
        Pick(numbers["read"], 2, (0,)),
        *(Pick(numbers[name]) for name in (*MODULE_CALLS, *MOUNT_CALLS)),
    ]
    named = [*STATFS_CALLS, *(["uname"] if uname else [])]
    if devices and not traced:
        named += STAT_CALLS
    elif devices and device_tree:
        named += STAT_BY_NAME
        picks += [Pick(numbers["newfstatat"], 3, (linux.AT_EMPTY_PATH,), others=True)]
    elif devices:
        picks += [Pick(numbers["statx"], 2, flags=linux.AT_EMPTY_PATH | AT_STATX_DONT_SYNC)]
    named += proc_calls.HANDLERS if device_tree and devices else ()
    picks += [Pick(numbers[name]) for name in named if name in numbers]
    return seccomp.program(arch, picks)


def handlers(daemon: Daemon, device: int, release: str | None) -> Mapping[int, Handler]:
    """The answers, by the number of the call; *device* is our mount's ``st_dev``.

    *release* is what uname(2) says, if that is asked for.
    """
    known = seccomp.native()
    if known is None:
        return {}
    numbers = known[1]
    files = FileCalls(device)
    stats = StatCalls(daemon, device, platform.machine(), numbers)
    by_name: dict[str, Handler] = {
        "syslog": SyslogCall(daemon),
        "ioctl": files.ioctl,
        "write": files.write,
        "read": files.read,
        **stats.handlers(),
        **StatfsCalls(device, numbers).handlers(),
        **proc_calls.HANDLERS,
        **ModuleCalls(daemon).handlers(),
        **MountCalls(device).handlers(),
        "uname": UnameCall(release or ""),
    }
    return {numbers[name]: call for name, call in by_name.items() if name in numbers}


def glances(*, traced: bool = False) -> Mapping[int, Glance]:
    """The calls that are nearly always the kernel's, by their number; for one thread.

    *traced*: see :func:`filter_program`.
    """
    known = seccomp.native()
    numbers = known[1] if known else {}
    named = named_glances(traced=traced)
    return {numbers[name]: look for name, look in named.items() if name in numbers}


class SyslogCall:
    """syslog(type, buffer, length)."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def __call__(self, call: Call) -> int:
        """As do_syslog(); EPERM, but for reading, without CAP_SYSLOG in one's namespace."""
        kind, length = paths.number(call.args[0]), paths.number(call.args[2])
        if kind not in FOR_EVERYBODY and not capabilities(call) & _CAP_SYSLOG:
            raise error(errno.EPERM)
        if kind in (Action.READ, Action.READ_ALL, Action.READ_CLEAR) and not call.args[1]:
            raise error(errno.EINVAL)
        result, data = self._daemon.syslog(kind, length)
        if data:
            call.write(call.args[1], data)
        return result


class FileCalls:
    """Calls on descriptors of files on *device*; all others are the kernel's."""

    def __init__(self, device: int) -> None:
        self._device = device
        self._readable = Readable()

    def ioctl(self, call: Call) -> int:
        """ioctl(fd, command, argument) of a terminal, or one that opens a file."""
        command, argument = call.args[1] & 0xFFFFFFFF, call.args[2]
        if command == RPMSG_CREATE_EPT_FD_IOCTL:
            return self._create_ept_fd(call, argument)
        takes, gives = TtyHandle.ioctl_sizes[command]
        with self._borrowed(call) as fd:
            buffer = bytearray(call.read(argument, takes) if takes else bytes(gives))
            fcntl.ioctl(fd, ioctl_number(command, takes, gives), buffer)
            if gives:
                call.write(argument, bytes(buffer))
        return 0

    def _create_ept_fd(self, call: Call, argument: int) -> int:
        """The descriptor goes into the caller's table, its number behind *argument*."""
        with self._borrowed(call) as fd:
            info = call.read(argument, ENDPOINT_FD_INFO.size)
            name, src, dst, flags, _ = ENDPOINT_FD_INFO.unpack(info)
            buffer = bytearray(OPENS.pack(RPMSG_CREATE_EPT_FD_IOCTL, info))
            fcntl.ioctl(fd, IOC_OPENS, buffer)
        place = f"{namespace.MOUNTPOINT}/{anon_inode.PLACE}/{OPENS.unpack(buffer)[0]}"
        opened = os.open(place, flags & (os.O_ACCMODE | os.O_NONBLOCK) | os.O_CLOEXEC)
        try:
            number = call.give(opened, cloexec=bool(flags & os.O_CLOEXEC))
        finally:
            os.close(opened)
        call.write(argument, ENDPOINT_FD_INFO.pack(name, src, dst, flags, number))
        return 0

    def write(self, call: Call) -> int:
        """write(fd, buffer, 0)."""
        return self._nothing(call, IOC_EMPTY_WRITE, os.O_RDONLY)

    def read(self, call: Call) -> int:
        """read(fd, buffer, 0)."""
        return self._nothing(call, IOC_EMPTY_READ, os.O_WRONLY)

    def _nothing(self, call: Call, command: int, forbidden: int) -> int:
        if call.args[2]:  # more than 4 GiB
            raise Continue
        with self._borrowed(call) as fd:
            flags = fcntl.fcntl(fd, fcntl.F_GETFL)
            if flags & os.O_ACCMODE == forbidden:
                raise error(errno.EBADF)
            try:
                fcntl.ioctl(fd, command, 0)
            except BlockingIOError:
                if command != IOC_EMPTY_READ or flags & os.O_NONBLOCK:
                    raise
                raise WouldBlock(self._readable.queue(call, fd)) from None
        return 0

    @contextmanager
    def _borrowed(self, call: Call) -> Iterator[int]:
        """The open file behind the caller's descriptor, if it is ours; Continue."""
        try:
            fd = linux.pidfd_getfd(call.pid, paths.number(call.args[0]))
        except OSError:
            raise Continue from None
        try:
            call.check()
            status = os.fstat(fd)
            if status.st_dev != self._device or not stat.S_ISREG(status.st_mode):
                raise Continue
            yield fd
        finally:
            os.close(fd)

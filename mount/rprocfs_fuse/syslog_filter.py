"""syslog(2) answered by us: a seccomp filter hands the call, and no other, to the daemon.

The command installs the filter before it is executed, and sends the listener to the
daemon, whose :class:`SyslogServer` answers from the tree's log. Without the daemon the
call fails with ENOSYS, which dmesg(1) reports. Documentation: seccomp_unotify(2).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import logging
import os
import platform
import select
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass

from rprocfs.base.kmsg import Kmsg
from rprocfs.base.syslog import Syslog
from rprocfs.fs.wait import WouldBlock
from rprocfs_fuse import linux

logger = logging.getLogger(__name__)

#: Machine to the (AUDIT_ARCH_*, __NR_syslog) pairs of the programs that it runs.
CALLS = {
    "x86_64": ((0xC000003E, 103), (0x40000003, 103)),
    "aarch64": ((0xC00000B7, 116), (0x40000028, 103)),
}

_SECCOMP_SET_MODE_FILTER = 1
_FLAG_SPEC_ALLOW = 1 << 2
_FLAG_NEW_LISTENER = 1 << 3
_RET_ALLOW = 0x7FFF0000
_RET_USER_NOTIF = 0x7FC00000

_LD_ABS = 0x20
_JEQ = 0x15
_RET = 0x06

_NOTIF = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")
_NOTIF_RECV = 0xC0502100
_NOTIF_SEND = 0xC0182101
_NOTIF_ID_VALID = 0x40082102


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def program(calls: tuple[tuple[int, int], ...]) -> bytes:
    """The filter: notify for each (architecture, number), allow everything else."""
    steps: list[tuple[int, int, int, int]] = []
    for arch, number in calls:
        steps += [(_LD_ABS, 0, 0, 4), (_JEQ, 0, 3, arch)]
        steps += [(_LD_ABS, 0, 0, 0), (_JEQ, 0, 1, number), (_RET, 0, 0, _RET_USER_NOTIF)]
    steps.append((_RET, 0, 0, _RET_ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def install() -> int | None:
    """Filter the calling process and all that it starts; the listener, None where it cannot be."""
    calls = CALLS.get(platform.machine())
    if calls is None:
        return None
    code = program(calls)
    compiled = _Program(len(code) // 8, code)
    flags = _FLAG_NEW_LISTENER | _FLAG_SPEC_ALLOW
    try:
        return linux.seccomp(_SECCOMP_SET_MODE_FILTER, flags, compiled)
    except OSError:
        return None  # an outer filter has a listener already, or forbids it


@dataclass(frozen=True, slots=True)
class Notification:
    """``struct seccomp_notif``: process *pid* called syslog(kind, buffer, length)."""

    id: int
    pid: int
    kind: int
    buffer: int
    length: int


class SyslogServer:
    """Answers the calls that come in on *listener*, which it closes, from *kmsg*."""

    def __init__(self, listener: int, kmsg: Kmsg) -> None:
        self._listener = listener
        self._kmsg = kmsg
        self._syslog = Syslog(kmsg)
        self._waiting: list[Notification] = []
        self._event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="rprocfs-syslog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; from now on the call fails with ENOSYS."""
        self._closing = True
        os.eventfd_write(self._event, 1)
        self._thread.join()
        os.close(self._listener)
        os.close(self._event)

    def _run(self) -> None:
        poller = select.poll()
        poller.register(self._listener, select.POLLIN)
        poller.register(self._event, select.POLLIN)
        while not self._closing:
            for fd, events in poller.poll():
                if fd == self._event:
                    os.eventfd_read(self._event)
                    self._retry()
                elif events & select.POLLIN:
                    self._receive()
                else:  # nobody is filtered any more
                    poller.unregister(fd)
        self._kmsg.wait_queue.remove(self._wake)

    def _wake(self) -> None:
        os.eventfd_write(self._event, 1)

    def _receive(self) -> None:
        buffer = bytearray(_NOTIF.size)
        try:
            fcntl.ioctl(self._listener, _NOTIF_RECV, buffer)
        except OSError:
            return  # the caller is gone meanwhile
        number, pid, _, _, _, _, kind, where, length, *_ = _NOTIF.unpack(buffer)
        self._serve(Notification(number, pid, _signed(kind), where, _signed(length)))

    def _retry(self) -> None:
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            if self._valid(call):
                self._serve(call)

    def _serve(self, call: Notification) -> None:
        try:
            if call.kind in (2, 3, 4) and not call.buffer:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            result, data = self._try(call)
            if data:
                self._copy_out(call, data)
        except WouldBlock:
            self._waiting.append(call)
        except OSError as problem:
            self._answer(call, 0, problem.errno or errno.EIO)
        else:
            self._answer(call, result, 0)

    def _try(self, call: Notification) -> tuple[int, bytes]:
        try:
            return self._syslog.call(call.kind, call.length)
        except WouldBlock as wait:
            wait.queue.add(self._wake)
        return self._syslog.call(call.kind, call.length)  # it may have come in between

    def _copy_out(self, call: Notification, data: bytes) -> None:
        try:
            fd = os.open(f"/proc/{call.pid}/mem", os.O_WRONLY | os.O_CLOEXEC)
        except OSError as problem:
            logger.warning("syslog(2) of process %d: %s", call.pid, problem.strerror)
            raise
        try:
            if self._valid(call) and os.pwrite(fd, data, call.buffer) != len(data):
                raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        except OSError as problem:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT)) from problem
        finally:
            os.close(fd)

    def _valid(self, call: Notification) -> bool:
        """Is it still this process that waits, and not another one of the same number."""
        try:
            fcntl.ioctl(self._listener, _NOTIF_ID_VALID, struct.pack("=Q", call.id))
        except OSError:
            return False
        return True

    def _answer(self, call: Notification, result: int, code: int) -> None:
        with suppress(OSError):  # a signal was faster
            response = _RESPONSE.pack(call.id, result, -code, 0)
            fcntl.ioctl(self._listener, _NOTIF_SEND, response)


def _signed(word: int) -> int:
    """The ``int`` that a register holds."""
    return (word & 0xFFFFFFFF ^ 0x80000000) - 0x80000000

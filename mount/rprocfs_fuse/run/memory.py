"""The memory of callers: a process of its own reads and writes it.

A page of it may be one of a file of our own mount. To touch it is to wait for ourselves, and if we
are killed meanwhile, the kernel waits for the answer until ``/dev/fuse`` is closed: it never is
if the thread that waits has it open (``request_wait_answer()`` -- fs/fuse/dev.c). So what touches
the memory is a process that has nothing of ours open.

A page may also never come: it is for another program to provide (userfaultfd(2)), or for a read of
our kernel log. A caller that is killed has to end all the same.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from rprocfs.fs.kernfs import error
from rprocfs.fs.wait import Task
from rprocfs_fuse import linux

#: Task, address and size; what is to be written follows.
_REQUEST = struct.Struct("=iQI")
#: An errno, and the bytes read or written.
_REPLY = struct.Struct("=ii")
#: More than any request or reply takes.
_LONGEST = 1024
#: Seconds between two looks at whether to go on waiting for a page.
_PATIENCE = 1.0
#: More than the kernel gives to a process without being asked (``fs.nr_open``).
_DESCRIPTORS = 1 << 20


class Memory:
    """A context manager; to be made before there are threads and anything to keep open."""

    def __init__(self) -> None:
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = os.fork()
            if not self._process:
                _run(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self._door.close()
        os.waitpid(self._process, 0)

    def read(self, task: int, address: int, size: int) -> bytes:
        """See :func:`linux.read_memory`; EINTR as a page does not come.

        That is once there is a signal for the current task, or soon, if there is no such task.
        """
        count, data = self._ask(_REQUEST.pack(task, address, size))
        return data[:count]

    def write(self, task: int, address: int, data: bytes) -> int:
        """See :func:`linux.write_memory` and :meth:`read`."""
        return self._ask(_REQUEST.pack(task, address, len(data)) + data)[0]

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("=i", theirs.fileno()))
                self._door.sendmsg([request], [rights], socket.MSG_NOSIGNAL)
            reply = _receive(ours)
        if not reply:
            raise error(errno.EIO)
        code, count = _REPLY.unpack_from(reply)
        if code:
            raise error(code)
        return count, reply[_REPLY.size :]


def _receive(ours: socket.socket) -> bytes:
    ours.settimeout(_PATIENCE)
    task = Task.current()
    while True:
        try:
            return ours.recv(_LONGEST)
        except TimeoutError:
            if task is None or task.signal_pending:
                raise error(errno.EINTR) from None


def _run(door: socket.socket) -> None:
    """Serve until the other end is closed, as it is when the daemon is killed. Does not return."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.closerange(0, door.fileno())
        os.closerange(door.fileno() + 1, _DESCRIPTORS)
        while True:
            request, fds, *_ = socket.recv_fds(door, _LONGEST, 1)
            if not request:
                break
            # One that waits keeps none of the others waiting.
            threading.Thread(target=_answer, args=(request, *fds), daemon=True).start()
    finally:
        os._exit(0)


def _answer(request: bytes, fd: int) -> None:
    task, address, size = _REQUEST.unpack_from(request)
    data = request[_REQUEST.size :]
    code = count = 0
    try:
        if data:
            count, data = linux.write_memory(task, address, data), b""
        else:
            data = linux.read_memory(task, address, size)
            count = len(data)
    except OSError as problem:
        code = problem.errno or errno.EFAULT
    with socket.socket(fileno=fd) as asking, suppress(OSError):
        asking.send(_REPLY.pack(code, count) + data, socket.MSG_NOSIGNAL)

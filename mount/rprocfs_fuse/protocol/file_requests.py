"""Requests about open files: open, read, write, poll, ioctl, release.

What answers from memory is answered on the reader's thread; what would block is parked,
and what sleeps runs on a worker.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rprocfs.fs.kernfs import Handle, Node, error
from rprocfs.fs.wait import Task, WouldBlock
from rprocfs_fuse.operations import Operations, ioctl
from rprocfs_fuse.permission import Caller
from rprocfs_fuse.protocol import wire
from rprocfs_fuse.protocol.node_requests import Handler, NodeRequests, reply
from rprocfs_fuse.protocol.wire import HEADER_SIZE, WRITE_DATA, Opcode
from rprocfs_fuse.waiting.closing import Closing
from rprocfs_fuse.waiting.flock import Flocks
from rprocfs_fuse.waiting.parked import Call, ParkingLot
from rprocfs_fuse.waiting.polling import PollWatch
from rprocfs_fuse.waiting.workers import Workers

_O_NONBLOCK = os.O_NONBLOCK
_read_in = wire.READ_IN.unpack_from
_header = wire.OUT_HEADER.pack
IOCTL_OK = wire.IOCTL_OUT.pack(0, 0, 0, 0)


class _Files(dict[int, Handle]):
    """Open files, by the number that the kernel has of them."""

    def __missing__(self, number: int) -> Handle:
        raise error(errno.EBADF)


def _written(size: int) -> bytes:
    return wire.WRITE_OUT.pack(size, 0)


def _ioctl_done(out_size: int, out: bytes) -> bytes:
    """ENOTTY if the number did not say that anything is to be copied: garbage is worse."""
    if len(out) > out_size:
        raise error(errno.ENOTTY)
    return IOCTL_OK + out


def _locked(_none: None) -> bytes:
    return b""


def _read(data: bytes | int) -> bytes:
    return data if isinstance(data, bytes) else b""


class FileRequests(NodeRequests):
    """The open files of a mount. *send* writes a message to the kernel."""

    def __init__(
        self,
        operations: Operations,
        send: Callable[[bytes], None],
        missed: Callable[[Node, str], None],
    ) -> None:
        super().__init__(operations, missed)
        self.send = send
        self.lot = ParkingLot(self._answer, self._refuse, self._offload)
        self.workers = Workers("rprocfs-worker")
        self.closing = Closing(self.workers)
        self.tasks: dict[int, Task] = {}
        self.files = _Files()
        self.flocks = Flocks()
        self._watches: dict[int, PollWatch] = {}

    def table(self) -> Mapping[int, tuple[int, Handler]]:
        """Opcode to the least size of its arguments and its method."""
        return {
            **super().table(),
            Opcode.OPEN: (wire.OPEN_IN.size, self.open),
            Opcode.CREATE: (wire.CREATE_IN.size + 2, self.create),
            Opcode.READ: (wire.READ_IN.size, self.read),
            Opcode.WRITE: (wire.WRITE_IN.size, self.write),
            Opcode.IOCTL: (wire.IOCTL_IN.size, self.ioctl),
            Opcode.POLL: (wire.POLL_IN.size, self.poll),
            Opcode.LSEEK: (wire.LSEEK_IN.size, self.lseek),
            Opcode.FSYNC: (wire.FSYNC_IN.size, self.fsync),
            Opcode.SETLK: (wire.LK_IN.size, partial(self.flock, waits=False)),
            Opcode.SETLKW: (wire.LK_IN.size, partial(self.flock, waits=True)),
            Opcode.RELEASE: (wire.RELEASE_IN.size, self.release),
            Opcode.INTERRUPT: (wire.INTERRUPT_IN.size, self.interrupt),
        }

    def close(self, code: int, timeout: float) -> bool:
        """Answer waiting requests with *code*, interrupt sleeping ones, close files, end threads.

        False when an operation would not end within *timeout* seconds.
        """
        self.lot.close(code)
        for task in list(self.tasks.values()):
            task.interrupt()
        for watch in self._watches.values():
            watch.listen(None)
        for number in list(self.files):
            self.closing.close(self.files.pop(number))
        return self.workers.close(timeout)

    def open(self, unique: int, nodeid: int, _end: int, caller: Caller | None) -> bytes | None:
        """open(2)."""
        flags, _ = wire.OPEN_IN.unpack_from(self.buffer, HEADER_SIZE)
        run = partial(self.operations.open, self.nodes[nodeid], flags, caller)
        if self.closing.pending:
            self.lot.begin(Call(self.lot, unique, partial(self.closing.after, run), self._opened))
            return None
        return _header(32, 0, unique) + self._opened(run())

    def _opened(self, handle: Handle) -> bytes:
        number = next(self.numbers)
        self.files[number] = handle
        return wire.OPEN_OUT.pack(number, _open_flags(handle), 0)

    def create(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """open(2) with O_CREAT of a name that was not there when the kernel looked."""
        flags, mode, _, _ = wire.CREATE_IN.unpack_from(self.buffer, HEADER_SIZE)
        (name,) = self._strings(HEADER_SIZE + wire.CREATE_IN.size, end, 1)
        node, handle = self.operations.create(self.nodes[nodeid], name, mode, flags, caller)
        return reply(unique, self.entry(unique, node)[16:] + self._opened(handle))

    def read(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes | None:
        """read(2)."""
        number, offset, size, _, _, flags, _ = _read_in(self.buffer, HEADER_SIZE)
        handle = self.files[number]
        try:
            data = handle.read(size, offset)
        except WouldBlock:
            if flags & _O_NONBLOCK:
                raise
            self.lot.begin(Call(self.lot, unique, partial(handle.read, size, offset), _read))
            return None
        return _header(16 + len(data), 0, unique) + data

    def write(self, unique: int, _nodeid: int, end: int, _caller: Caller | None) -> bytes | None:
        """write(2)."""
        number, offset, size, _, _, flags, _ = _read_in(self.buffer, HEADER_SIZE)
        handle = self.files[number]
        if WRITE_DATA + size > end:
            raise error(errno.EINVAL)
        run = partial(handle.write, bytes(self.view[WRITE_DATA : WRITE_DATA + size]), offset)
        return self._perform(unique, handle, run, _written, flags)

    def ioctl(self, unique: int, nodeid: int, end: int, _caller: Caller | None) -> bytes | None:
        """ioctl(2): the kernel copied what the command's number says."""
        fields = wire.IOCTL_IN.unpack_from(self.buffer, HEADER_SIZE)
        number, ioctl_flags, cmd, arg, in_size, out_size = fields
        if ioctl_flags & wire.IOCTL_DIR:
            return reply(unique, IOCTL_OK + self.operations.ioctl_dir(self.nodes[nodeid], cmd))
        handle = self.files[number]
        start = HEADER_SIZE + wire.IOCTL_IN.size
        if start + in_size > end:
            raise error(errno.EINVAL)
        run = partial(ioctl, handle, cmd, arg, bytes(self.view[start : start + in_size]))
        return self._perform(unique, handle, run, partial(_ioctl_done, out_size), 0)

    def _perform(
        self,
        unique: int,
        handle: Handle,
        run: Callable[[], Any],
        pack: Callable[[Any], bytes],
        flags: int,
    ) -> bytes | None:
        if not handle.sleeps:
            try:
                return reply(unique, pack(run()))
            except WouldBlock:
                if flags & _O_NONBLOCK:
                    raise
        nonblock = bool(flags & _O_NONBLOCK)
        call = Call(self.lot, unique, run, pack, sleeps=handle.sleeps, nonblock=nonblock)
        if call.sleeps:
            self.tasks[unique] = call.task
        self.lot.begin(call)
        return None

    def poll(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        """poll(2): listen first, then look."""
        number, kh, flags, _ = wire.POLL_IN.unpack_from(self.buffer, HEADER_SIZE)
        handle = self.files[number]
        if flags & wire.POLL_SCHEDULE_NOTIFY and handle.wait_queue is not None:
            watch = self._watches.get(number)
            if watch is None:
                watch = self._watches[number] = PollWatch(self.lot, self._notify_poll, kh)
            watch.listen(handle.wait_queue)
        return reply(unique, wire.POLL_OUT.pack(handle.poll(), 0))

    def lseek(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        """lseek(2) with SEEK_DATA and SEEK_HOLE; never ENOSYS, or we are not asked again."""
        number, offset, whence, _ = wire.LSEEK_IN.unpack_from(self.buffer, HEADER_SIZE)
        return reply(unique, wire.LSEEK_OUT.pack(self.files[number].lseek(offset, whence)))

    def getattr(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """stat(2); of an open file, by which the kernel asks for the end on SEEK_END."""
        if self.buffer[HEADER_SIZE] & wire.GETATTR_FH:
            _, _, number = wire.GETATTR_IN.unpack_from(self.buffer, HEADER_SIZE)
            node, handle = self.nodes[nodeid], self.files.get(number)
            if handle is not None:
                return self.attributes(unique, node, handle.seek_end(node.size))
        return super().getattr(unique, nodeid, end, caller)

    def fsync(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        """fsync(2)."""
        number, *_ = wire.FSYNC_IN.unpack_from(self.buffer, HEADER_SIZE)
        self.files[number].fsync()
        return reply(unique)

    def flock(
        self, unique: int, nodeid: int, _end: int, _caller: Caller | None, *, waits: bool
    ) -> bytes | None:
        """flock(2). The kernel deals with the locks of fcntl(2) itself."""
        _, owner, _, _, kind, _, flags = wire.LK_IN.unpack_from(self.buffer, HEADER_SIZE)
        if not flags & wire.LK_FLOCK:
            raise error(errno.ENOSYS)
        node = self.nodes[nodeid]
        if kind == fcntl.F_UNLCK:
            self.flocks.unlock(node, owner)
            return reply(unique)
        run = partial(self.flocks.lock, node, owner, kind)
        self.lot.begin(Call(self.lot, unique, run, _locked, nonblock=not waits))
        return None

    def release(self, unique: int, nodeid: int, _end: int, _caller: Caller | None) -> bytes | None:
        """The last descriptor of an open file was closed."""
        number, _, flags, owner = wire.RELEASE_IN.unpack_from(self.buffer, HEADER_SIZE)
        if flags & wire.RELEASE_FLOCK_UNLOCK:
            self.flocks.unlock(self.nodes[nodeid], owner)
        handle = self.files[number]
        del self.files[number]
        watch = self._watches.pop(number, None)
        if watch is not None:
            watch.listen(None)
        self.closing.close(handle)
        return reply(unique)

    def interrupt(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> None:
        """Handle the signal of a caller: EINTR for a waiting request, a wake-up for a sleeping one.

        If the request is being tried or was just answered, the kernel is told to repeat the
        interrupt; it drops the interrupt if the answer came first.
        """
        (whose,) = wire.INTERRUPT_IN.unpack_from(self.buffer, HEADER_SIZE)
        task = self.tasks.get(whose)
        if self.lot.interrupt(whose):
            return
        if task is not None:
            task.interrupt()
        else:
            self._refuse(unique, errno.EAGAIN)

    def _offload(self, call: Call) -> None:
        self.workers.submit(partial(self._attempt, call))

    def _attempt(self, call: Call) -> None:
        with call.task.running():
            self.lot.attempt(call)

    def _answer(self, unique: int, payload: bytes) -> None:
        self.tasks.pop(unique, None)
        self.send(reply(unique, payload))

    def _refuse(self, unique: int, code: int) -> None:
        self.tasks.pop(unique, None)
        self.send(_header(16, -code, unique))

    def _notify_poll(self, kh: int) -> None:
        self.send(wire.NOTIFY_POLL_OUT.pack(24, wire.NOTIFY_POLL, 0, kh))


def _open_flags(handle: Handle) -> int:
    return wire.FOPEN_STREAM_FILE if handle.stream else wire.FOPEN_FILE

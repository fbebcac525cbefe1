"""The transport that speaks the kernel's protocol itself, on /dev/fuse.

One thread reads (with several, an INTERRUPT could overtake its request) and answers
from memory. It never does slow work and never touches its own mount.
"""

from __future__ import annotations

import errno
import logging
import os
import struct
import threading
from collections.abc import Callable

from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import Node, Tree, error
from rprocfs.lib import softirq
from rprocfs.locking import LockClass, new_lock, outside_locks
from rprocfs_fuse.mounted import Callers, Mounted, MountOptions
from rprocfs_fuse.mountpoint import detach, find_mount, mount
from rprocfs_fuse.operations import Operations, failure
from rprocfs_fuse.permission import Caller
from rprocfs_fuse.protocol import reader, wire
from rprocfs_fuse.protocol.device_requests import DeviceRequests
from rprocfs_fuse.protocol.doorbells import Doorbells
from rprocfs_fuse.protocol.file_requests import FileRequests
from rprocfs_fuse.protocol.invalidation import Invalidation
from rprocfs_fuse.protocol.node_requests import reply
from rprocfs_fuse.protocol.wire import HEADER_SIZE, Opcode

logger = logging.getLogger(__name__)

#: How long an operation that sleeps may keep :meth:`Connection.close` waiting, in seconds.
PATIENCE = 5.0
_header = wire.OUT_HEADER.pack
#: Requests that have no reply.
_SILENT = frozenset({Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.NOTIFY_REPLY})


class Connection:
    """One connection to the kernel and the thread that serves it.

    *fd* is an open /dev/fuse, or a socket that keeps messages apart; it is closed by
    :meth:`close`. *on_end* is called when the kernel ended the connection. *callers*: see
    :class:`~rprocfs_fuse.mounted.MountOptions`.
    """

    def __init__(
        self,
        fd: int,
        operations: Operations,
        on_end: Callable[[], None],
        callers: Callers | None = None,
    ) -> None:
        self.fd = fd
        self._write = outside_locks(os.write)
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, name="rprocfs-fuse", daemon=True)
        self.requests = (
            FileRequests(operations, self.send, self._missed)
            if callers is None
            else DeviceRequests(operations, self.send, self._missed, callers)
        )
        self._invalidation = Invalidation(operations.tree, self.requests.nodes, self.send)
        self._on_end = on_end
        self._stopping = False
        self._irqs = operations.tree.irqs
        self._doorbells = Doorbells(self._irqs, fd)
        self._privileged = operations.privileged
        self._table = {
            opcode: (HEADER_SIZE + least, handler)
            for opcode, (least, handler) in {
                **self.requests.table(),
                Opcode.INIT: (wire.INIT_IN.size, self._init),
                Opcode.DESTROY: (0, self._destroy),
                Opcode.NOTIFY_REPLY: (0, self._notify_reply),
            }.items()
        }

    def start(self) -> None:
        """Begin to serve."""
        reader.install()
        self.requests.lot.start()
        self._invalidation.start()
        self.thread.start()

    def close(self) -> None:
        """End the connection: answer all waiting requests and close everything."""
        self._invalidation.close()
        self._stopping = True
        self._doorbells.wake()
        number, self.fd = self.fd, reader.end_reading(self.fd, self.thread)
        os.close(number)
        self._doorbells.close()
        done = self.requests.close(errno.ENOTCONN, PATIENCE)
        os.close(self.fd)
        self.fd = -1
        if not done:
            logger.error("an operation does not end")

    def send(self, message: bytes) -> None:
        """Write one message. A request that is gone meanwhile needs no answer."""
        try:
            self._write(self.fd, message)
        except OSError as problem:
            if problem.errno == errno.EINVAL and message[8:16] != bytes(8):
                logger.exception("the kernel refused a reply: %r", message[:80])
                self._give_up(message)

    def _give_up(self, message: bytes) -> None:
        _, code, unique = wire.OUT_HEADER.unpack_from(message)
        if code != -errno.EIO:
            self.send(_header(16, -errno.EIO, unique))

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            self._doorbells.end()
            self._on_end()

    def _serve(self) -> None:
        """The loop: read, look up, call, write. It pays to keep it short."""
        fd, buffer, pending = self.fd, self.requests.buffer, softirq.enter()
        buffers, find, unknown = [buffer], self._table.get, (0, self._unknown)
        readv, unpack, write = os.readv, wire.IN_HEADER.unpack_from, self._write
        privileged, irqs, doorbells = self._privileged, self._irqs, self._doorbells
        while not self._stopping:
            if (irqs.news or doorbells.on) and not self._take_doorbells(pending):
                continue
            try:
                length = readv(fd, buffers)
            except OSError as problem:
                if problem.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    continue
                return
            if length < HEADER_SIZE:
                if length:
                    continue
                return
            opcode, unique, nodeid, uid, gid, pid = unpack(buffer)
            try:
                least, handler = find(opcode, unknown)
                if length < least:
                    raise error(errno.EINVAL)
                caller = None if uid in privileged else Caller(uid, gid, pid)
                answer = handler(unique, nodeid, length, caller)
            except Exception as problem:
                answer = _refusal(opcode, unique, problem)
            if answer is not None:
                try:
                    write(fd, answer)
                except OSError:
                    self.send(answer)
            if pending:
                softirq.run(pending)

    def _take_doorbells(self, pending: list[softirq.Action]) -> bool:
        """Wait for doorbells and requests; whether there is a request."""
        if self._irqs.news:
            self._doorbells.begin()
        asked = self._doorbells.wait()
        softirq.run(pending)
        return asked

    def _unknown(self, unique: int, *_: object) -> bytes | None:
        return _header(16, -errno.ENOSYS, unique) if unique else None

    def _missed(self, directory: Node, name: str) -> None:
        self._invalidation.missed(directory, name)

    def _init(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        major, minor, readahead, flags = wire.INIT_IN.unpack_from(self.requests.buffer, HEADER_SIZE)
        minor = min(minor, wire.KERNEL_MINOR_VERSION)
        if major < wire.KERNEL_VERSION or minor < wire.OLDEST_MINOR_VERSION:
            return _header(16, -errno.EPROTO, unique)
        self.ready.set()
        # fmt: off
        return reply(unique, wire.INIT_OUT.pack(
            wire.KERNEL_VERSION, minor, readahead, flags & wire.WANTED,
            1024, 768, wire.MAX_WRITE, 1, wire.MAX_PAGES, 0, 0,
        ))
        # fmt: on

    def _notify_reply(self, *_: object) -> None:
        """Never asked for; it has no reply."""

    def _destroy(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        return reply(unique)


def _refusal(opcode: int, unique: int, problem: Exception) -> bytes | None:
    code = errno.EINVAL if isinstance(problem, struct.error) else failure(problem)
    return None if opcode in _SILENT else _header(16, -code, unique)


class DevfuseMount(Mounted):
    """A mount by way of /dev/fuse."""

    def __init__(
        self, tree: Tree, mountpoint: str, options: MountOptions, on_end: Callable[[], None]
    ) -> None:
        callers, users = options.callers, {0, os.geteuid()}
        operations = Operations(tree, users, options.daemon, special=callers is not None)
        self._lock = new_lock(LockClass.MOUNT)
        self._stopped = False
        self._ended = threading.Event()
        self._on_end = on_end
        self.mountpoint = mountpoint
        fd = mount(
            mountpoint,
            allow_other=options.allow_other,
            read_only=options.read_only,
            source=options.source,
        )
        entry = find_mount(mountpoint)
        self._device = entry.device if entry else ""
        self._connection = Connection(fd, operations, self._connection_ended, callers)
        self._connection.start()
        if not self._connection.ready.wait(PATIENCE):
            self.stop()
            raise CommandError(f"{mountpoint}: the kernel does not talk to us")

    def wait(self) -> None:
        """See :meth:`Mounted.wait`."""
        self._ended.wait()

    def stop(self) -> None:
        """See :meth:`Mounted.stop`."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        try:
            if not self._ended.is_set():
                detach(self._device, self.mountpoint)
        finally:
            self._connection.close()

    def _connection_ended(self) -> None:
        self._ended.set()
        self._on_end()

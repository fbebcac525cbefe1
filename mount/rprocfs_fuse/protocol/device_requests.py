"""Device nodes that look like ones: what a name is depends on what its caller is about to do.

The kernel opens a device file by the driver of its number, and never asks us. So to whatever
may open it a node of ours is a regular file. A name that is only looked at, by stat(2), is the
special file of a board. The two never share an inode: a device node has another one for each
lookup (:meth:`~rprocfs_fuse.protocol.node_requests.NodeRequests.entry`), and the kernel
looks a name up each time that it is used.

An open file is the regular one, and an inode cannot change its type. What its stat(2) says is
changed in the memory of the caller, before that goes on.

The oldest ioctls of terminals do not say how much memory they mean, so the kernel copies
nothing. We read and write the memory of the caller, which waits for us.

What the caller is about to do is the transport's user's to say, and to change its memory
(:class:`~rprocfs_fuse.mounted.Callers`).
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import Handle, Node
from rprocfs_fuse.mounted import Callers, Show
from rprocfs_fuse.operations import Operations
from rprocfs_fuse.permission import Caller
from rprocfs_fuse.protocol import wire
from rprocfs_fuse.protocol.file_requests import IOCTL_OK, FileRequests
from rprocfs_fuse.protocol.node_requests import ENTRY_MODE, Handler
from rprocfs_fuse.protocol.wire import HEADER_SIZE, Opcode
from rprocfs_fuse.waiting.parked import Call

#: Set in the node ids of special files.
SPECIAL = 1 << 49
#: Where the mode is in the reply to GETATTR.
_ATTR_MODE = 92
#: Of ``struct fuse_attr``: the device number, seen from the mode.
_RDEV = 16
_NODEID_AT, _NODEID = 16, struct.Struct("=Q")
#: Seconds between two looks at a caller that was not asleep yet.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1

_T = TypeVar("_T")


class DeviceRequests(FileRequests):
    """Those of a mount that knows its *callers*."""

    def __init__(
        self,
        operations: Operations,
        send: Callable[[bytes], None],
        missed: Callable[[Node, str], None],
        callers: Callers,
    ) -> None:
        super().__init__(operations, send, missed)
        self._callers = callers
        self._closing = threading.Event()
        #: The stat(2) that a worker answers: the task, and its answer.
        #: What takes it out sends it.
        self._stats: dict[int, tuple[int, bytes]] = {}

    def close(self, code: int, timeout: float) -> bool:
        """See :meth:`FileRequests.close`."""
        self._closing.set()
        return super().close(code, timeout)

    def table(self) -> Mapping[int, tuple[int, Handler]]:
        """See :meth:`NodeRequests.table`."""
        return {
            **super().table(),
            Opcode.LOOKUP: (2, self.look_up),
            Opcode.GETATTR: (wire.GETATTR_IN.size, self.look_at),
        }

    def look_up(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes | None:
        """The child of a directory; a special file if it is a device node, and only looked at."""
        answer = self.lookup(unique, nodeid, end, caller)
        (number,) = _NODEID.unpack_from(answer, _NODEID_AT)
        node = self.nodes[number]
        if not isinstance(node, DeviceNode):
            return answer
        task = self._task()
        is_stat = self._callers.is_stat(task)
        if is_stat is None:  # it has yet to fall asleep: this thread waits for no one
            self.workers.submit(partial(self._answer_lookup, answer, node, task))
            return None
        return self._special(answer, node) if is_stat else answer

    def look_at(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes | None:
        """stat(2), also of an open file; the end of the file on SEEK_END."""
        answer = self.getattr(unique, nodeid, end, caller)
        node = self.nodes[nodeid]
        is_open = isinstance(node, DeviceNode) and not nodeid & SPECIAL
        if not is_open or self.buffer[HEADER_SIZE] & wire.GETATTR_FH:
            return answer
        assert isinstance(node, DeviceNode)
        task = self._task()
        if self._callers.showing(task, node) is False:
            return answer
        self._stats[unique] = task, answer
        self.workers.submit(partial(self._answer_stat, unique, node, task))
        return None

    def interrupt(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> None:
        """See :meth:`FileRequests.interrupt`; a stat(2) of a task that was killed ends now.

        If that is by execve(2) of another thread, the task cannot be traced until it is gone
        (``cred_guard_mutex``), and so a worker waits for it meanwhile.
        """
        (whose,) = wire.INTERRUPT_IN.unpack_from(self.buffer, HEADER_SIZE)
        stat = self._stats.get(whose)
        if stat is not None and self._callers.is_killed(stat[0]):
            self._end_stat(whose)
        else:
            super().interrupt(unique, nodeid, end, caller)

    def getattr(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """stat(2), after the name was looked up, and the answer to a change."""
        answer = super().getattr(unique, nodeid, end, caller)
        if nodeid & SPECIAL:
            node = self.nodes[nodeid]
            assert isinstance(node, DeviceNode)
            return _with_type(answer, _ATTR_MODE, node)
        return answer

    def ioctl(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes | None:
        """ioctl(2); on a worker if the memory of the caller is needed."""
        number, flags, cmd, arg, *_ = wire.IOCTL_IN.unpack_from(self.buffer, HEADER_SIZE)
        handle = self.files[number] if not flags & wire.IOCTL_DIR else None
        sizes = handle.ioctl_sizes.get(cmd) if handle is not None else None
        if handle is None or sizes is None:
            return super().ioctl(unique, nodeid, end, caller)
        run = partial(self._ioctl, handle, cmd, arg, sizes, self._task())
        call = Call(self.lot, unique, run, lambda _: IOCTL_OK, sleeps=True)
        self.tasks[unique] = call.task
        self.lot.begin(call)
        return None

    def _task(self) -> int:
        *_, task = wire.IN_HEADER.unpack_from(self.buffer)
        return int(task)

    def _ioctl(self, handle: Handle, cmd: int, arg: int, sizes: tuple[int, int], task: int) -> None:
        data, put = self._callers.ioctl(task, cmd, arg, sizes)
        put(handle.ioctl(cmd, arg, data))

    def _settle(self, ask: Callable[[], _T | bool | None]) -> _T | bool:
        """What is said of a task, once it is asleep: as soon as it gets a CPU."""
        pause = _FIRST_PAUSE
        while (said := ask()) is None:
            if self._closing.wait(pause):
                return False
            pause = min(2 * pause, _LONGEST_PAUSE)
        return said

    def _answer_lookup(self, answer: bytes, node: DeviceNode, task: int) -> None:
        is_stat = self._settle(partial(self._callers.is_stat, task))
        self.send(self._special(answer, node) if is_stat else answer)

    def _answer_stat(self, unique: int, node: DeviceNode, task: int) -> None:
        def ask() -> Show | bool | None:
            return self._callers.showing(task, node) if unique in self._stats else False

        show: Show | bool = self._settle(ask)
        end = partial(self._end_stat, unique)
        if callable(show):
            show(end)
        else:
            end()

    def _end_stat(self, unique: int) -> None:
        if stat := self._stats.pop(unique, None):
            self.send(stat[1])

    def _special(self, answer: bytes, node: DeviceNode) -> bytes:
        """The same reply, about another inode that is a special file."""
        (number,) = _NODEID.unpack_from(answer, _NODEID_AT)
        self.nodes[number | SPECIAL] = self.nodes.pop(number)
        self.lookups[number | SPECIAL] = self.lookups.pop(number)
        changed = bytearray(_with_type(answer, ENTRY_MODE, node))
        _NODEID.pack_into(changed, _NODEID_AT, number | SPECIAL)
        return bytes(changed)


def _with_type(answer: bytes, at: int, node: DeviceNode) -> bytes:
    changed = bytearray(answer)
    struct.pack_into("=I", changed, at, node.special | node.mode)
    struct.pack_into("=I", changed, at + _RDEV, _encoded(*node.devt))
    return bytes(changed)


def _encoded(major: int, minor: int) -> int:
    """``new_encode_dev()`` -- include/linux/kdev_t.h."""
    return os.makedev(major, minor) & 0xFFFFFFFF

"""Device nodes that look like ones: what a name is depends on what its caller is about to do.

The kernel opens a device file by the driver of its number, and never asks us. So to whatever
may open it a node of ours is a regular file. A name that is only looked at, by stat(2), is the
special file of a board. The two never share an inode: a device node has another one for each
lookup (:meth:`~rprocfs_fuse.protocol.node_requests.NodeRequests.entry`), and the kernel
looks a name up each time that it is used.

What the caller is about to do is the transport's user's to say (``Operations.is_stat``).
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Mapping
from functools import partial

from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import Node
from rprocfs_fuse.operations import Operations
from rprocfs_fuse.permission import Caller
from rprocfs_fuse.protocol import wire
from rprocfs_fuse.protocol.file_requests import FileRequests
from rprocfs_fuse.protocol.node_requests import ENTRY_MODE, Handler
from rprocfs_fuse.protocol.wire import Opcode

#: Set in the node ids of special files.
SPECIAL = 1 << 49
#: Where the mode is in the reply to GETATTR.
_ATTR_MODE = 92
#: Of ``struct fuse_attr``: the device number, seen from the mode.
_RDEV = 16
_NODEID_AT, _NODEID = 16, struct.Struct("=Q")
#: Seconds between two looks at a caller that was not asleep yet.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1


class DeviceRequests(FileRequests):
    """Those of a mount that knows, by *is_stat*, what its callers do."""

    def __init__(
        self,
        operations: Operations,
        send: Callable[[bytes], None],
        missed: Callable[[Node, str], None],
        is_stat: Callable[[int], bool | None],
    ) -> None:
        super().__init__(operations, send, missed)
        self._is_stat = is_stat
        self._closing = threading.Event()

    def close(self, code: int, timeout: float) -> bool:
        """See :meth:`FileRequests.close`."""
        self._closing.set()
        return super().close(code, timeout)

    def table(self) -> Mapping[int, tuple[int, Handler]]:
        """See :meth:`NodeRequests.table`."""
        return {**super().table(), Opcode.LOOKUP: (2, self.look_up)}

    def look_up(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes | None:
        """The child of a directory; a special file if it is a device node, and only looked at."""
        answer = self.lookup(unique, nodeid, end, caller)
        (number,) = _NODEID.unpack_from(answer, _NODEID_AT)
        node = self.nodes[number]
        if not isinstance(node, DeviceNode):
            return answer
        *_, task = wire.IN_HEADER.unpack_from(self.buffer)
        is_stat = self._is_stat(task)
        if is_stat is None:  # it has yet to fall asleep: this thread waits for no one
            self.workers.submit(partial(self._answer_later, answer, node, task))
            return None
        return self._special(answer, node) if is_stat else answer

    def getattr(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """stat(2), after the name was looked up."""
        answer = super().getattr(unique, nodeid, end, caller)
        if nodeid & SPECIAL:
            node = self.nodes[nodeid]
            assert isinstance(node, DeviceNode)
            return _with_type(answer, _ATTR_MODE, node)
        return answer

    def _answer_later(self, answer: bytes, node: DeviceNode, task: int) -> None:
        """It falls asleep as soon as it gets a CPU."""
        pause = _FIRST_PAUSE
        while (is_stat := self._is_stat(task)) is None and not self._closing.wait(pause):
            pause = min(2 * pause, _LONGEST_PAUSE)
        self.send(self._special(answer, node) if is_stat else answer)

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

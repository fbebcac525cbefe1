"""Requests about nodes: names, attributes, directories.

Every request is a method ``(unique, nodeid, end, caller) -> reply``: its arguments lie
in the buffer, up to *end*. What is not answered at once returns None. All of it runs
on the reader's thread.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from itertools import count

from rprocfs.fs.kernfs import Dir, File, Node, error
from rprocfs_fuse.operations import Operations
from rprocfs_fuse.permission import Caller
from rprocfs_fuse.protocol import wire
from rprocfs_fuse.protocol.wire import HEADER_SIZE, Opcode

Handler = Callable[[int, int, int, Caller | None], bytes | None]

_entry_reply = wire.ENTRY_REPLY.pack
_attr_reply = wire.ATTR_REPLY.pack
_header = wire.OUT_HEADER.pack


#: Where the mode is in an entry's reply.
ENTRY_MODE = 116
#: ``entry_valid`` of a name that stays: seconds, as 64 bits.
_FOR_EVER = (1 << 31).to_bytes(8, "little")
#: Node ids from here on are no inode numbers.
FIRST_ALIAS = 1 << 48


class _Nodes(dict[int, Node]):
    """Node ids that the kernel knows, to nodes."""

    def __missing__(self, nodeid: int) -> Node:
        raise error(errno.ESTALE)


class _Directories(dict[int, tuple[Dir, list[bytes]]]):
    """Open directories."""

    def __missing__(self, number: int) -> tuple[Dir, list[bytes]]:
        raise error(errno.EBADF)


def reply(unique: int, payload: bytes = b"") -> bytes:
    """A whole reply message."""
    return _header(16 + len(payload), 0, unique) + payload


class NodeRequests:
    """The nodes that the kernel refers to, by inode number, and what it asks of them.

    *missed* is called with what is looked for in vain.
    """

    def __init__(self, operations: Operations, missed: Callable[[Node, str], None]) -> None:
        self.operations = operations
        self.missed = missed
        self.buffer = bytearray(wire.BUFFER_SIZE)
        self.view = memoryview(self.buffer)
        self.numbers = count(1)
        root = operations.tree.root
        self.root_ino = root.ino
        self.nodes = _Nodes({wire.ROOT_ID: root})
        #: How often the kernel was told of a node, and has yet to forget it.
        self.lookups: dict[int, int] = {}
        self._directories = _Directories()
        self._aliases = count(FIRST_ALIAS)

    def table(self) -> Mapping[int, tuple[int, Handler]]:
        """Opcode to the least size of its arguments and its method."""
        return {
            Opcode.LOOKUP: (2, self.lookup),
            Opcode.FORGET: (wire.FORGET_IN.size, self.forget),
            Opcode.BATCH_FORGET: (wire.BATCH_FORGET_IN.size, self.batch_forget),
            Opcode.GETATTR: (wire.GETATTR_IN.size, self.getattr),
            Opcode.SETATTR: (wire.SETATTR_IN.size, self.setattr),
            Opcode.READLINK: (0, self.readlink),
            Opcode.SYMLINK: (4, self.symlink),
            Opcode.MKNOD: (wire.MKNOD_IN.size + 2, self.mknod),
            Opcode.LINK: (0, self.refuse),
            Opcode.RENAME: (wire.RENAME_IN.size + 4, self.rename),
            Opcode.RENAME2: (wire.RENAME2_IN.size + 4, self.rename2),
            Opcode.MKDIR: (wire.MKDIR_IN.size + 2, self.mkdir),
            Opcode.UNLINK: (2, self.unlink),
            Opcode.RMDIR: (2, self.rmdir),
            Opcode.ACCESS: (wire.ACCESS_IN.size, self.access),
            Opcode.STATFS: (0, self.statfs),
            Opcode.OPENDIR: (wire.OPEN_IN.size, self.opendir),
            Opcode.READDIR: (wire.READ_IN.size, self.readdir),
            Opcode.RELEASEDIR: (wire.RELEASE_IN.size, self.releasedir),
            Opcode.FSYNCDIR: (0, self.fsyncdir),
        }

    def lookup(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """The child of a directory; the kernel may refer to it from now on."""
        name = self.buffer[HEADER_SIZE : end - 1].decode("utf-8", "surrogateescape")
        directory = self.nodes[nodeid]
        try:
            return self.entry(unique, self.operations.lookup(directory, name, caller))
        except FileNotFoundError:
            self.missed(directory, name)
            raise

    def entry(self, unique: int, node: Node) -> bytes:
        """The reply that makes *node* known to the kernel.

        The kernel lets one writer an inode go at a time, and the others cannot even be
        killed: a file whose writers sleep is another inode each time that it is looked up.
        """
        ino = number = node.ino
        if isinstance(node, File) and not node.serial:
            number = next(self._aliases)
        self.nodes[number] = node
        self.lookups[number] = self.lookups.get(number, 0) + 1
        sec, nsec = divmod(node.mtime_ns, 1_000_000_000)
        # fmt: off
        answer = _entry_reply(
            144, unique, number, ino, node.size, sec, sec, sec, nsec, nsec, nsec,
            node.kind | node.mode, node.nlink, node.uid, node.gid,
        )
        # fmt: on
        return answer[:32] + _FOR_EVER + answer[40:] if node.lasting else answer

    def getattr(self, unique: int, nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        """stat(2), also of a node that left the tree: then without links."""
        node = self.nodes[nodeid]
        return self.attributes(unique, node, node.size)

    def attributes(self, unique: int, node: Node, size: int) -> bytes:
        """The reply to GETATTR, with a size."""
        links = node.nlink if node.alive else 0
        sec, nsec = divmod(node.mtime_ns, 1_000_000_000)
        # fmt: off
        return _attr_reply(
            120, unique, node.ino, size, sec, sec, sec, nsec, nsec, nsec,
            node.kind | node.mode, links, node.uid, node.gid,
        )
        # fmt: on

    def forget(self, _unique: int, nodeid: int, _end: int, _caller: Caller | None) -> None:
        """The kernel dropped some of its references."""
        self._forget(nodeid, *wire.FORGET_IN.unpack_from(self.buffer, HEADER_SIZE))

    def batch_forget(self, _unique: int, _nodeid: int, end: int, _caller: Caller | None) -> None:
        """The same for many nodes."""
        number, _ = wire.BATCH_FORGET_IN.unpack_from(self.buffer, HEADER_SIZE)
        start = HEADER_SIZE + wire.BATCH_FORGET_IN.size
        size = wire.FORGET_ONE.size
        end = min(end - (end - start) % size, start + number * size)
        for nodeid, lookups in wire.FORGET_ONE.iter_unpack(self.view[start:end]):
            self._forget(nodeid, lookups)

    def _forget(self, nodeid: int, number: int) -> None:
        left = self.lookups.get(nodeid, 0) - number
        if left > 0:
            self.lookups[nodeid] = left
            return
        self.lookups.pop(nodeid, None)
        if nodeid != wire.ROOT_ID:
            self.nodes.pop(nodeid, None)

    def setattr(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """chmod, chown, truncate and utimensat."""
        node = self.nodes[nodeid]
        fields = wire.SETATTR_IN.unpack_from(self.buffer, HEADER_SIZE)
        valid, mtime, mtimensec, mode, uid, gid = (fields[i] for i in (0, 6, 9, 11, 13, 14))
        operations = self.operations
        if valid & wire.FATTR_MODE:
            operations.chmod(node, mode, caller)
        if valid & (wire.FATTR_UID | wire.FATTR_GID):
            new_uid = uid if valid & wire.FATTR_UID else None
            operations.chown(node, new_uid, gid if valid & wire.FATTR_GID else None, caller)
        if valid & wire.FATTR_SIZE:
            is_open = bool(valid & wire.FATTR_FH)
            operations.truncate(node, caller, size=fields[3], is_open=is_open)
        elif valid & wire.FATTR_MTIME:
            now = valid & wire.FATTR_MTIME_NOW
            operations.utimens(node, None if now else mtime * 1_000_000_000 + mtimensec, caller)
        return self.getattr(unique, nodeid, end, caller)

    def readlink(self, unique: int, nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        """The text of a link."""
        text = self.operations.readlink(self.nodes[nodeid])
        return reply(unique, text.encode("utf-8", "surrogateescape"))

    def symlink(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """symlink(2)."""
        name, target = self._strings(HEADER_SIZE, end, 2)
        node = self.operations.symlink(self.nodes[nodeid], name, target, caller)
        return self.entry(unique, node)

    def mkdir(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """mkdir(2)."""
        mode, _ = wire.MKDIR_IN.unpack_from(self.buffer, HEADER_SIZE)
        (name,) = self._strings(HEADER_SIZE + wire.MKDIR_IN.size, end, 1)
        return self.entry(unique, self.operations.mkdir(self.nodes[nodeid], name, mode, caller))

    def unlink(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """unlink(2)."""
        (name,) = self._strings(HEADER_SIZE, end, 1)
        self.operations.unlink(self.nodes[nodeid], name, caller)
        return reply(unique)

    def rmdir(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """rmdir(2)."""
        (name,) = self._strings(HEADER_SIZE, end, 1)
        self.operations.rmdir(self.nodes[nodeid], name, caller)
        return reply(unique)

    def mknod(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """mknod(2)."""
        mode, rdev = wire.MKNOD_IN.unpack_from(self.buffer, HEADER_SIZE)
        (name,) = self._strings(HEADER_SIZE + wire.MKNOD_IN.size, end, 1)
        devt = (os.major(rdev), os.minor(rdev))
        node = self.operations.mknod(self.nodes[nodeid], name, mode, devt, caller)
        answer: bytes = self.entry(
            unique, node
        )  # the kernel wants to see the type that it asked for
        with_type: bytes = mode.to_bytes(4, "little")
        return answer[:ENTRY_MODE] + with_type + answer[ENTRY_MODE + 4 :]

    def rename(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """rename(2)."""
        (where,) = wire.RENAME_IN.unpack_from(self.buffer, HEADER_SIZE)
        return self._rename(unique, nodeid, where, 0, wire.RENAME_IN.size, end, caller)

    def rename2(self, unique: int, nodeid: int, end: int, caller: Caller | None) -> bytes:
        """renameat2(2)."""
        where, flags = wire.RENAME2_IN.unpack_from(self.buffer, HEADER_SIZE)
        return self._rename(unique, nodeid, where, flags, wire.RENAME2_IN.size, end, caller)

    def _rename(
        self,
        unique: int,
        nodeid: int,
        where: int,
        flags: int,
        size: int,
        end: int,
        caller: Caller | None,
    ) -> bytes:
        name, new_name = self._strings(HEADER_SIZE + size, end, 2)
        directory, new_directory = self.nodes[nodeid], self.nodes[where]
        self.operations.rename(directory, name, new_directory, new_name, flags, caller)
        return reply(unique)

    def refuse(self, unique: int, nodeid: int, _end: int, caller: Caller | None) -> bytes:
        """link(2)."""
        return self.entry(unique, self.operations.refuse(self.nodes[nodeid], caller))

    def access(self, unique: int, nodeid: int, _end: int, caller: Caller | None) -> bytes:
        """access(2) and chdir(2)."""
        mask, _ = wire.ACCESS_IN.unpack_from(self.buffer, HEADER_SIZE)
        self.operations.access(self.nodes[nodeid], mask, caller)
        return reply(unique)

    def statfs(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        """statfs(2): no blocks, as in sysfs."""
        return reply(unique, wire.STATFS_OUT.pack(0, 0, 0, 0, 0, 4096, 255, 4096, 0))

    def opendir(self, unique: int, nodeid: int, _end: int, caller: Caller | None) -> bytes:
        """Open a directory: its entries are taken down when they are first read."""
        directory = self.operations.opendir(self.nodes[nodeid], caller)
        number = next(self.numbers)
        self._directories[number] = (directory, [])
        return reply(unique, wire.OPEN_OUT.pack(number, 0, 0))

    def readdir(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        """As many entries as fit, from the one numbered *offset* on."""
        number, offset, size, *_ = wire.READ_IN.unpack_from(self.buffer, HEADER_SIZE)
        directory, entries = self._directories[number]
        if offset == 0:
            entries[:] = wire.dirents(self.operations.readdir(directory))
        taken = offset
        for entry in entries[offset : offset + size // 24]:
            size -= len(entry)
            if size < 0:
                break
            taken += 1
        return reply(unique, b"".join(entries[offset:taken]))

    def releasedir(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        """Close a directory."""
        number, *_ = wire.RELEASE_IN.unpack_from(self.buffer, HEADER_SIZE)
        self._directories.pop(number, None)
        return reply(unique)

    def fsyncdir(self, unique: int, _nodeid: int, _end: int, _caller: Caller | None) -> bytes:
        """EINVAL, as in a directory of the kernel's."""
        raise error(errno.EINVAL)

    def _strings(self, start: int, end: int, number: int) -> list[str]:
        parts = bytes(self.view[start:end]).split(b"\0")
        if len(parts) <= number:
            raise error(errno.EINVAL)
        return [part.decode("utf-8", "surrogateescape") for part in parts[:number]]

"""Random FUSE requests, as syzkaller makes system calls: those that make sense, and broken ones.

The far side is a socket, so there is no kernel in between that would refuse any of them.
"""

import errno
import itertools
import os
import select
import socket
import struct

from rprocfs_fuse.operations import Operations
from rprocfs_fuse.protocol import wire
from rprocfs_fuse.protocol.devfuse import Connection
from rprocfs_fuse.protocol.wire import Opcode
from tests.fuzz.errors import FuzzError
from tests.fuzz.words import NAMES, TEXTS

#: Requests that have no reply.
SILENT = {Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.NOTIFY_REPLY}
LIKELY = [
    Opcode.LOOKUP, Opcode.LOOKUP, Opcode.LOOKUP, Opcode.LOOKUP, Opcode.OPEN, Opcode.OPEN,
    Opcode.READ, Opcode.WRITE, Opcode.RELEASE, Opcode.OPENDIR, Opcode.READDIR, Opcode.FORGET,
    Opcode.GETATTR, Opcode.IOCTL, Opcode.POLL, Opcode.MKDIR, Opcode.RMDIR, Opcode.INTERRUPT,
]  # fmt: skip
OPCODES = LIKELY * 3 + list(Opcode)
EDGES = [0, 1, 2, 4095, 4096, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1]
KEPT = 40  # nodes and files that are used again
WAITING = 100  # requests that may wait; then all are interrupted
PATIENCE = 20.0  # seconds until a reply is missed


def layout(*kinds):
    """The fields of a request: how wide each is, and what it means."""
    return kinds


N = (8, "number")
W = (4, "number")
FH = (8, "file")
LAYOUTS = {
    Opcode.LOOKUP: layout((0, "name")),
    Opcode.FORGET: layout(N),
    Opcode.BATCH_FORGET: layout(W, W, (8, "node"), N, (8, "node"), N),
    Opcode.GETATTR: layout(W, W, FH),
    Opcode.SETATTR: layout(W, W, *[N] * 6, *[W] * 8),
    Opcode.SYMLINK: layout((0, "name"), (0, "name")),
    Opcode.MKNOD: layout((4, "mode"), W, W, W, (0, "name")),
    Opcode.LINK: layout((8, "node"), (0, "name")),
    Opcode.RENAME: layout((8, "node"), (0, "name"), (0, "name")),
    Opcode.RENAME2: layout((8, "node"), W, W, (0, "name"), (0, "name")),
    Opcode.MKDIR: layout((4, "mode"), W, (0, "name")),
    Opcode.UNLINK: layout((0, "name")),
    Opcode.RMDIR: layout((0, "name")),
    Opcode.ACCESS: layout(W, W),
    Opcode.OPENDIR: layout((4, "flags"), W),
    Opcode.OPEN: layout((4, "flags"), W),
    Opcode.CREATE: layout((4, "flags"), (4, "mode"), W, W, (0, "name")),
    Opcode.READ: layout(FH, (8, "offset"), (4, "size"), W, N, (4, "flags"), W),
    Opcode.READDIR: layout(FH, (8, "offset"), (4, "size"), W, N, (4, "flags"), W),
    Opcode.WRITE: layout(FH, (8, "offset"), (4, "data size"), W, N, (4, "flags"), W, (0, "data")),
    Opcode.RELEASE: layout(FH, W, W, N),
    Opcode.RELEASEDIR: layout(FH, W, W, N),
    Opcode.FSYNC: layout(FH, W, W),
    Opcode.IOCTL: layout(FH, W, (4, "command"), N, (4, "size"), (4, "size"), (0, "data")),
    Opcode.POLL: layout(FH, N, (4, "bit"), W),
    Opcode.LSEEK: layout(FH, (8, "offset"), (4, "bit"), W),
    Opcode.SETLK: layout(FH, N, N, N, (4, "bit"), W, (4, "bit"), W),
    Opcode.SETLKW: layout(FH, N, N, N, (4, "bit"), W, (4, "bit"), W),
    Opcode.INTERRUPT: layout((8, "request")),
    Opcode.INIT: layout(W, W, W, W),
}


class WireFuzz:
    """The kernel of a connection that serves *tree*. A context manager: its end is checked, too."""

    def __init__(self, tree, dice):
        self.dice = dice
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self._root = tree.root
        self.connection = Connection(theirs.detach(), Operations(tree), lambda: None)
        self._uniques = itertools.count(2, 2)
        self._asked = {}
        self._nodes, self._files = [1], [0]
        self._data = b""
        self.replies = 0

    def __enter__(self):
        self.connection.start()
        return self

    def __exit__(self, kind, *_exc):
        try:
            if kind is None:
                self._settle()
        finally:
            self.connection.close()
            self._ours.close()

    def step(self):
        """One request; FuzzError for a reply that must not be."""
        opcode = self.dice.choice(OPCODES)
        if opcode is Opcode.DESTROY:
            return
        body = b"".join(self._field(*field) for field in LAYOUTS.get(opcode, ()))
        if self.dice.random() < 0.1:
            body = self._broken(body)
        number = opcode if self.dice.random() < 0.999 else self.dice.randrange(1 << 32)
        self._send(number, self._node(), body)
        if len(self._asked) > WAITING:
            self._interrupt_all()
        self._listen(0)

    # What is sent.

    def _send(self, opcode, node, body):
        unique = next(self._uniques)
        uid = self.dice.choice([0, 0, 0, 1000, 0xFFFFFFFF])
        header = wire.IN_HEADER.pack(opcode, unique, node, uid, uid, os.getpid())
        message = struct.pack("=I", wire.HEADER_SIZE + len(body)) + header[4:] + body
        if opcode not in SILENT and opcode != Opcode.INTERRUPT:
            self._asked[unique] = opcode
        while True:
            try:
                self._ours.send(message, socket.MSG_DONTWAIT)
                return
            except BlockingIOError:
                self._listen(PATIENCE)

    def _node(self):
        if self.dice.random() < 0.03:
            return self._number(8)
        return self.dice.choice(self._nodes)

    def _number(self, width):
        value = self.dice.choice([*EDGES, self.dice.randrange(1 << 64), self.dice.randrange(16)])
        return value % (1 << 8 * width)

    def _field(self, width, kind):
        dice = self.dice
        if kind == "name":
            return dice.choice(NAMES) + b"\0"
        if kind == "data":
            return self._data
        value = self._number(width) if dice.random() < 0.1 else self._meant(kind)
        return (value % (1 << 8 * width)).to_bytes(width, "little")

    def _meant(self, kind):
        dice = self.dice
        if kind == "data size":
            self._data = dice.choice([dice.choice(TEXTS), dice.randbytes(dice.randrange(600))])
            return len(self._data)
        if kind == "size":
            self._data = dice.randbytes(dice.choice([0, 4, 40, 64]))
            return dice.choice([len(self._data), 100, 4096, 131072])
        if kind == "request":
            return dice.choice([*self._asked, 0])
        return {
            "file": lambda: dice.choice(self._files),
            "node": self._node,
            "flags": lambda: dice.choice([0, 1, 2, 3, 0o4000, 0o4002, 0o1002]),
            "mode": lambda: dice.choice([0o100644, 0o40755, 0o20600, 0o10600, 0o644]),
            "offset": lambda: dice.choice([0, 0, 1, 4096, dice.randrange(1 << 20)]),
            "command": lambda: dice.randrange(1 << 32),
            "bit": lambda: dice.randrange(16),
            "number": lambda: dice.randrange(1 << 16),
        }[kind]()

    def _broken(self, body):
        dice = self.dice
        at = dice.randrange(len(body) + 1)
        rest = body[at + dice.randrange(9) :]
        return dice.choice([body[:at], body[:at] + dice.randbytes(dice.randrange(9)) + rest])

    def _interrupt_all(self):
        for unique in list(self._asked):
            self._send(Opcode.INTERRUPT, 0, wire.INTERRUPT_IN.pack(unique))
        for number in self._files:
            self._send(Opcode.RELEASE, 1, wire.RELEASE_IN.pack(number, 0, 0, 0))
        self._files = [0]
        self._listen(0)

    # What comes back.

    def _listen(self, patience):
        while select.select([self._ours], [], [], patience)[0]:
            self._hear(self._ours.recv(1 << 21))
            patience = 0

    def _hear(self, message):
        length, code, unique = wire.OUT_HEADER.unpack_from(message)
        if length != len(message):
            raise FuzzError(f"a message of {len(message)} bytes says that it has {length}")
        if not unique:
            if code not in (wire.NOTIFY_POLL, wire.NOTIFY_INVAL_ENTRY):
                raise FuzzError(f"notification {code}")
            return
        opcode = self._asked.pop(unique, None)
        self.replies += 1
        if opcode is None and code not in (-errno.EAGAIN, -errno.EINVAL):  # of an INTERRUPT
            raise FuzzError(f"a second reply, or one to nothing: {code}")
        if not -512 < code <= 0 or code == -errno.EIO:
            raise FuzzError(f"opcode {opcode} is answered {code}")
        if code == 0:
            self._learn(opcode, message[16:])

    def _learn(self, opcode, payload):
        known, place = {
            Opcode.LOOKUP: (self._nodes, 0),
            Opcode.MKDIR: (self._nodes, 0),
            Opcode.SYMLINK: (self._nodes, 0),
            Opcode.MKNOD: (self._nodes, 0),
            Opcode.OPEN: (self._files, 0),
            Opcode.OPENDIR: (self._files, 0),
            Opcode.CREATE: (self._files, 128),
        }.get(opcode, (None, 0))
        if known is not None:
            known.append(int.from_bytes(payload[place : place + 8], "little"))
            if len(known) > KEPT:
                del known[self.dice.randrange(1, KEPT)]

    # The end.

    def _settle(self):
        """What waits is interrupted until nothing does; then all is forgotten, and must be gone."""
        requests = self.connection.requests
        for _ in range(200):
            if not self._asked:
                break
            self._interrupt_all()
            self._listen(PATIENCE / 200)
        if self._asked:
            raise FuzzError(f"not answered: {sorted(set(self._asked.values()))}")
        for node, times in list(requests.lookups.items()):
            self._send(Opcode.FORGET, node, wire.FORGET_IN.pack(times))
        for number in list(requests.files):
            self._send(Opcode.RELEASE, 1, wire.RELEASE_IN.pack(number, 0, 0, 0))
        self._send(Opcode.STATFS, 1, b"")
        while self._asked:
            self._listen(PATIENCE)
        if set(requests.nodes) - {wire.ROOT_ID} or requests.files or requests.tasks:
            raise FuzzError(f"kept: {requests.nodes}, {requests.files}, {requests.tasks}")

"""The kernel's side of the protocol, on a socket: no mount, no root."""

import itertools
import os
import select
import socket
import struct
from types import SimpleNamespace

from rprocfs_fuse.operations import Operations
from rprocfs_fuse.protocol import wire
from rprocfs_fuse.protocol.devfuse import Connection
from rprocfs_fuse.protocol.wire import Opcode


class FakeKernel:
    """Sends requests to a connection and reads its replies; a context manager."""

    def __init__(self, tree, callers=None, **options):
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.ended = []
        operations = Operations(tree, special=callers is not None, **options)
        fd, ended = theirs.detach(), lambda: self.ended.append(1)
        self.connection = Connection(fd, operations, ended, callers)
        self._uniques = itertools.count(2, 2)
        self._replies = {}
        self.notifications = []

    def __enter__(self):
        self.connection.start()
        return self

    def __exit__(self, *_exc):
        self.connection.close()
        self._ours.close()

    def raw(self, message):
        self._ours.send(message)

    def hang_up(self):
        self._ours.close()

    def send(self, opcode, nodeid=1, body=b"", uid=0, gid=0, unique=None):
        """Send a request; its number."""
        unique = next(self._uniques) if unique is None else unique
        size = wire.HEADER_SIZE + len(body)
        header = wire.IN_HEADER.pack(opcode, unique, nodeid, uid, gid, os.getpid())
        self.raw(struct.pack("=I", size) + header[4:] + body)
        return unique

    def reply(self, unique, timeout=5):
        """(errno, payload) of a request; None when there is none in time."""
        while unique not in self._replies:
            if not select.select([self._ours], [], [], timeout)[0]:
                return None
            message = self._ours.recv(1 << 21)
            length, code, whose = wire.OUT_HEADER.unpack_from(message)
            assert length == len(message)
            if whose:
                assert whose not in self._replies, "answered twice"
                self._replies[whose] = (-code, message[16:])
            else:
                self.notifications.append((code, message[16:]))
        return self._replies[unique]

    def ask(self, opcode, nodeid=1, body=b"", **kwargs):
        return self.reply(self.send(opcode, nodeid, body, **kwargs))

    def getattr(self, nodeid):
        return self.ask(Opcode.GETATTR, nodeid, wire.GETATTR_IN.pack(0, 0, 0))

    def lookup(self, path):
        """The node id at the end of a path."""
        nodeid = 1
        for name in path.split("/"):
            code, payload = self.ask(Opcode.LOOKUP, nodeid, name.encode() + b"\0")
            assert code == 0, (name, code)
            (nodeid,) = struct.unpack_from("=Q", payload)
        return nodeid

    def open(self, path, flags=os.O_RDWR):
        nodeid = self.lookup(path)
        code, payload = self.ask(Opcode.OPEN, nodeid, wire.OPEN_IN.pack(flags, 0))
        assert code == 0
        number, open_flags, _ = wire.OPEN_OUT.unpack(payload)
        return SimpleNamespace(nodeid=nodeid, number=number, flags=open_flags)

    def read(self, file, size=100, offset=0, flags=0):
        body = wire.READ_IN.pack(file.number, offset, size, 0, 0, flags, 0)
        return self.send(Opcode.READ, file.nodeid, body)

    def write(self, file, data, flags=0):
        body = wire.WRITE_IN.pack(file.number, 0, len(data), 0, 0, flags, 0) + data
        return self.send(Opcode.WRITE, file.nodeid, body)

    def interrupt(self, unique):
        body = wire.INTERRUPT_IN.pack(unique)
        return self.send(Opcode.INTERRUPT, body=body, unique=unique | wire.INTERRUPT_BIT)

    def init(self, major=7, minor=38, flags=0xFFFFFFFF):
        body = wire.INIT_IN.pack(major, minor, 4096, flags) + bytes(48)
        return self.ask(Opcode.INIT, body=body)

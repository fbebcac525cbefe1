"""A worker's sockets: bytes and messages to and from its parent, without ever blocking."""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.soc.doorbell import Codec, Message

READ = 256


class Closed(Exception):
    """The parent closed its end: the worker has to end."""


class Halted(Exception):
    """The parent wants to know the registers, and nothing to be executed any more."""


class Socket:
    """One stream socket. What came in waits in *received* until it is taken.

    That the other end is gone is noted, and raised by :func:`wait`.
    """

    received: bytearray | list[Message] | list[bytes]
    #: Bytes that are read at once.
    longest = READ

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.closed = False
        self.unsent = bytearray()  # what waits to be sent
        os.set_blocking(fd, False)

    def fileno(self) -> int:
        """The descriptor, for select."""
        return self.fd

    def flush(self) -> None:
        """Send what waits, as far as the parent takes it."""
        try:
            while self.unsent:
                del self.unsent[: os.write(self.fd, self.unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self.unsent.clear()
            self.closed = True

    def fill(self) -> None:
        """Receive what is there."""
        try:
            data = os.read(self.fd, self.longest)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.closed = not data
        self._take(data)

    def _take(self, data: bytes) -> None:
        raise NotImplementedError


class Port(Socket):
    """A socket for bytes.

    At most *room* bytes wait here to be sent; *batch* of them are collected before a
    write is tried.
    """

    received: bytearray

    def __init__(self, fd: int, room: int = 1, batch: int = 1) -> None:
        super().__init__(fd)
        self.received = bytearray()
        self._room, self._batch = room, batch

    def transmit(self, byte: int) -> bool:
        """Send *byte*, soon. False: there is no room for it."""
        if len(self.unsent) >= self._room:
            self.flush()
            if len(self.unsent) >= self._room:
                return False
        self.unsent.append(byte)
        if len(self.unsent) >= self._batch:
            self.flush()
        return True

    def _take(self, data: bytes) -> None:
        self.received += data


class DoorbellPort(Socket):
    """A socket for messages in *codec*. One message waits here to be sent at most."""

    received: list[Message]

    def __init__(self, fd: int, codec: Callable[[], Codec]) -> None:
        super().__init__(fd)
        self.received = []
        self._codec = codec()

    def send(self, channel: int, payload: bytes = b"") -> bool:
        """Send a message, soon. False: there is no room for it."""
        if self.unsent:
            self.flush()
            if self.unsent:
                return False
        self.unsent += self._codec.encode(channel, payload)
        self.flush()
        return True

    def _take(self, data: bytes) -> None:
        self.received += self._codec.decode(data)


def wait(ports: tuple[Socket, ...], seconds: float | None) -> bool:
    """Receive and send what can be; wait *seconds* for the first (None: for ever).

    Whether there was anything. :class:`Closed` when the parent is gone.
    A port whose bytes nobody has taken yet is left alone, so that a sender is held
    back by its socket, not stored here.
    """
    readers = [port.fd for port in ports if not port.received]
    writers = [port.fd for port in ports if port.unsent]
    readable, writable, _ = select.select(readers, writers, (), seconds)
    came = bool(readable or writable)
    if came:
        for port in ports:
            if port.fd in readable:
                port.fill()
            if port.fd in writable:
                port.flush()
    for port in ports:
        if port.closed:
            raise Closed
    return came

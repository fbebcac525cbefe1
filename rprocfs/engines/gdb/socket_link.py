"""A debugger's way to a stub that speaks the protocol on a socket: that of QEMU, or gdbserver."""

from __future__ import annotations

import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from rprocfs.engines.gdb.link import Link, OnPacket
from rprocfs.engines.gdb.packet import Endpoint, frame

if TYPE_CHECKING:
    from rprocfs.engines.io_thread import IoThread

log = logging.getLogger(__name__)

CHUNK = 1 << 14
#: A request whose answer tells that what came before it was the news of the halt.
FIRST, DETACH = b"qC", b"D"


class SocketLink(Link):
    """See :class:`Link`; *off* is called at the end."""

    def __init__(self, io: IoThread, on_packet: OnPacket, off: Callable[[], None]) -> None:
        self._io, self._on_packet, self._off = io, on_packet, off
        self._stub = Endpoint()
        self._socket: socket.socket | None = None
        self.heard = False  # the answer to FIRST: it is there
        self._early: list[bytes] = []
        self.hung_up = False  # by the stub
        self.closed = self.ended = False
        self.then: Callable[[], None] = lambda: None

    def begin(self, ours: socket.socket) -> None:
        """Talk over *ours*."""
        ours.setblocking(False)
        self._socket = ours
        self._io.watch(ours.fileno(), self._read)
        self._write(frame(FIRST))

    def send(self, payload: bytes) -> None:
        """See :class:`Link`."""
        if self.heard:
            self._stub.send(payload)
            self._flush()
        else:  # gdbserver takes what comes before it has an acknowledgement for a refusal
            self._early.append(payload)

    def interrupt(self) -> None:
        """See :class:`Link`."""
        self._stub.interrupt()
        self._flush()

    def close(self) -> None:
        """See :class:`Link`: the stub removes its breakpoints as the debugger detaches."""
        if not self.closed:
            self.closed = True
            self.send(DETACH)

    def _flush(self) -> None:
        if self._socket is not None:
            self._write(self._stub.data_to_send())

    def _write(self, data: bytes) -> None:
        assert self._socket is not None, "written to before it begins"
        try:
            self._socket.send(data, socket.MSG_NOSIGNAL)
        except OSError as failure:
            log.debug("the stub takes nothing: %s", failure.strerror)

    def _read(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.hung_up = True
            self.end()
            return
        for payload in self._stub.receive(data):
            self._received(payload)
        self._flush()

    def _received(self, payload: bytes) -> None:
        if not self.heard:
            self.heard = payload.startswith(b"QC")
            for early in self._early if self.heard else ():
                self._stub.send(early)
        elif not self.closed:
            self._pass_on(payload)
        else:
            self._received_after_close(payload)

    def _pass_on(self, payload: bytes) -> None:
        self._on_packet(payload)

    def _received_after_close(self, payload: bytes) -> None:
        if payload == b"OK":
            self.end()

    def end(self) -> None:
        """Close the socket, and switch the stub off."""
        if self.ended:
            return
        self.closed = self.ended = True
        if self._socket is not None:
            self._io.unwatch(self._socket.fileno())
            self._socket.close()
            self._socket = None
            self._off()
        self.then()


L = TypeVar("L", bound=SocketLink)


class SocketStub(ABC, Generic[L]):
    """The stub of one processor, which has one link at a time. Everything is on the I/O thread."""

    def __init__(self, io: IoThread) -> None:
        self._io = io
        self._link: L | None = None

    def link(self, on_packet: OnPacket) -> L:
        """Halt the core, and talk to the stub, once the link before is at its end. OSError."""
        before = self._link
        self._link = link = self._make(on_packet)
        if before is None or before.ended:
            self._on(link)
        else:
            before.then = lambda: self._on_later(link)
        return link

    def _on(self, link: L) -> None:
        if link.closed:
            link.end()
            return
        try:
            self._begin(link)
        except OSError:
            link.end()
            raise

    def _on_later(self, link: L) -> None:
        try:
            self._on(link)
        except OSError as failure:
            link.lost(failure.strerror or str(failure))

    @abstractmethod
    def _make(self, on_packet: OnPacket) -> L:
        """A link that has not begun."""

    @abstractmethod
    def _begin(self, link: L) -> None:
        """Have it begin, with a socket to a stub that is on. OSError."""

    def close(self) -> None:
        """The processor is gone."""
        if self._link is not None:
            self._link.then = lambda: None
            self._link.end()

"""A debugger's way to QEMU's stub, which is switched on and off while QEMU runs.

QEMU gets one end of a socket pair over QMP, as a character device that its stub is put on; so
nothing listens in there, and QEMU needs no right for it.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from rprocfs.engines.gdb.link import Link, OnPacket
from rprocfs.engines.gdb.packet import Endpoint, frame
from rprocfs.engines.qemu import qmp

if TYPE_CHECKING:
    from rprocfs.arch.core import CoreSpec
    from rprocfs.engines.io_thread import IoThread

log = logging.getLogger(__name__)

CHUNK = 1 << 14
#: A request whose answer tells that what came before it was the news of the halt.
FIRST, DETACH = b"qC", b"D"
#: The registers of a ``g`` packet, by architecture, where they are others than those of a dump.
GENERAL = {"rv32": ("zero", *(f"x{number}" for number in range(1, 32)), "pc")}
#: What a description says of the registers of a dead core that are not in a ``g`` packet, or not
#: at their place. QEMU sends each description in one packet.
NUMBERED = re.compile(rb'<reg name="(xpsr|msp|psp)"[^>]{0,99} regnum="(\d{1,4})"')


def _nothing(_line: bytes, _fds: tuple[int, ...]) -> None:
    """QEMU is gone."""


class Stub:
    """The stub of one QEMU process. *command* sends QMP, with a descriptor or none.

    Everything is on the I/O thread.
    """

    def __init__(
        self, io: IoThread, core: CoreSpec, command: Callable[[bytes, tuple[int, ...]], None]
    ) -> None:
        self._io, self._core, self._command = io, core, command
        self._number = 0
        self._link: QemuLink | None = None

    def link(self, on_packet: OnPacket) -> Link:
        """Halt the core, and talk to the stub, once the link before has come to its end."""
        before = self._link
        self._link = link = QemuLink(self._io, on_packet, self._off)
        link.names = GENERAL.get(self._core.architecture, self._core.registers.names)
        link.sizes = (4,) * len(link.names)
        if before is None or before.ended:
            self._on(link)
        else:
            before.then = lambda: self._on(link)
        return link

    def _on(self, link: QemuLink) -> None:
        if link.closed:
            link.end()
            return
        self._number += 1
        name = f"gdb{self._number}"
        ours, theirs = socket.socketpair()
        with theirs:
            self._command(qmp.command("getfd", {"fdname": name}, "gdb"), (theirs.fileno(),))
        self._command(qmp.socket_chardev(name) + qmp.gdbserver(f"chardev:{name}"), ())
        link.begin(ours)

    def _off(self) -> None:
        self._command(qmp.gdbserver("none"), ())

    def close(self) -> None:
        """QEMU is gone: nothing more is sent to it."""
        self._command = _nothing
        if self._link is not None:
            self._link.then = lambda: None
            self._link.end()


class QemuLink(Link):
    """See :class:`Link`; *off* is called at the end."""

    def __init__(self, io: IoThread, on_packet: OnPacket, off: Callable[[], None]) -> None:
        self._io, self._on_packet, self._off = io, on_packet, off
        self._stub = Endpoint()
        self._socket: socket.socket | None = None
        self._heard = False  # the answer to FIRST
        self.numbers = self._numbers = dict[str, int]()
        self.closed = self.ended = False
        self.then: Callable[[], None] = lambda: None

    def begin(self, ours: socket.socket) -> None:
        """Talk over *ours*."""
        ours.setblocking(False)
        self._socket = ours
        self._io.watch(ours.fileno(), self._read)
        self._write(frame(FIRST) + self._stub.data_to_send())

    def send(self, payload: bytes) -> None:
        """See :class:`Link`."""
        self._stub.send(payload)
        self._flush()

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
            self.end()
            return
        for payload in self._stub.receive(data):
            self._received(payload)
        self._flush()

    def _received(self, payload: bytes) -> None:
        if not self._heard:
            self._heard = payload.startswith(b"QC")
        elif not self.closed:
            for name, number in NUMBERED.findall(payload):
                self._numbers[name.decode("ascii")] = int(number)
            self._on_packet(payload)
        elif payload == b"OK":
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

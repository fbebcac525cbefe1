"""A debugger's way to QEMU's stub, which is switched on and off while QEMU runs.

QEMU gets one end of a socket pair over QMP, as a character device that its stub is put on; so
nothing listens in there, and QEMU needs no right for it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from rprocfs.engines.gdb.link import OnPacket
from rprocfs.engines.gdb.socket_link import SocketLink, SocketStub
from rprocfs.engines.qemu import qmp

if TYPE_CHECKING:
    from rprocfs.arch.core import CoreSpec
    from rprocfs.engines.io_thread import IoThread

#: The registers of a ``g`` packet, by architecture, where they are others than those of a dump.
GENERAL = {"rv32": ("zero", *(f"x{number}" for number in range(1, 32)), "pc")}
#: What a description says of the registers of a dead core that are not in a ``g`` packet, or not
#: at their place. QEMU sends each description in one packet.
NUMBERED = re.compile(rb'<reg name="(xpsr|msp|psp)"[^>]{0,99} regnum="(\d{1,4})"')


def _nothing(_line: bytes, _fds: tuple[int, ...]) -> None:
    """QEMU is gone."""


class QemuLink(SocketLink):
    """A link to QEMU's stub."""

    def __init__(self, io: IoThread, on_packet: OnPacket, off: Callable[[], None]) -> None:
        super().__init__(io, on_packet, off)
        self.numbers = self._numbers = dict[str, int]()

    def _pass_on(self, payload: bytes) -> None:
        for name, number in NUMBERED.findall(payload):
            self._numbers[name.decode("ascii")] = int(number)
        super()._pass_on(payload)


class Stub(SocketStub[QemuLink]):
    """The stub of one QEMU process. *command* sends QMP, with a descriptor or none."""

    def __init__(
        self, io: IoThread, core: CoreSpec, command: Callable[[bytes, tuple[int, ...]], None]
    ) -> None:
        super().__init__(io)
        self._core, self._command = core, command
        self._number = 0

    def _make(self, on_packet: OnPacket) -> QemuLink:
        link = QemuLink(self._io, on_packet, self._off)
        link.names = GENERAL.get(self._core.architecture, self._core.registers.names)
        link.sizes = (4,) * len(link.names)
        return link

    def _begin(self, link: QemuLink) -> None:
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
        super().close()

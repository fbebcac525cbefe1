"""A debugger's way to a native program: gdbserver, a child of this process, attaches to it.

Nothing of the sandbox is opened: the program keeps its system call filter, and its descriptors. The
host's kernel decides whether this process may trace it. gdbserver gets one end of a socket pair
as its standard files, so nothing listens; what a client asks it for passes
:class:`rprocfs.engines.gdb.session.Session`. It ends with the link, or with the program.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rprocfs.engines.gdb.session import resumes
from rprocfs.engines.gdb.socket_link import SocketLink, SocketStub

if TYPE_CHECKING:
    from rprocfs.engines.gdb.link import OnPacket
    from rprocfs.engines.io_thread import IoThread

GDBSERVER = "gdbserver"
#: How much of what it says is read.
SAID = 4096
REFUSED = "Operation not permitted"


def missing() -> str:
    """What there is not on this host; empty if a debugger can come."""
    return "" if shutil.which(GDBSERVER) else f"{GDBSERVER} is not installed"


class GdbserverLink(SocketLink):
    """A link to the program *pid*; *lost* is told why there is none."""

    def __init__(
        self, io: IoThread, on_packet: OnPacket, off: Callable[[], None], pid: int
    ) -> None:
        super().__init__(io, on_packet, off)
        self.pid = pid
        self._runs = False
        self._points: set[bytes] = set()
        self._due: list[bytes] = []  # what is to be asked for until it has detached

    def send(self, payload: bytes) -> None:
        """See :class:`Link`. What is inserted is known, to be removed at the end."""
        if payload[:1] in (b"Z", b"z"):
            change = self._points.add if payload[:1] == b"Z" else self._points.discard
            change(payload[1:].partition(b";")[0])
        self._runs = self._runs or resumes(payload)
        super().send(payload)

    def close(self) -> None:
        """See :class:`Link`: gdbserver listens only while the program stands still."""
        if self.closed:
            return
        self.closed = True
        if self._runs:
            self.interrupt()
        else:
            self._detach()

    def _detach(self) -> None:
        """One request after the other: gdbserver takes no second one before it has an answer."""
        self._due = [b"D;%x" % self.pid, *(b"z" + point for point in self._points)]
        super().send(self._due.pop())

    def _pass_on(self, payload: bytes) -> None:
        self._heard_of(payload)
        super()._pass_on(payload)

    def _heard_of(self, payload: bytes) -> None:
        if payload[:1] in (b"T", b"S", b"W", b"X"):
            self._runs = False

    def _received_after_close(self, payload: bytes) -> None:
        if payload[:1] in (b"W", b"X"):
            self.end()
        elif self._runs:
            self._heard_of(payload)
            if not self._runs:
                self._detach()
        elif self._due:
            super().send(self._due.pop())
        else:
            self.end()


class Gdbserver(SocketStub[GdbserverLink]):
    """That of one program; *program* says which process it is. OSError."""

    def __init__(self, io: IoThread, program: Callable[[], int]) -> None:
        super().__init__(io)
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._said = -1

    def _make(self, on_packet: OnPacket) -> GdbserverLink:
        def ended() -> None:
            self._ended(link)

        link = GdbserverLink(self._io, on_packet, ended, self._program())
        return link

    def _begin(self, link: GdbserverLink) -> None:
        server = shutil.which(GDBSERVER)
        if server is None:
            raise OSError(errno.ENOENT, missing())
        with ExitStack() as undo:
            ours, theirs = socket.socketpair()
            undo.callback(ours.close)
            said = os.memfd_create(GDBSERVER)
            undo.callback(os.close, said)
            with theirs:
                self._process = subprocess.Popen(
                    [server, "--once", "--attach", "-", str(link.pid)],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=said,
                    start_new_session=True,
                )
            self._said = said
            undo.pop_all()
        link.begin(ours)

    def _ended(self, link: GdbserverLink) -> None:
        """The link is closed: it has detached, could not attach, or the program is gone."""
        self.kill()
        said, self._said = self._said, -1
        text = os.pread(said, SAID, 0).decode("utf-8", "replace")
        os.close(said)
        if link.hung_up and not link.heard:
            link.lost(_reason(text))

    def close(self) -> None:
        """The program is gone, and its worker is to go, too."""
        super().close()
        self._program = _gone

    def kill(self) -> None:
        """End it, on any thread: a program that it halted is no one's to reap until then."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()


def _reason(said: str) -> str:
    """What it says about itself, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    why = next((line for line in lines if "annot attach" in line), "".join(lines[:1]))
    if REFUSED in why and "traced by" not in why:
        why += "; see ptrace(2), and kernel.yama.ptrace_scope"
    return f"{GDBSERVER}: {why}"


def program_below(launcher: int) -> int:
    """The program of that launcher, which may have the init of a PID namespace above it. ESRCH."""
    child = _child(launcher)
    status = Path(f"/proc/{child}/status").read_text("ascii", "replace")
    numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
    init = len(numbers) > 1 and numbers[-1] == "1"
    return _child(child) if init else child


def _gone() -> int:
    raise ProcessLookupError(errno.ESRCH, "the program does not run any more")


def _child(pid: int) -> int:
    """The first one that there is."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        children = []
    if not children:
        raise ProcessLookupError(errno.ESRCH, "the program does not run yet, or any more")
    return int(children[0])

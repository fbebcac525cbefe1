"""One client of a debugger's server, without I/O: what it asks for, and what it is kept from.

Its requests go to the stub of the core, over a :class:`~rprocfs.engines.gdb.link.Link`, and the
answers back, but for what is answered here:

- ``monitor`` commands;
- what concerns the connection, and its end: a client that detaches, kills or vanishes lets the
  core go on;
- requests for files and processes of the host. gdbserver has them, and would carry them out.

Neither does a core's request for the client's files (File-I/O) get there: it is refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from rprocfs.engines.gdb.packet import INTERRUPT, Endpoint

if TYPE_CHECKING:
    from rprocfs.engines.gdb.link import Link

OK, ERROR = b"OK", b"E01"
NO_ACKS = b"QStartNoAckMode"
#: Requests for what is the host's, and for what a remote processor is not.
REFUSED = (
    b"vFile:", b"vRun", b"vAttach", b"R", b"!", b"qXfer:exec-file:", b"qXfer:osdata:",
    b"QNonStop", b"vKill",
)  # fmt: skip
#: What a client does not learn that a stub has.
NOT_OFFERED = (b"qXfer:exec-file:", b"qXfer:osdata:", b"QNonStop", b"QStartNoAckMode")
DESCRIPTION = b"qXfer:features:read:target.xml:0,100"
#: The refusal of File-I/O: EPERM.
NO_FILES = b"F-1,1"
#: The most requests that may wait for the core to stop.
WAITING = 16
HELP = """\
monitor help            this
monitor halt            halt the core, if monitor resume let it go on
monitor resume          let the core go on, while gdb takes it for halted
monitor reset [run]     load the firmware anew, and let it run
monitor reset halt      load the firmware anew, and halt in front of its first instruction
"""


class Session:
    """A client's connection to the core behind *link*, which stands still.

    *reset* (halt) is called for ``monitor reset``; :meth:`restarted` or :meth:`failed` has to
    follow. *halted* is whether the core stands still for this client, *closed* whether the
    connection has to be closed.
    """

    def __init__(self, link: Link, reset: Callable[[bool], None]) -> None:
        self._link, self._reset = link, reset
        self._client = Endpoint()
        self.halted, self.closed = True, False
        self.resetting = False
        self._runs_after_reset = False
        self._quiet = False  # it runs, and the client does not know
        self._supported = False  # the next answer is that to qSupported
        self._hello = b"qSupported"  # as the client said it
        self._swallowed = 0  # answers that are not the client's
        self._waiting: deque[bytes] = deque()  # for the core to stop

    def data_to_send(self) -> bytes:
        """What is for the client since the last call."""
        return self._client.data_to_send()

    def from_client(self, data: bytes) -> None:
        """The client sent *data*."""
        for payload in self._client.receive(data):
            if self.closed:
                return
            self._request(payload)

    def _request(self, payload: bytes) -> None:
        if payload == INTERRUPT:
            if not self.halted and not self._quiet:
                self._link.interrupt()
        elif payload == NO_ACKS:
            self._client.send(OK)
            self._client.acks = False
        elif payload == b"k" or payload.startswith((b"D", b"vKill")):
            if payload != b"k":
                self._client.send(OK)
            self.closed = True
        elif payload.startswith(REFUSED):
            self._client.send(b"")
        elif self.resetting or self._waiting:
            self._wait(payload)
        elif payload.startswith(b"qRcmd,"):
            self._monitor(payload[6:])
        elif self._quiet and not resumes(payload):
            self._wait(payload)
            self._link.interrupt()
        else:
            self._forward(payload)

    def _wait(self, payload: bytes) -> None:
        self._waiting.append(payload)
        self.closed = self.closed or len(self._waiting) > WAITING

    def _forward(self, payload: bytes) -> None:
        if payload.startswith(b"qSupported"):
            self._supported, self._hello = True, payload
        if resumes(payload):
            already, self._quiet = self._quiet, False
            self.halted = False
            if already:
                return
        self._link.send(payload)

    def from_core(self, payload: bytes) -> None:
        """The stub sent *payload*."""
        kind = payload[:1]
        if kind == b"F":
            self._link.send(NO_FILES)
        elif self._swallowed and kind not in (b"T", b"S"):
            self._swallowed -= 1
        elif self.halted:
            self._answer(payload)
        elif kind in (b"W", b"X"):
            self.died(payload)
        elif kind in (b"T", b"S"):
            self.halted = True
            if self._quiet:
                self._quiet = False
                self._go_through()
            else:
                self._client.send(payload)
        elif not self._quiet:
            self._client.send(payload)

    def _answer(self, payload: bytes) -> None:
        if self._supported:
            self._supported = False
            offered = payload.split(b";")
            payload = b";".join(one for one in offered if not one.startswith(NOT_OFFERED))
            payload += b";QStartNoAckMode+"
        self._client.send(payload)

    def _go_through(self) -> None:
        """The core has stopped: what waited for that."""
        waiting, self._waiting = self._waiting, deque()
        for payload in waiting:
            self._request(payload)

    def died(self, stop_reply: bytes, link: Link | None = None) -> None:
        """The core is gone; *link* is to what is left of it. Without, the connection ends."""
        running, self.halted = not self.halted, True
        if link is not None:
            self._link = link
        if running and not self._quiet:
            self._client.send(stop_reply)
        self.closed = self.closed or link is None
        if self._quiet:
            self._quiet = False
            self._go_through()

    # monitor

    def _monitor(self, text: bytes) -> None:
        try:
            words = bytes.fromhex(text.decode("ascii")).decode("ascii").split()
        except ValueError:
            self._client.send(ERROR)
            return
        match words:
            case ["help"] | []:
                self._say(HELP)
            case ["halt"]:
                self._monitor_halt(text)
            case ["resume"]:
                self._monitor_resume()
            case ["reset"] | ["reset", "run" | "halt" | "init"]:
                self.resetting = True
                self._runs_after_reset = words[1:] in ([], ["run"])
                self._reset(not self._runs_after_reset)
            case _:
                self._say(f"no such command: {' '.join(words)[:80]}; see monitor help\n")

    def _say(self, text: str, answer: bytes = OK) -> None:
        self._client.send(b"O" + text.encode().hex().encode())
        self._client.send(answer)

    def _monitor_halt(self, text: bytes) -> None:
        if self.halted:
            self._client.send(OK)
        else:
            self._wait(b"qRcmd," + text)
            self._link.interrupt()

    def _monitor_resume(self) -> None:
        if self.halted:
            self.halted, self._quiet = False, True
            self._link.send(b"c")
        self._client.send(OK)

    def restarted(self, link: Link) -> None:
        """The reset is done; *link* is to the core, which stands still."""
        self._link = link
        self.resetting, self.halted, self._quiet = False, True, False
        # What the client learned of the stub before has to hold of this one: QEMU's gives other
        # registers to one that has not read their description.
        for request in (self._hello, DESCRIPTION):
            self._swallowed += 1
            link.send(request)
        if self._runs_after_reset:
            self._monitor_resume()
        else:
            self._client.send(OK)
        self._go_through()

    def failed(self, why: str) -> None:
        """The reset was not possible; the core is as it was, or gone."""
        self.resetting = False
        self._say(f"reset: {why}\n", ERROR)
        self._go_through()


def resumes(payload: bytes) -> bool:
    """Whether a request lets the core go on."""
    return payload[:1] in (b"c", b"C", b"s", b"S") or payload.startswith(b"vCont;")

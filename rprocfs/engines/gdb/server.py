"""A processor's server for a debugger: the socket that listens, and one client at a time.

Everything happens on the I/O thread; the public methods may be called on any thread that may
wait for that one, see :mod:`rprocfs.engines.worker`.
"""

from __future__ import annotations

import logging
import select
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rprocfs.engines.gdb.address import Door
from rprocfs.engines.gdb.link import StubLink
from rprocfs.engines.gdb.postmortem import DeadTarget
from rprocfs.engines.gdb.session import Session
from rprocfs.engines.gdb.stub import Stub

if TYPE_CHECKING:
    from rprocfs.engines.gdb.link import Link
    from rprocfs.engines.io_thread import IoThread
    from rprocfs.engines.worker import Worker

log = logging.getLogger(__name__)

CHUNK = 1 << 14
#: "The processor exited", to a client that waits for it to stop.
EXITED = b"W00"


class GdbServer:
    """Listens at *address* until :meth:`close`. OSError.

    *complain* is told why a client is not served. *reset* (halt) is asked on the I/O thread to load
    the firmware anew, and call :meth:`restarted` when all of that is over, or :meth:`not_started`.
    """

    def __init__(
        self,
        io: IoThread,
        address: str,
        reset: Callable[[bool], None],
        complain: Callable[[str], None],
    ) -> None:
        self._io, self.address, self._reset, self._complain = io, address, reset, complain
        self._worker: Worker | None = None
        self._client: socket.socket | None = None
        self._session: Session | None = None
        self._link: Link | None = None  # to the core that runs
        self._dead = False  # the session is with a core that died
        self._halted_at_start = False
        self._door = Door(address)
        io.acquire()
        io.call(lambda: io.watch(self._door.socket.fileno(), self._accept))

    @property
    def halted(self) -> bool:
        """Whether the core stands still for a debugger, or for one that is still to come."""
        session = self._session
        return self._halted_at_start or (session is not None and not self._dead and session.halted)

    @property
    def attached(self) -> bool:
        """Whether a debugger is there, or the core waits for one."""
        return self._halted_at_start or self._session is not None

    def close(self) -> None:
        """Listen no more, and let the core go on if it is halted."""
        self._io.call(self._end)
        self._io.release()

    def _end(self) -> None:
        self._io.unwatch(self._door.socket.fileno())
        self._door.close()
        self._hang_up()
        if self._halted_at_start and self._worker is not None:
            self._halted_at_start = False
            self._link_to(self._worker).close()

    # What happens to the processor.

    def started(self, worker: Worker, halted: bool) -> None:
        """It runs, or stands in front of its first instruction."""
        self._io.call(lambda: self._started(worker, halted))

    def _started(self, worker: Worker, halted: bool) -> None:
        self._worker, self._halted_at_start = worker, halted

    def restarted(self) -> None:
        """The reset that was asked for is over."""
        self._io.call(self._restarted)

    def _restarted(self) -> None:
        session, worker = self._session, self._worker
        if session is None or not session.resetting:
            return
        if worker is None:
            session.failed("the processor came to its end")
        else:
            self._dead = False
            try:
                link = self._link_to(worker)
            except OSError as failure:
                session.failed(str(failure.strerror))
            else:
                self._halted_at_start = False
                session.restarted(link)
        self._pass_on()

    def not_started(self, why: str) -> None:
        """The reset that was asked for was not possible."""
        self._io.call(lambda: self._not_started(why))

    def _not_started(self, why: str) -> None:
        if self._session is not None and self._session.resetting:
            self._session.failed(why)
            self._pass_on()

    def stopped(self) -> None:
        """It was stopped, or has come to its end."""
        self._io.call(self._stopped)

    def _stopped(self) -> None:
        self._worker, self._link, self._halted_at_start = None, None, False
        if self._session is None or self._dead or self._session.resetting:
            return
        self._session.died(EXITED)
        self._pass_on()

    def crashed(
        self, registers: Mapping[str, int], memory: Mapping[int, bytes], signal: int
    ) -> None:
        """It crashed, with *registers* and *memory* as they were then."""
        self._io.call(lambda: self._crashed(registers, memory, signal))

    def _crashed(
        self, registers: Mapping[str, int], memory: Mapping[int, bytes], signal: int
    ) -> None:
        link, self._link, self._halted_at_start = self._link, None, False
        session = self._session
        if session is None or self._dead or link is None:
            return
        if not link.names:  # of which nothing is left to look at
            session.died(b"X%02x" % signal)
            self._pass_on()
            return
        self._dead = True
        target = DeadTarget(link.names, link.sizes, registers, memory, link.numbers)
        reply = b"S%02x" % signal
        session.died(reply, StubLink(Stub(target, reply), signal, self._from_core))
        self._pass_on()

    # The client.

    def _accept(self) -> None:
        client = self._door.accept()
        if client is None:
            return
        # The one before may be gone, which is only the next news.
        while self._client is not None and _gone(self._client):
            self._from_client()
        worker = self._worker
        if self._client is not None or worker is None:
            client.close()
            return
        try:
            link = self._link_to(worker)
        except OSError as failure:
            self._complain(failure.strerror or str(failure))
            client.close()
            return
        self._halted_at_start = False
        self._client, self._dead = client, False
        self._session = Session(link, self._reset)
        self._io.watch(client.fileno(), self._from_client)

    def _link_to(self, worker: Worker) -> Link:
        self._link = worker.debug(self._from_core)
        self._link.lost = self._lost
        return self._link

    def _lost(self, why: str) -> None:
        """There is no way to the core."""
        self._complain(why)
        self._hang_up()

    def _from_client(self) -> None:
        assert self._client is not None, "there is a client as long as it is watched"
        assert self._session is not None, "a client has a session"
        try:
            data = self._client.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._session.from_client(data)
            self._pass_on()
        else:
            self._hang_up()

    def _from_core(self, payload: bytes) -> None:
        if self._session is not None:
            self._session.from_core(payload)
            self._pass_on()

    def _pass_on(self) -> None:
        """Send what the session has for the client. One that does not read is dropped."""
        session, client = self._session, self._client
        if session is None or client is None:
            return
        data = session.data_to_send()
        try:
            slow = client.send(data, socket.MSG_NOSIGNAL) < len(data) if data else False
        except OSError:
            slow = True
        if slow or session.closed:
            self._hang_up()

    def _hang_up(self) -> None:
        """Close the connection, and let the core go on."""
        client, self._client, self._session = self._client, None, None
        if client is not None:
            self._io.unwatch(client.fileno())
            client.close()
        link, self._link = self._link, None
        if link is not None:
            link.close()


def _gone(client: socket.socket) -> bool:
    """Whether the other end is closed."""
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    return bool(poll.poll(0))

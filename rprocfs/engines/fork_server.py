"""A process that has imported everything, and forks a worker for each boot.

Starting Python and importing takes most of a boot. So while an engine is in use, one process
has done that, and waits in recvmsg(2), which costs memory only. For each boot it makes a child
of the same parent (``CLONE_PARENT``), which confines itself as any other worker does, in front
of the first instruction. It knows nothing of any firmware. It dies with the thread that
started it, with its socket, or by :meth:`ForkServers.release`.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from rprocfs.engines.io_thread import IoThread
from rprocfs.locking import LockClass, new_lock

log = logging.getLogger(__name__)

Command = Callable[[Mapping[str, int]], list[str]]

#: Seconds after a boot without it, which is not to be disturbed for as long as it usually takes.
DELAY = 0.03
#: How long it may take to fork. The I/O thread waits for it.
PATIENCE = 5.0
#: The first descriptor of those that a worker is given.
FIRST_FD = 20
#: What it says once it has imported everything.
READY = b"ready"


class Process(Protocol):
    """A child, as far as a worker needs it: see :class:`subprocess.Popen`."""

    pid: int

    def kill(self) -> None:
        """SIGKILL, unless it was reaped."""

    def poll(self) -> int | None:
        """Reap it, if it has ended: as :meth:`wait`, or None."""

    def wait(self) -> int:
        """Reap it, when it has ended; the exit status, or the negative number of a signal."""


def start(command: Sequence[str], fds: Iterable[int], stderr: int) -> subprocess.Popen[bytes]:
    """A process with nothing but these descriptors, in a session of its own. OSError."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        pass_fds=tuple(fds),
        env={},
        start_new_session=True,
    )


class Forked:
    """A child that another process made: see :class:`Process`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._lock = new_lock(LockClass.PROCESS)
        self._status: int | None = None

    def kill(self) -> None:
        """See :class:`Process`."""
        with self._lock:
            if self._status is None:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)

    def poll(self) -> int | None:
        """See :class:`Process`."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        """See :class:`Process`."""
        status = self._reap(0)
        assert status is not None, "waitpid(2) waits"
        return status

    def _reap(self, options: int) -> int | None:
        with self._lock:
            if self._status is None:
                try:
                    pid, status = os.waitpid(self.pid, options)
                except ChildProcessError:  # SIGCHLD is ignored: 0, as subprocess says
                    pid, status = self.pid, 0
                self._status = os.waitstatus_to_exitcode(status) if pid else None
            return self._status


class ForkServer:
    """One process, started by *command*, :data:`FIRST_FD` and the number of its socket."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self._socket, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        self._socket.settimeout(PATIENCE)
        self._ready = False
        with theirs:
            try:
                number = theirs.fileno()
                words = [*command, str(FIRST_FD), str(number)]
                self.process = start(words, (number,), subprocess.DEVNULL)
            except OSError:
                self._socket.close()
                raise

    @property
    def ready(self) -> bool:
        """Whether it has imported everything."""
        if not self._ready:
            try:
                self._ready = self._socket.recv(len(READY), socket.MSG_DONTWAIT) == READY
            except OSError:
                return False
        return self._ready

    @staticmethod
    def numbers(fds: Mapping[str, int]) -> dict[str, int]:
        """What these descriptors are called in the worker, by their names."""
        return {name: FIRST_FD + index for index, name in enumerate(fds)}

    def fork(self, arguments: Sequence[str], fds: Iterable[int], stderr: int) -> Forked | None:
        """A worker with these *arguments*; None: it could not be made."""
        data = b"\0".join(map(os.fsencode, arguments))
        try:
            socket.send_fds(self._socket, [data], [stderr, *fds])
            pid = int(self._socket.recv(16) or b"0")
        except OSError as failure:
            log.debug("the fork server does not answer: %s", failure)
            return None
        return Forked(pid) if pid > 0 else None

    def end(self) -> None:
        """Kill it, and a worker that it made too late for :meth:`fork`; reap them."""
        self.process.kill()
        self.process.wait()
        for pid in self._late():
            forked = Forked(pid)
            forked.kill()
            forked.wait()
        self._socket.close()

    def _late(self) -> Iterator[int]:
        """Workers that have told their number since, up to the last one that may do so."""
        while True:
            try:
                data = self._socket.recv(16)
            except ConnectionResetError:  # a request was left unread; an answer may be behind it
                continue
            except OSError as failure:
                log.debug("a worker does not answer: %s", failure)
                return
            if not data:
                return
            if data.isdigit():
                yield int(data)


class ForkServers:
    """The fork server of the engines that share *io*; one at most."""

    def __init__(self, io: IoThread) -> None:
        self.io = io
        self._server: ForkServer | None = None
        self._users = 0

    def acquire(self, command: Sequence[str]) -> None:
        """One user more, who is going to :meth:`get` one of that *command*."""
        self.io.acquire()
        self.io.post(lambda: self._add(command))

    def release(self) -> None:
        """One user less; with the last one it ends. Waits for the I/O thread."""
        self.io.call(self._remove)
        self.io.release()

    # On the I/O thread.

    def _add(self, command: Sequence[str]) -> None:
        self._users += 1
        self._begin_soon(command)

    def _remove(self) -> None:
        self._users -= 1
        if not self._users:
            self.end()

    def end(self) -> None:
        """End it; the next :meth:`get` begins another one."""
        server, self._server = self._server, None
        if server is not None:
            server.end()

    def _begin_soon(self, command: Sequence[str]) -> None:
        self.io.call_later(DELAY, lambda: self._begin(command))

    def _begin(self, command: Sequence[str]) -> None:
        if not self._users or self._server is not None:
            return
        try:
            self._server = ForkServer(command)
        except OSError as failure:
            log.debug("no fork server: %s", failure.strerror)

    def get(self, command: Sequence[str]) -> ForkServer | None:
        """The server, if there is one of that *command* and it is ready; else it will be soon."""
        server = self._server
        if server is not None and server.process.poll() is not None:
            self.end()
            server = None
        if server is None:
            self._begin_soon(command)
            return None
        return server if server.command == command and server.ready else None

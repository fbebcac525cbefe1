"""The command's namespace, from outside: it is answered, and emptied in the end."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from rprocfs_fuse.run import calls, namespace
from rprocfs_fuse.run.knowledge import Daemon
from rprocfs_fuse.run.overlay import Plan
from rprocfs_fuse.run.server import Server


def send_tenants(door: socket.socket, mounts: int, listener: int | None) -> None:
    """From the command: its mount namespace, and the listener for its system calls."""
    socket.send_fds(door, [b"t"], [mounts] if listener is None else [mounts, listener])


def receive_tenants(door: socket.socket) -> list[int]:
    """What :func:`send_tenants` sent: one descriptor or two; none at the end."""
    return socket.recv_fds(door, 1, 2)[1]


class Tenants(threading.Thread):
    """Waits for :func:`send_tenants` on *door*, which it closes, and serves.

    Who is to empty the namespace when we cannot is told on *control*, and keeps the
    listener until then: without one, the calls would fail. *pipe* leads to who knows
    the answers; *plan* says what is asked.
    """

    def __init__(
        self, door: socket.socket, control: socket.socket, pipe: Connection, plan: Plan
    ) -> None:
        super().__init__(name="rprocfs-tenants", daemon=True)
        self._door = door
        self._control = control
        self._pipe = pipe
        self._plan = plan
        self._fds: list[int] = []
        self._server: Server | None = None
        self.start()

    def run(self) -> None:
        """Until there is something to serve, or will never be."""
        with self._door:
            self._fds = receive_tenants(self._door)
        if self._fds:
            with suppress(OSError):  # the daemon has died already
                socket.send_fds(self._control, [b"t"], self._fds)
        if len(self._fds) > 1:
            daemon = Daemon(self._pipe)
            handlers = calls.handlers(daemon, _device(), self._plan.release)
            sources = {daemon.fd: daemon.listen}
            glances = partial(calls.glances, traced=self._plan.traced)
            self._server = Server(self._fds[1], handlers, sources, glances)

    def end(self) -> None:
        """Kill whoever is left; the command itself has ended."""
        self.join()
        if self._fds:
            namespace.end(*self._fds)
            os.close(self._fds[0])
        if self._server is not None:
            self._server.close()


def _device() -> int:
    """The ``st_dev`` of our mount; -1 if the daemon has died already: then no file is of it."""
    try:
        return Path(namespace.MOUNTPOINT).stat().st_dev
    except OSError:
        return -1

"""The command's namespace, from outside: it is answered, and emptied in the end."""

from __future__ import annotations

import socket
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from rprocfs_fuse import calls, namespace
from rprocfs_fuse.knowledge import Daemon
from rprocfs_fuse.seccomp import Server


def send_tenants(door: socket.socket, mounts: int, listener: int | None) -> None:
    """From the command: which mount namespace it is in, and the listener for its system calls."""
    socket.send_fds(door, [str(mounts).encode()], [] if listener is None else [listener])


class Tenants(threading.Thread):
    """Waits for :func:`send_tenants` on *door*, which it closes, and serves.

    Who is to empty the namespace when we cannot is told on *control*, and keeps the
    listener until then: without one, the calls would fail. *pipe* leads to who knows
    the answers.
    """

    def __init__(self, door: socket.socket, control: socket.socket, pipe: Connection) -> None:
        super().__init__(name="rprocfs-tenants", daemon=True)
        self._door = door
        self._control = control
        self._pipe = pipe
        self._number = 0
        self._server: Server | None = None
        self.start()

    def run(self) -> None:
        """Until there is something to serve, or will never be."""
        with self._door:
            data, listeners, _, _ = socket.recv_fds(self._door, 32, 1)
        if not data:
            return
        self._number = int(data)
        daemon = Daemon(self._pipe)
        handlers = calls.handlers(daemon, Path(namespace.MOUNTPOINT).stat().st_dev)
        for listener in listeners:
            self._server = Server(listener, handlers, {daemon.fd: daemon.listen})
        socket.send_fds(self._control, [data], listeners)

    def end(self) -> None:
        """Kill whoever is left; the command itself has ended."""
        self.join()
        namespace.end(self._number)
        if self._server is not None:
            self._server.close()

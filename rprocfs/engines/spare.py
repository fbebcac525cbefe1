"""A worker that has begun already: it has imported everything, and waits for what to execute.

Starting Python takes most of a boot. So while an engine is in use, one process waits in
recvmsg(2), and costs memory only. It becomes the worker of the next boot, which confines
itself as any other does, in front of the first instruction. None is used twice: another one
begins soon after. It dies with the thread that started it, with its socket, or by
:meth:`Spares.release`.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence

from rprocfs.engines.io_thread import IoThread

log = logging.getLogger(__name__)

Command = Callable[[Mapping[str, int]], list[str]]

#: Seconds after a boot, which is not to be disturbed for as long as it usually takes.
DELAY = 0.03
#: The first descriptor of those that a spare worker is given.
FIRST_FD = 20


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


class Spare:
    """One process, started by *command*, :data:`FIRST_FD` and the number of its socket."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self._socket, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            try:
                number = theirs.fileno()
                words = [*command, str(FIRST_FD), str(number)]
                self.process = start(words, (number,), subprocess.DEVNULL)
            except OSError:
                self._socket.close()
                raise

    @staticmethod
    def numbers(fds: Mapping[str, int]) -> dict[str, int]:
        """What these descriptors are called in the process, by their names."""
        return {name: FIRST_FD + index for index, name in enumerate(fds)}

    def hand_over(self, arguments: Sequence[str], fds: Iterable[int], stderr: int) -> bool:
        """Make it the worker with these *arguments*. False: it is gone."""
        data = b"\0".join(map(os.fsencode, arguments))
        with self._socket:
            try:
                socket.send_fds(self._socket, [data], [stderr, *fds])
            except OSError:
                self.end()
                return False
        return True

    def end(self) -> None:
        """Kill it, and reap it."""
        self._socket.close()
        self.process.kill()
        self.process.wait()


class Spares:
    """The spare worker of the engines that share *io*; one at most."""

    def __init__(self, io: IoThread) -> None:
        self.io = io
        self._spare: Spare | None = None
        self._users = 0

    def acquire(self, command: Sequence[str]) -> None:
        """One user more, who is going to :meth:`take` one with that *command*."""
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
            self._end()

    def _end(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.end()

    def _begin_soon(self, command: Sequence[str]) -> None:
        self.io.call_later(DELAY, lambda: self._begin(command))

    def _begin(self, command: Sequence[str]) -> None:
        if not self._users or self._spare is not None:
            return
        try:
            self._spare = Spare(command)
        except OSError as failure:
            log.debug("no spare worker: %s", failure.strerror)

    def take(self, command: Sequence[str]) -> Spare | None:
        """The spare worker, if there is one with that *command*; the next one begins soon."""
        self._begin_soon(command)
        spare = self._spare
        if spare is None or spare.command != command:
            return None
        self._spare = None
        if spare.process.poll() is not None:
            spare.end()
            return None
        return spare

"""The init of the command's PID namespace: whatever the command leaves behind ends with it.

It is a process of ours that executes nothing, and the command is its child. It reaps what
is orphaned, tells the supervisor how the command fares, and ends when the command ends; the
kernel then kills all that is left in the namespace, wherever it has hidden.

Started by a process in between, which alone may change the namespace of its children: a
process with threads, or one that wants to start some, may not. As that one ends at once,
the init becomes a child of the supervisor, the subreaper.

Numbers in the namespace go on from those outside: what is named by one, a file in /tmp, is
another's in every run.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rprocfs.errors import CommandError
from rprocfs_fuse import linux
from rprocfs_fuse.linux import CLONE_NEWPID, set_parent_death_signal, unshare

#: The number of every init, as its children see it.
_NUMBER = 1
#: Messages to the supervisor: the init's number; a descriptor of the command; it has stopped;
#: its wait status; there is no /proc to be had.
_INIT, _COMMAND, _STOPPED, _ENDED, _REFUSED = b"i", b"c", b"s", b"e", b"r"
#: And from it: it is the parent now.
_GO = b"g"


@dataclass(frozen=True, slots=True)
class Started:
    """An init and its command, as the supervisor sees them; *news* is where it is told more."""

    pid: int
    command: int
    news: socket.socket


class News:
    """What the init says; :attr:`pid` is its number, :attr:`command` that of the command.

    SIGIO comes when there is something to hear.
    """

    def __init__(self, started: Started) -> None:
        self.pid, self._process = started.pid, started.command
        self.command = linux.number_of(self._process)
        self._socket = started.news
        fd = self._socket.fileno()
        fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
        self.status: int | None = None

    def hear(self) -> bool:
        """Take all of it in; has the command stopped."""
        stopped = False
        with suppress(BlockingIOError):
            while message := self._socket.recv(64):
                stopped |= message[:1] == _STOPPED
                if message[:1] == _ENDED:
                    self.status = int(message[1:])
        return stopped

    def send(self, number: int) -> None:
        """Send the command a signal."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, number)

    def close(self) -> None:
        """Forget the command, and what was said last."""
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        os.close(self._process)
        self._socket.close()


#: What becomes the command, given its parent's number and where to tell of a /proc.
Command = Callable[[int, Callable[[bool], None]], int]


def start(
    fork: Callable[[Callable[[], int]], int], door: socket.socket, command: Command
) -> Started | None:
    """Start the init, and *command* in a child of it, which alone is to have *door*.

    None if the kernel gives us no PID namespace, or no /proc that shows it.
    """
    linux.set_child_subreaper()
    news, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        between = fork(lambda: _between(news, theirs, door, command))
    os.waitpid(between, 0)
    pid = int(news.recv(64)[1:] or 0)
    if pid:
        news.send(_GO)
        message, fds, _, _ = socket.recv_fds(news, 64, 1)
        if fds:
            return Started(pid, fds[0], news)
        os.waitpid(pid, 0)
        if message != _REFUSED:
            raise CommandError("the command's init died")
    news.close()
    return None


def _between(
    news: socket.socket, theirs: socket.socket, door: socket.socket, command: Command
) -> int:
    news.close()
    try:
        unshare(CLONE_NEWPID)
    except OSError:
        return 0
    number = os.getpid()
    pid = os.fork()
    if not pid:
        _be_init(theirs, door, command, number)
    theirs.send(_INIT + b"%d" % pid)
    return 0


def _be_init(news: socket.socket, door: socket.socket, command: Command, number: int) -> NoReturn:
    """Once the supervisor is the parent, whose death is ours."""
    status = 1
    try:
        if news.recv(64):
            set_parent_death_signal(signal.SIGKILL)
            status = _serve(news, door, command, number)
    finally:
        os._exit(status)


def _serve(news: socket.socket, door: socket.socket, command: Command, number: int) -> int:
    with suppress(OSError):  # not every kernel has it, and a container may forbid it
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(number), "ascii")
    pid = os.fork()
    if not pid:
        _become(command, news)
    door.close()
    while True:
        child, status = os.waitpid(-1, os.WUNTRACED)
        if child == pid and os.WIFSTOPPED(status):
            news.send(_STOPPED)
        elif child == pid:
            news.send(_ENDED + b"%d" % status)
            return 0


def _become(command: Command, news: socket.socket) -> NoReturn:
    status = 1
    try:
        status = command(_NUMBER, lambda has_proc: _introduce(news, has_proc))
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _introduce(news: socket.socket, has_proc: bool) -> None:
    """From the command: this is it, or it cannot be."""
    if not has_proc:
        news.send(_REFUSED)
        os._exit(1)
    process = os.pidfd_open(os.getpid())
    socket.send_fds(news, [_COMMAND], [process])
    os.close(process)
    news.close()

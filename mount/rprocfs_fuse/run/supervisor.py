"""The process that ``rprocfs run`` started: it stands for the command towards the outside.

It waits, hands on the signals that are sent to it, stops when the command stops, and in
the end does what the command did: returns its exit status, or dies of the same signal.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from rprocfs_fuse.run import namespace
from rprocfs_fuse.run.init import News

#: What somebody may send to the command by sending it to us.
FORWARDED = frozenset({
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGCONT,
})  # fmt: skip

#: SIGIO: the init of the command's namespace says something.
_AWAITED = FORWARDED | {signal.SIGCHLD, signal.SIGIO}
#: How long the daemon may take to end, in seconds.
PATIENCE = 10.0


@contextmanager
def signals_held() -> Iterator[None]:
    """Keep the signals that :class:`Supervisor` deals with until it asks for them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def release_signals(interrupted: Callable[[int, Any], None] | signal.Handlers) -> None:
    """In a new process: what was held is no longer, and nothing is ignored but by the caller.

    A SIGINT of Python's own handling is *interrupted*'s.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupted)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def terminal_kept() -> Iterator[None]:
    """Be in the foreground of the terminal afterwards if we were before.

    A shell with job control puts its caller's group there when it ends; in a PID namespace
    that group has no number.
    """
    terminal = next((number for number in range(3) if os.isatty(number)), None)
    if terminal is None or os.tcgetpgrp(terminal) != os.getpgrp():
        yield
        return
    try:
        yield
    finally:
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        with suppress(OSError):  # it was hung up
            os.tcsetpgrp(terminal, os.getpgrp())
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


class Supervisor:
    """Watches the :attr:`command`, once there is one, and the *daemon*: child processes.

    The command may be a child of an init instead, which is ours (:meth:`listen`).

    *lost* is told how the daemon ended, when that is before the command. Used inside
    :func:`signals_held`.
    """

    def __init__(self, daemon: int, lost: Callable[[str], None]) -> None:
        self.command = 0
        self._daemon = daemon
        self._lost = lost
        self._status: int | None = None
        self._news: News | None = None

    def listen(self, news: News) -> None:
        """The command is that of an init."""
        self._news, self.command = news, news.command

    def wait(self) -> int:
        """Return the wait status of the command, once it has ended."""
        self._reap()
        while self._status is None:
            info = signal.sigwaitinfo(_AWAITED)
            if info.si_signo in (signal.SIGCHLD, signal.SIGIO):
                self._reap()
            elif _sent_by_another(info, self.command):
                self._send(info.si_signo)
        return self._status

    def end_command(self) -> None:
        """Kill and reap what the command left behind."""
        if self._news is not None:
            self._news.close()
        namespace.end_descendants(self._daemon)

    def _send(self, number: int) -> None:
        if self._news is not None:
            self._news.send(number)
            return
        with suppress(ProcessLookupError):
            os.kill(self.command, number)

    def end_daemon(self) -> None:
        """Wait until the daemon, which knows that it is to end, has ended."""
        deadline = time.monotonic() + PATIENCE
        while self._daemon:
            self._reap()
            left = deadline - time.monotonic()
            if self._daemon and (left <= 0 or not signal.sigtimedwait({signal.SIGCHLD}, left)):
                self._kill_daemon()

    def _kill_daemon(self) -> None:
        if self._daemon:
            with suppress(ProcessLookupError):
                os.kill(self._daemon, signal.SIGKILL)
            os.waitpid(self._daemon, 0)
            self._daemon = 0

    def _reap(self) -> None:
        if self._daemon:
            pid, status = os.waitpid(self._daemon, os.WNOHANG)
            if pid:
                self._daemon = 0
                if self.command and self._status is None:
                    self._lost(_how(status))
        if self.command and self._status is None:
            self._look_after_command()

    def _look_after_command(self) -> None:
        if self._news is not None:
            self._look_after_init(self._news)
            return
        pid, status = os.waitpid(self.command, os.WNOHANG | os.WUNTRACED)
        if not pid:
            return
        if os.WIFSTOPPED(status):
            self._stop()
        else:
            self._status = status

    def _look_after_init(self, news: News) -> None:
        pid, status = os.waitpid(news.pid, os.WNOHANG)
        if news.hear():
            self._stop()
        if pid:  # and everything in its namespace
            self._status = status if news.status is None else news.status

    def _stop(self) -> None:
        """As the command did, and go on as it does."""
        os.kill(os.getpid(), signal.SIGSTOP)
        self._send(signal.SIGCONT)


def _sent_by_another(info: signal.struct_siginfo, command: int) -> bool:
    """Not by the kernel, whose terminal signals the command got itself, nor by the command."""
    return info.si_code <= 0 and info.si_pid != command


def end_as(status: int) -> int:
    """The exit status behind a wait status; a signal kills the calling process too."""
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    number = os.WTERMSIG(status)
    sys.stdout.flush()
    sys.stderr.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return 128 + number


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"died of signal {os.WTERMSIG(status)}"
    return f"ended with status {os.waitstatus_to_exitcode(status)}"

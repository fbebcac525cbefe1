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

_AWAITED = FORWARDED | {signal.SIGCHLD}
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


class Supervisor:
    """Watches the :attr:`command`, once there is one, and the *daemon*: child processes.

    *lost* is told how the daemon ended, when that is before the command. Used inside
    :func:`signals_held`.
    """

    def __init__(self, daemon: int, lost: Callable[[str], None]) -> None:
        self.command = 0
        self._daemon = daemon
        self._lost = lost
        self._status: int | None = None

    def wait(self) -> int:
        """Return the wait status of the command, once it has ended."""
        self._reap()
        while self._status is None:
            info = signal.sigwaitinfo(_AWAITED)
            if info.si_signo == signal.SIGCHLD:
                self._reap()
            elif _sent_by_another(info, self.command):
                with suppress(ProcessLookupError):
                    os.kill(self.command, info.si_signo)
        return self._status

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
        if self.command and self._status is None:
            self._look_after_command()
        if self._daemon:
            pid, status = os.waitpid(self._daemon, os.WNOHANG)
            if pid:
                self._daemon = 0
                if self.command and self._status is None:
                    self._lost(_how(status))

    def _look_after_command(self) -> None:
        pid, status = os.waitpid(self.command, os.WNOHANG | os.WUNTRACED)
        if not pid:
            return
        if os.WIFSTOPPED(status):
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(self.command, signal.SIGCONT)
        else:
            self._status = status


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

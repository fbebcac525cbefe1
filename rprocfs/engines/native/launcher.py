"""The process that starts a native program, watches it, and says how it ended.

``main([name, cpu, program, ram, mailbox, console, control, *environment])``: argv[0] of the
program, seconds of CPU that it may use (0: any), five inherited descriptors, and
``NAME=VALUE`` words.

With a PID namespace three processes run: the launcher; below it the namespace's init,
whose end is the end of everything in there; below that the program. Without one the
launcher is the parent of the program, and of what its descendants leave behind.

On the control socket the launcher says once how the start went: lines ``-TEXT`` of what
the sandbox had to do without, a line ``!ERRNO TEXT`` if there is no program, and a NUL.
When the control socket ends, the launcher ends everything and itself.
"""

from __future__ import annotations

# Every module imported here delays every boot: pathlib, signal and typing take 10 ms.
import fcntl
import os
import select
from contextlib import suppress

from rprocfs.engines.confinement.limits import offer_to_oom_killer
from rprocfs.engines.confinement.linux import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_PDEATHSIG,
    prctl,
)
from rprocfs.engines.native import sandbox

CLEAN, CRASHED, FAILED = 0, 70, 71
#: The program's descriptors: 0 to 2 the console, 3 the memory, 4 the doorbell.
MEMORY, DOORBELL, FIRST_FREE = 3, 4, 10
SIGKILL, SIGBUS, SIGSEGV = 9, 7, 11

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Launcher:
    """One start."""

    def __init__(self, name: str, cpu: int, fds: list[int], environment: dict[str, str]) -> None:
        self._name, self._cpu = name, cpu
        self._program, self._ram, self._mailbox, self._console, self._control = map(_high, fds)
        self._environment = environment
        self._users, self._own_root = "", False
        self._news, end = os.pipe()
        self._news_end = _high(end)

    def run(self) -> NoReturn:
        """Start the program, and end as it did."""
        try:
            self._users = sandbox.enter()
        except OSError as failure:
            self._tell(f"-no namespaces: {failure.strerror}\n")
            # Without them it has to clean up itself when the control socket ends.
            prctl(PR_SET_PDEATHSIG, 0)
        launcher = os.pidfd_open(os.getpid())
        child = os.fork()
        if not child:
            self._begin(launcher)
        os.close(launcher)
        os.close(self._news_end)
        with os.fdopen(self._news, "rb") as file:
            news = file.read()
        with suppress(BrokenPipeError):
            os.write(self._control, news + b"\0")
        if b"!" in news:
            os.read(self._control, 1)
            os._exit(FAILED)
        self._supervise(child)

    def _tell(self, news: str) -> None:
        os.write(self._news_end, news.encode())

    def _begin(self, launcher: int) -> NoReturn:
        """In the child: be the namespace's init, or the program."""
        prctl(PR_SET_PDEATHSIG, SIGKILL)
        if select.select([launcher], [], [], 0)[0]:  # it was killed before that
            os._exit(FAILED)
        offer_to_oom_killer()
        if not self._users:
            self._execute()
        try:
            sandbox.change_root()
            self._own_root = True
        except OSError as failure:
            self._tell(f"-no root of its own: {failure.filename}: {failure.strerror}\n")
        program = os.fork()
        if not program:
            self._execute()
        os.close(self._news_end)
        prctl(PR_SET_DUMPABLE, 0)
        while True:
            pid, status = os.wait()
            if pid == program:
                _end(status)

    def _execute(self) -> NoReturn:
        """Be the program."""
        try:
            self._prepare()
            os.execve(self._program, [self._name], self._environment)
        except OSError as failure:
            self._tell(f"!{failure.errno} {failure.strerror}\n")
        os._exit(FAILED)

    def _prepare(self) -> None:
        os.setsid()
        os.chdir("/")
        os.umask(0o077)
        sandbox.default_signals()
        for what in sandbox.confine(self._users, self._cpu, self._own_root):
            self._tell(f"-{what}\n")
        theirs = (self._console, self._console, self._console, self._ram, self._mailbox)
        for target, fd in enumerate(theirs):
            os.dup2(fd, target)

    def _supervise(self, child: int) -> NoReturn:
        """Until *child* is gone, which goes when the control socket does: end likewise."""
        pidfd = os.pidfd_open(child)
        if pidfd not in select.select([pidfd, self._control], [], [])[0]:
            _kill(child)
            _kill_descendants()
            os._exit(CLEAN)
        status = os.waitpid(child, 0)[1]
        _kill_descendants()
        if self._users and os.WIFEXITED(status):  # then the init has said why
            os._exit(os.WEXITSTATUS(status))
        _end(status)


def _high(fd: int) -> int:
    """*fd* where it is in nobody's way, and does not outlive an exec."""
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE)
    os.close(fd)
    return high


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, SIGKILL)


def _kill_descendants() -> None:
    """Kill and reap all children, and theirs as they become ours."""
    while True:
        children = [b""]
        # Not every kernel has it.
        with suppress(FileNotFoundError), open("/proc/thread-self/children", "rb") as file:
            children = file.read().split() or children
        for pid in filter(None, children):
            _kill(int(pid))
        try:
            for _ in children:  # as many at least are ours
                os.wait()
        except ChildProcessError:
            return


def _end(status: int) -> NoReturn:
    """Say on stderr how the program ended, and end likewise."""
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        os._exit(CLEAN)
    what = f"signal {-code}" if code < 0 else f"exit status {code}"
    kind = "mmufault" if -code in (SIGSEGV, SIGBUS) else "fatal error"
    os.write(2, f"{what}\n{kind}\n".encode())
    os._exit(CRASHED)


def main(arguments: list[str]) -> NoReturn:
    """Start the program that *arguments* describe, and end the process."""
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    name, cpu, *fds = arguments[:7]
    environment = dict(word.split("=", 1) for word in arguments[7:])
    Launcher(name, int(cpu), [int(fd) for fd in fds], environment).run()

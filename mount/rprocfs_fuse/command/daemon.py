"""The process behind a mount: it serves until a signal comes or the mount ends."""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import TextIO

from rprocfs.errors import CommandError
from rprocfs_fuse.command.notify import sd_notify

logger = logging.getLogger(__name__)

#: How long a thread may keep the interpreter, in seconds: what a request waits at most
#: while a processor's thread computes.
SWITCH_INTERVAL = 0.0005
#: Seconds that ending may take, at most; ``rprocfs umount`` waits a little longer.
PATIENCE = 8
#: gc.set_threshold(): everything is looked at for 15,400 objects more, not for 77,000.
COLLECT = (700, 10, 1)
#: mallopt(3).
_M_ARENA_MAX = -8
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_READY = b"\0"

#: ``run(ready, ends)``: serves until something comes out of *ends*; calls *ready* once.
Run = Callable[[Callable[[], None], "SimpleQueue[None]"], None]


def in_foreground(run: Run) -> None:
    """*run* in this process; SIGTERM, SIGINT and SIGHUP put something into its queue."""
    set_up_interpreter()
    with _signals() as ends:
        run(lambda: sd_notify("READY=1"), ends)


def in_background(run: Run) -> None:
    """*run* in a daemon of its own; returns when that said it is ready. CommandError.

    Call it before any thread is made: they do not survive the fork.
    """
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _daemon(run, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read()
    if said == _READY:
        return
    os.waitpid(pid, 0)
    raise CommandError(said.decode("utf-8", "replace") or "the daemon died without a word")


def set_up_interpreter() -> None:
    """Have the interpreter serve many short requests on many threads, for months.

    One thread at a time allocates, since Python has one lock. The C library would give each thread
    a heap of its own, and what is free in one of them is of no use to the others. A parent that
    ignored SIGCHLD would keep from it how its workers end.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.setswitchinterval(SWITCH_INTERVAL)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has it
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def forget_what_stays() -> None:
    """Have the collector look at nothing that is there now: modules, classes, functions.

    It looks at everything only when a quarter of what it knows is new. Until then it would leave
    as much as that of what processors that are gone leave, which refers to itself. There is little
    else that it knows then, so it can look often.
    """
    gc.freeze()
    gc.set_threshold(*COLLECT)


@contextmanager
def ends_soon(stacks: TextIO | None) -> Iterator[None]:
    """What is done inside ends the process, if it takes longer than :data:`PATIENCE`.

    The kernel sees to that, whatever keeps the threads. First of all their *stacks* are written.
    """
    if stacks is not None:
        faulthandler.register(signal.SIGALRM, stacks, chain=True)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        faulthandler.unregister(signal.SIGALRM)


def describe(problem: BaseException) -> str:
    """Describe a failure in one line for the terminal."""
    if isinstance(problem, OSError) and problem.strerror:
        where = f"{problem.filename}: " if problem.filename else ""
        return f"{where}{problem.strerror}"
    return str(problem) or type(problem).__name__


def _daemon(run: Run, pipe: int) -> None:
    """The child: never returns."""
    status = 1
    try:
        os.setsid()
        os.chdir("/")
        _silence(0)
        set_up_interpreter()
        with _signals() as ends:
            run(lambda: _ready(pipe), ends)
        status = 0
    except BaseException as problem:
        if not isinstance(problem, (CommandError, OSError)):
            logger.error("the daemon failed", exc_info=problem)
        _tell(pipe, describe(problem).encode())
    finally:
        os._exit(status)


def _ready(pipe: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    _silence(1)
    _silence(2)
    _tell(pipe, _READY)
    os.close(pipe)


def _tell(pipe: int, text: bytes) -> None:
    with suppress(BrokenPipeError):  # the parent may be gone
        os.write(pipe, text)


def _silence(fd: int) -> None:
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, fd)
    os.close(null)


@contextmanager
def _signals() -> Iterator[SimpleQueue[None]]:
    """A queue into which every signal that ends us puts something."""
    ends: SimpleQueue[None] = SimpleQueue()
    before = {number: signal.signal(number, lambda *_: ends.put(None)) for number in _SIGNALS}
    try:
        yield ends
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""A validator of locks -- kernel/locking/lockdep.c.

It is on if the environment has ``RPROCFS_LOCKDEP=1`` when rprocfs is imported; otherwise
:mod:`rprocfs.locking` gives out the interpreter's own locks, and nothing here is ever called.

What it reports need not have hung: it is enough that it could.

- **Order.** It remembers which class was taken while which other one was held, and where that
  was first done. Taking two classes in both orders, directly or by way of others, is reported by
  the acquisition that completes the cycle, with all stacks.
- **The tree.** :class:`~rprocfs.locking.classes.LockClass` is in the order in which its locks
  may be taken; the other order is reported even if nothing took them in the right one yet.
- **What a lock forbids.** :func:`Validator.might_sleep` (a wait for another thread, the start of
  a process, a lock that may be held while sleeping) is reported under a spinlock;
  :func:`Validator.might_reply` (a message to the kernel's FUSE) under any lock.
- **Waiting for work.** A thread that runs work holds the class of its queue, a thread that waits
  for the queue takes it: waiting for work that needs a lock which the waiter holds is a cycle.
- **Recursion.** A lock that is not recursive, taken again by its holder, raises RuntimeError.

A report goes to the log ``rprocfs.lockdep`` as an error, once for each pair, and is kept in
:attr:`Validator.reports`.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

from rprocfs.locking.classes import Kind, LockClass

logger = logging.getLogger("rprocfs.lockdep")

Edge = tuple[LockClass, LockClass]


class Held(NamedTuple):
    """A lock that a thread holds: its class and which one it is."""

    kind: LockClass
    lock: object


class _Thread(threading.local):
    """What this thread holds, oldest first."""

    def __init__(self) -> None:
        self.held: list[Held] = []
        self.busy = False


class Validator:
    """The orders seen so far. Thread-safe."""

    def __init__(self) -> None:
        self._thread = _Thread()
        self._lock = threading.Lock()
        #: The first stack that took the second class under the first.
        self._edges: dict[Edge, str] = {}
        self._after: dict[LockClass, set[LockClass]] = {}
        self._reported: set[tuple[str, ...]] = set()
        self.reports: list[str] = []

    def take_reports(self) -> list[str]:
        """All reports since the last call."""
        with self._lock:
            reports, self.reports = self.reports, []
        return reports

    def acquire(self, kind: LockClass, lock: object, *, tries: bool = False) -> None:
        """This thread is about to take *lock*; *tries*: without waiting, so any order will do."""
        held = self._thread.held
        if held and not tries:
            if kind.sleeps:
                self.might_sleep(f"taking {kind}")
            for outer in held:
                if (outer.kind, kind) not in self._edges:
                    self._first(outer.kind, kind)
        held.append(Held(kind, lock))

    def release(self, lock: object) -> None:
        """This thread lets go of *lock*, in whatever order."""
        held = self._thread.held
        for index in range(len(held) - 1, -1, -1):
            if held[index].lock is lock:
                del held[index]
                return

    def holds(self, lock: object) -> bool:
        """Does this thread hold *lock*."""
        return any(held.lock is lock for held in self._thread.held)

    def might_sleep(self, what: str) -> None:
        """This thread is about to wait, or to start a process: report what forbids that."""
        self._forbid(what, [held.kind for held in self._thread.held if not held.kind.sleeps])

    def might_reply(self) -> None:
        """This thread is about to write to the kernel's FUSE: report any lock."""
        held = [held.kind for held in self._thread.held]
        self._forbid("a message to FUSE", [kind for kind in held if kind.kind is not Kind.WORK])

    @contextmanager
    def running(self, kind: LockClass, queue: object) -> Iterator[None]:
        """This thread runs work of *queue*, for which :meth:`waiting` waits."""
        self.acquire(kind, queue)
        try:
            yield
        finally:
            self.release(queue)

    def waiting(self, kind: LockClass, queue: object) -> None:
        """This thread is about to wait for what *queue* runs."""
        self.might_sleep(f"waiting for {kind}")
        self.acquire(kind, queue)
        self.release(queue)

    def _first(self, outer: LockClass, inner: LockClass) -> None:
        """*inner* is taken under *outer* for the first time."""
        stack = _stack()
        with self._lock:
            way = self._way(inner, outer)
            self._edges.setdefault((outer, inner), stack)
            self._after.setdefault(outer, set()).add(inner)
        if way is not None:
            self._report_cycle(outer, inner, way, stack)
        elif outer.forbids(inner):
            text = f"{inner} is taken under {outer}, which the tree of locks does not allow"
            self._report((outer.name, inner.name), f"{text}\n{stack}")

    def _way(self, start: LockClass, end: LockClass) -> list[LockClass] | None:
        """The classes from *start* to *end*, each taken under the one before; None: no such way."""
        ways, seen = [[start]], {start}
        for way in ways:
            if way[-1] is end:
                return way
            fresh = self._after.get(way[-1], set()) - seen
            seen |= fresh
            ways += [[*way, after] for after in fresh]
        return None

    def _report_cycle(
        self, outer: LockClass, inner: LockClass, way: list[LockClass], stack: str
    ) -> None:
        if way == [inner]:
            words = f"possible recursive locking: {inner} is taken under another {inner}"
            self._report((inner.name,), f"{words}\n{stack}")
            return
        text = [f"possible circular locking: {inner} is taken under {outer}\n{stack}"]
        for before, after in pairwise(way):
            text.append(f"but {after} was taken under {before}\n{self._edges[before, after]}")
        self._report((outer.name, *(kind.name for kind in way)), "\n".join(text))

    def _forbid(self, what: str, kinds: list[LockClass]) -> None:
        if kinds:
            names = ", ".join(map(str, kinds))
            self._report((what, *names), f"{what} under {names}, which forbids it\n{_stack()}")

    def _report(self, key: tuple[str, ...], text: str) -> None:
        """Once for each *key*. Logging takes locks of its own, which may be ours."""
        with self._lock:
            if key in self._reported:
                return
            self._reported.add(key)
            self.reports.append(text)
        if not self._thread.busy:
            self._thread.busy = True
            try:
                logger.error("lockdep: %s", text)
            finally:
                self._thread.busy = False


def _stack() -> str:
    """Where this thread is, without ourselves."""
    frames = [
        frame
        for frame in traceback.extract_stack()
        if frame.filename != __file__ and "/rprocfs/locking/" not in frame.filename
    ]
    return "".join(traceback.format_list(frames[-12:]))

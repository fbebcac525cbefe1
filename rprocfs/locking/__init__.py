"""All locks of rprocfs: their tree, and the validator that holds every thread to it.

**The tree** stands in :mod:`~rprocfs.locking.classes`, outermost lock first, and for people in
``docs/explanation/locks.md``. A lock is made by :func:`new_lock`, :func:`new_rlock` or
:func:`new_condition`, of one of these classes; a test finds any other. The rules:

- A lock is taken under those that stand before it, never the other way round, and never under
  another one of its class.
- A thread that sleeps (waits for another one, starts a process, takes a mutex) holds mutexes
  only. A spinlock is held for a few statements, a leaf has nothing below it.
- Whoever waits for work, waits for every lock that the work takes: a queue of work stands in the
  tree as a lock does.
- A message to the kernel's FUSE is written under no lock: the kernel may have to ask us first.
- No show, store, open, wake-up or callback runs under a lock that it did not take itself, but
  for ``cb_lock``, which is there for that.

**The validator** (:mod:`~rprocfs.locking.lockdep`) is on if the environment has
``RPROCFS_LOCKDEP=1`` at the start of the process. Otherwise the functions below give out the
interpreter's own locks, and nothing of it costs anything.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

from rprocfs.locking.classes import LockClass
from rprocfs.locking.lockdep import Validator
from rprocfs.locking.mutex import CheckedCondition, CheckedLock, CheckedRLock

__all__ = [
    "VALIDATOR",
    "Lock",
    "LockClass",
    "acquiring",
    "might_sleep",
    "new_condition",
    "new_lock",
    "new_rlock",
    "outside_locks",
    "released",
    "running",
    "waiting",
]

T = TypeVar("T")

#: The validator of this process, None if there is none.
VALIDATOR = Validator() if os.environ.get("RPROCFS_LOCKDEP") == "1" else None


class Lock(AbstractContextManager[bool], Protocol):
    """What the functions below give out."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """See ``threading.Lock``."""

    def release(self) -> None:
        """See ``threading.Lock``."""


def new_lock(kind: LockClass) -> Lock:
    """``threading.Lock`` of class *kind*."""
    return threading.Lock() if VALIDATOR is None else CheckedLock(VALIDATOR, kind)


def new_rlock(kind: LockClass) -> Lock:
    """``threading.RLock`` of class *kind*."""
    return threading.RLock() if VALIDATOR is None else CheckedRLock(VALIDATOR, kind)


def new_condition(kind: LockClass) -> threading.Condition:
    """``threading.Condition`` of class *kind*, whose lock is not recursive."""
    if VALIDATOR is None:
        return threading.Condition(threading.Lock())
    return CheckedCondition(VALIDATOR, kind)


def might_sleep(what: str) -> None:
    """``might_sleep``: this thread is about to wait for another one, or to start a process."""
    if VALIDATOR is not None:
        VALIDATOR.might_sleep(what)


def acquiring(kind: LockClass, lock: object) -> None:
    """This thread is about to take *lock*, which is not one of those above."""
    if VALIDATOR is not None:
        VALIDATOR.acquire(kind, lock)


def released(lock: object) -> None:
    """This thread lets go of *lock*, see :func:`acquiring`."""
    if VALIDATOR is not None:
        VALIDATOR.release(lock)


def running(kind: LockClass, queue: object) -> AbstractContextManager[None]:
    """This thread runs work of *queue*, for which others wait by :func:`waiting`."""
    return nullcontext() if VALIDATOR is None else VALIDATOR.running(kind, queue)


def waiting(kind: LockClass, queue: object) -> None:
    """This thread is about to wait for what *queue* runs."""
    if VALIDATOR is not None:
        VALIDATOR.waiting(kind, queue)


def outside_locks(write: Callable[[int, bytes], T]) -> Callable[[int, bytes], T]:
    """*write*, which must not be called under any lock."""
    validator = VALIDATOR
    if validator is None:
        return write

    def checked(fd: int, data: bytes) -> T:
        validator.might_reply()
        return write(fd, data)

    return checked

"""Waiting in a thread of one's own, for callers that have one: fusepy's, and tests."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from typing import Any

from rprocfs.fs.kernfs import error
from rprocfs.fs.wait import Task, WouldBlock

#: How often a waiting thread looks whether it was interrupted, in seconds.
STEP = 0.05


def wait_for(run: Callable[[], Any], ended: Callable[[], int] = lambda: 0) -> Any:
    """The result of *run*, called again after each wake-up while it would block.

    Gives up with the errno that *ended* returns, asked every :data:`STEP` seconds; and
    as WouldBlock says.
    """
    try:
        return run()
    except WouldBlock as first:
        wait = first
    deadline = None if wait.timeout is None else time.monotonic() + wait.timeout
    expired = wait.expired
    woken = threading.Event()
    try:
        while True:
            woken.clear()
            wait.queue.add(woken.set)
            try:
                return run()
            except WouldBlock as again:
                if again.queue is not wait.queue:
                    wait.queue.remove(woken.set)
                    wait = again
                    continue
            while not woken.wait(STEP):
                if code := ended():
                    raise error(code)
                if deadline is not None and time.monotonic() >= deadline:
                    return expired() if expired else 0
    finally:
        wait.queue.remove(woken.set)


class SleepingJob:
    """An operation on a worker, with its result."""

    def __init__(self) -> None:
        self.task = Task()
        self.done = threading.Event()
        self.run: Callable[[], Any] = object
        self._value: Any = None
        self._problem: BaseException | None = None

    def __call__(self) -> None:
        """What the worker does."""
        with self.task.running():
            try:
                self._value = self.run()
            except BaseException as problem:
                self._problem = problem
        self.done.set()

    def ended(self) -> int:
        """EINTR when the task was interrupted."""
        return errno.EINTR if self.task.signal_pending else 0

    def result(self) -> Any:
        """What the operation returned or raised."""
        if self._problem is not None:
            raise self._problem
        return self._value

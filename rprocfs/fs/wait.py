"""Wait queues, tasks and the sleeping lock -- include/linux/wait.h, kernel/locking/mutex.c."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rprocfs.locking import LockClass, acquiring, new_lock, released

Waker = Callable[[], None]


class WaitQueue:
    """``wait_queue_head_t``: its waiters are called when it may be worth to try again.

    Thread-safe. A waker is called at most once for each time it is added, from the
    thread that calls :meth:`wake_up`. It may only queue a retry: it must take no lock of
    the framework and do no work.
    """

    __slots__ = ("_lock", "_wakers")

    def __init__(self) -> None:
        self._lock = new_lock(LockClass.WAIT_QUEUE)
        self._wakers: dict[Waker, None] = {}

    def add(self, waker: Waker) -> None:
        """Call *waker* at the next wake-up."""
        with self._lock:
            self._wakers[waker] = None

    def remove(self, waker: Waker) -> None:
        """Remove *waker*, if it is there."""
        with self._lock:
            self._wakers.pop(waker, None)

    def wake_up(self) -> None:
        """``wake_up_interruptible``: call and forget every waker, oldest first."""
        if not self._wakers:
            return
        with self._lock:
            wakers, self._wakers = self._wakers, {}
        for waker in wakers:
            waker()

    def __len__(self) -> int:
        return len(self._wakers)


class WouldBlock(BlockingIOError):
    """An operation has no answer yet (EAGAIN to a caller that does not wait).

    *queue* is woken when it is worth calling again. A caller that waits gives up
    after *timeout* seconds, if that is not None, and then calls *expired*, whose
    exception or result answers the operation.
    """

    def __init__(
        self,
        queue: WaitQueue,
        timeout: float | None = None,
        expired: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.queue = queue
        self.timeout = timeout
        self.expired = expired


class Task:
    """``struct task_struct`` of a caller that sleeps: what a signal interrupts.

    The thread that serves a sleeping operation runs it inside :meth:`running`;
    any other thread may call :meth:`interrupt`.
    """

    _current = threading.local()

    def __init__(self) -> None:
        self._lock = new_lock(LockClass.TASK)
        self._waker: Waker | None = None
        self.signal_pending = False

    @classmethod
    def current(cls) -> Task | None:
        """The task whose operation this thread serves, if any."""
        task: Task | None = getattr(cls._current, "task", None)
        return task

    @contextmanager
    def running(self) -> Iterator[None]:
        """This thread serves the task until the block ends."""
        self._current.task = self
        try:
            yield
        finally:
            self._current.task = None

    def interrupt(self) -> None:
        """A signal came: an interruptible sleep ends with EINTR, now or when it begins."""
        with self._lock:
            self.signal_pending = True
            waker = self._waker
        if waker is not None:
            waker()

    def sleep_on(self, waker: Waker | None) -> None:
        """What :meth:`interrupt` has to call while the task sleeps; None: it is awake."""
        with self._lock:
            self._waker = waker


class Mutex:
    """``struct mutex``: a lock that is handed on in order of arrival and may be interrupted.

    Not recursive. As a context manager it cannot be interrupted. *kind* is its class in the
    tree of locks; without one, another thread may release it.
    """

    def __init__(self, kind: LockClass | None = None) -> None:
        self._kind = kind
        self._changed = threading.Condition()
        self._queue: list[object] = []

    def lock(self) -> None:
        """Take the lock, however long it takes."""
        self._lock(None)

    def lock_interruptible(self) -> None:
        """Take the lock, or raise InterruptedError (EINTR) when the current task is signalled."""
        self._lock(Task.current())

    def unlock(self) -> None:
        """Release the lock; the longest waiter gets it."""
        released(self)
        with self._changed:
            self._queue.pop(0)
            self._changed.notify_all()

    def locked(self) -> bool:
        """Whether any thread holds the lock."""
        return bool(self._queue)

    def __enter__(self) -> None:
        self.lock()

    def __exit__(self, *_exc: object) -> None:
        self.unlock()

    def _lock(self, task: Task | None) -> None:
        ticket = object()
        if self._kind is not None:
            acquiring(self._kind, self)
        if task is not None:
            task.sleep_on(self._wake)
        try:
            with self._changed:
                self._queue.append(ticket)
                while self._queue[0] is not ticket:
                    if task is not None and task.signal_pending:
                        self._queue.remove(ticket)
                        self._changed.notify_all()
                        released(self)
                        raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
                    self._changed.wait()
        finally:
            if task is not None:
                task.sleep_on(None)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

"""The one thread that delivers the news of all workers."""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import selectors
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from rprocfs.lib import softirq
from rprocfs.lib.irq import Irqs
from rprocfs.locking import LockClass, new_lock, running, waiting

log = logging.getLogger(__name__)
T = TypeVar("T")

# A descriptor that is ready more often than this is left alone for the rest of the
# window: whoever floods one is slowed down by his own socket, the others are not.
WINDOW, READY_PER_WINDOW = 0.01, 200


class _Watch:
    """A descriptor, whom to tell, and how often that happened in this window."""

    __slots__ = ("callback", "count", "fd", "window")

    def __init__(self, fd: int, callback: Callable[[], object]) -> None:
        self.fd, self.callback = fd, callback
        self.window, self.count = 0.0, 0

    def over_budget(self, now: float) -> bool:
        """Count one more time; whether that is too often."""
        if now - self.window >= WINDOW:
            self.window, self.count = now, 0
        self.count += 1
        return self.count >= READY_PER_WINDOW


class _Call(Generic[T]):
    """A call made on the thread for somebody who waits for what comes of it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._done = threading.Event()
        self._error: BaseException | None = None
        self._result: list[T] = []

    def __call__(self) -> None:
        with self:
            self._result.append(self._function())

    def wait(self) -> T:
        """The result, or the exception."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result[0]

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        self._error = error
        self._done.set()
        return True


class _Loop(threading.Thread):
    """The thread, from the first user to the last."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._selector = selectors.DefaultSelector()
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = new_lock(LockClass.IO_CALLS)
        self._calls: list[Callable[[], None]] = []
        self._watches: dict[int, _Watch] = {}
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._running = True
        self._pending: list[softirq.Action] = []
        self._selector.register(self._wake_fd, selectors.EVENT_READ)

    def post(self, function: Callable[[], None]) -> None:
        """Call *function* on the thread, soon."""
        with self._lock:
            self._calls.append(function)
        os.eventfd_write(self._wake_fd, 1)

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """On the thread: call *function* after *seconds*."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), function))

    def finish(self) -> None:
        """End, when everything that was posted before is done."""
        self.post(self._end)

    def _end(self) -> None:
        self._running = False

    def watch(self, fd: int, callback: Callable[[], object]) -> None:
        """On the thread: call *callback* while *fd* is readable."""
        self._watches[fd] = watch = _Watch(fd, callback)
        self._selector.register(fd, selectors.EVENT_READ, watch)

    def unwatch(self, fd: int) -> None:
        """On the thread: undo :meth:`watch`."""
        if self._watches.pop(fd, None) and fd in self._selector.get_map():
            self._selector.unregister(fd)

    def run(self) -> None:
        """Serve until :meth:`finish`."""
        self._pending = softirq.enter()
        try:
            with running(LockClass.IO_THREAD, self):
                while self._running:
                    self._step()
        finally:
            self._selector.close()
            os.close(self._wake_fd)

    def _step(self) -> None:
        called = False
        for key, _ in self._selector.select(self._timeout()):
            watch: _Watch | None = key.data
            if watch is None:
                called = True
            elif self._watches.get(key.fd) is watch:
                self._tell(watch)
        self._run_timers(time.monotonic())
        if called:
            self._run_calls()

    def _tell(self, watch: _Watch) -> None:
        now = time.monotonic()
        if watch.over_budget(now):
            self._selector.unregister(watch.fd)
            self.call_later(WINDOW, lambda: self._resume(watch))
        self._guarded(watch.callback)

    def _timeout(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - time.monotonic())

    def _run_timers(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            self._guarded(heapq.heappop(self._timers)[2])

    def _resume(self, watch: _Watch) -> None:
        if self._watches.get(watch.fd) is watch:
            self._selector.register(watch.fd, selectors.EVENT_READ, watch)

    def _run_calls(self) -> None:
        os.eventfd_read(self._wake_fd)
        with self._lock:
            calls, self._calls = self._calls, []
        for call in calls:
            self._guarded(call)

    def _guarded(self, callback: Callable[[], object]) -> None:
        """Whatever *callback* raises is a bug of whoever gave it: the thread goes on."""
        try:
            callback()
            if self._pending:
                softirq.run(self._pending)
        except Exception:
            log.exception("callback %r failed", callback)


class IoThread:
    """A thread that exists while somebody uses it.

    Every :meth:`acquire` needs its :meth:`release`; with the last one the thread ends.
    Everything registered is called on it, with what it raises logged. It is the home of
    doorbells among *irqs*.
    """

    def __init__(self, name: str = "rprocfs-io", irqs: Irqs | None = None) -> None:
        self._name = name
        self.irqs = Irqs() if irqs is None else irqs
        self._lock = new_lock(LockClass.IO_USERS)
        self._users = 0
        self._loop: _Loop | None = None

    def acquire(self) -> None:
        """One user more."""
        with self._lock:
            if self._loop is None:
                self._loop = _Loop(self._name)
                self._loop.start()
            self._users += 1

    def release(self) -> None:
        """One user less. The last one waits for the thread to end, unless he is on it."""
        with self._lock:
            self._users -= 1
            loop = self._loop
            if self._users or loop is None:
                return
            self._loop = None
        loop.finish()
        if threading.current_thread() is not loop:
            waiting(LockClass.IO_THREAD, loop)
            loop.join()

    def call(self, function: Callable[[], T]) -> T:
        """Call *function* on the thread and return its result, or raise what it raises."""
        loop = self._running()
        if threading.current_thread() is loop:
            return function()
        waiting(LockClass.IO_THREAD, loop)
        call = _Call(function)
        loop.post(call)
        return call.wait()

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Call *function* on the thread after *seconds*, if the thread is still there then.

        From any thread. Nothing is called off: *function* looks whether it is still wanted.
        """
        loop = self._running()
        if threading.current_thread() is loop:
            loop.call_later(seconds, function)
        else:
            loop.post(lambda: loop.call_later(seconds, function))

    def post(self, function: Callable[[], None]) -> None:
        """Call *function* on the thread, soon."""
        self._running().post(function)

    def watch(self, fd: int, callback: Callable[[], object]) -> None:
        """On the thread: call *callback* whenever *fd* is readable."""
        self._running().watch(fd, callback)

    def unwatch(self, fd: int) -> None:
        """On the thread: undo :meth:`watch`."""
        self._running().unwatch(fd)

    def _running(self) -> _Loop:
        assert self._loop is not None, "nobody has acquired the thread"
        return self._loop

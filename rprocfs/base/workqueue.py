"""Ordered work off the caller's thread -- kernel/workqueue.c."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from rprocfs.locking import LockClass, new_lock, running, waiting

logger = logging.getLogger(__name__)

Work = Callable[[], object]


class Workqueue:
    """``alloc_ordered_workqueue``: one thread, started with the first work, runs them in order.

    *kind* is the place of its work in the tree of locks, because a thread that waits for the queue
    also waits for every lock that the work takes.
    """

    def __init__(self, name: str, kind: LockClass = LockClass.WORK) -> None:
        self.name = name
        self._kind = kind
        self._lock = new_lock(LockClass.WORKQUEUE)
        self._works: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._destroyed = False

    def __len__(self) -> int:
        """How many works wait; the one that runs is none of them."""
        return self._works.qsize()

    def __bool__(self) -> bool:
        """It is one, also without work."""
        return True

    def queue_work(self, work: Work) -> bool:
        """Run *work* later; False once the queue is destroyed."""
        with self._lock:
            if self._destroyed:
                return False
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()
            self._works.put(work)
        return True

    def flush(self, timeout: float | None = None) -> None:
        """``flush_workqueue``: return when all work queued so far is done.

        Or after *timeout* seconds; or at once, on the queue's own thread.
        """
        if self._thread is None or threading.current_thread() is self._thread:
            return
        waiting(self._kind, self)
        done = threading.Event()
        if self.queue_work(done.set):
            done.wait(timeout)

    def destroy(self) -> None:
        """``destroy_workqueue``: finish what is queued, end the thread."""
        with self._lock:
            if self._destroyed:
                return
            self._destroyed = True
            self._works.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            waiting(self._kind, self)
            self._thread.join()

    def _run(self) -> None:
        while (work := self._works.get()) is not None:
            try:
                with running(self._kind, self):
                    work()
            except Exception:
                logger.exception("work on %s failed", self.name)
            del work  # else the thread keeps the work's objects alive until the next work comes

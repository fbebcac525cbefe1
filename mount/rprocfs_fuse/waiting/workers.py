"""Threads for operations that sleep: as many as there are, kept for a while when idle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from rprocfs.locking import LockClass, new_lock

Job = Callable[[], None]


class Workers:
    """A pool that grows with what it is given. A job must not raise.

    An idle thread ends after *linger* seconds.
    """

    def __init__(self, name: str, linger: float = 5.0) -> None:
        self._name = name
        self._linger = linger
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = new_lock(LockClass.WORKERS)
        self._threads: set[threading.Thread] = set()
        self._idle = 0

    def submit(self, job: Job) -> None:
        """Run *job* on an idle thread, or on a new one."""
        with self._lock:
            self._jobs.put(job)  # and not an argument: a thread keeps those as long as it lives
            if self._idle:
                self._idle -= 1
                return
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._threads.add(thread)
        thread.start()

    def close(self, timeout: float) -> bool:
        """End the threads; False when some are still busy after *timeout* seconds."""
        deadline = time.monotonic() + timeout
        with self._lock:
            threads = list(self._threads)
        for _ in threads:
            self._jobs.put(None)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _run(self) -> None:
        job = self._jobs.get()
        while job is not None:
            job()
            job = None  # it would keep what it was about until the next one comes
            job = self._next()
        with self._lock:
            self._threads.discard(threading.current_thread())

    def _next(self) -> Job | None:
        with self._lock:
            self._idle += 1
        try:
            return self._jobs.get(timeout=self._linger)
        except Empty:
            pass
        with self._lock:
            if self._idle:
                self._idle -= 1
                return None
        return self._jobs.get()  # a job was promised to us in the last moment

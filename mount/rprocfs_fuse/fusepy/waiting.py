"""Callers that wait, each in a thread of libfuse's, until it is told of their signal."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rprocfs.fs.kernfs import Handle, error
from rprocfs_fuse.fusepy import binding
from rprocfs_fuse.waiting.blocking import STEP, SleepingJob, wait_for
from rprocfs_fuse.waiting.workers import Workers


class Waiting:
    """Runs operations that may block or sleep."""

    def __init__(self) -> None:
        self._workers = Workers("rprocfs-worker")
        self._waiting: set[object] = set()
        self._stopping = False

    def stop(self, timeout: float) -> None:
        """Answer all waiting requests with ENOTCONN."""
        self._stopping = True
        deadline = time.monotonic() + timeout
        while self._waiting and time.monotonic() < deadline:
            time.sleep(STEP / 5)

    def close(self, timeout: float) -> None:
        """End the threads."""
        self._workers.close(timeout)

    def wait(self, run: Callable[[], Any], flags: int) -> Any:
        """Run the operation; if it would block, wait until it is done or interrupted."""
        return self._wait(run, flags, self._ended)

    def perform(self, handle: Handle, run: Callable[[], Any], flags: int) -> Any:
        """Run; what sleeps runs on a worker, so that this thread can see the signal."""
        if not handle.sleeps:
            return self.wait(run, flags)
        job = SleepingJob()
        job.run = partial(self._wait, run, flags, job.ended)
        self._workers.submit(job)
        while not job.done.wait(STEP):
            if self._ended():
                job.task.interrupt()
        try:
            return job.result()
        except InterruptedError:
            raise error(self._ended() or errno.EINTR) from None

    def _ended(self) -> int:
        if self._stopping:
            return errno.ENOTCONN
        return errno.EINTR if binding.interrupted() else 0

    def _wait(self, run: Callable[[], Any], flags: int, ended: Callable[[], int]) -> Any:
        if flags & os.O_NONBLOCK:
            return run()
        token = object()
        self._waiting.add(token)
        try:
            return wait_for(run, ended)
        finally:
            self._waiting.discard(token)

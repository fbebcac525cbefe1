"""Closes that sleep: a worker carries them out, and later requests wait for them.

The kernel does not wait for RELEASE: close(2) returns before we read it. A program that closes
``/dev/remoteproc0`` and then reads the state must still see the effect of the close.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from rprocfs.fs.kernfs import Handle
from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs.locking import LockClass, new_lock
from rprocfs_fuse.waiting.workers import Workers

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: How long the reader waits for a close, in seconds; no request is served meanwhile.
READER_TIME = 0.02
#: How long an open waits for the closes before it, in seconds.
CLOSE_TIME = 1.0


class Closing:
    """The closes of a mount. Thread-safe but for :meth:`close`, which is the reader's."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._lock = new_lock(LockClass.CLOSING)
        self._ended = WaitQueue()
        self._number = 0
        self._deadline = 0.0

    @property
    def pending(self) -> bool:
        """Whether there is a close to wait for."""
        return self._number > 0 and time.monotonic() < self._deadline

    def close(self, handle: Handle) -> None:
        """The last descriptor of *handle* was closed."""
        if type(handle).release is Handle.release:
            return
        if not handle.sleeps:
            _release(handle)
            return
        with self._lock:
            self._number += 1
            self._deadline = time.monotonic() + CLOSE_TIME
        done = threading.Event()
        self._workers.submit(partial(self._run, handle, done))
        done.wait(READER_TIME)

    def after(self, run: Callable[[], T]) -> T:
        """What *run* returns. WouldBlock while there are closes on their way."""
        if self.pending:
            raise WouldBlock(self._ended, self._deadline - time.monotonic(), run)
        return run()

    def _run(self, handle: Handle, done: threading.Event) -> None:
        _release(handle)
        with self._lock:
            self._number -= 1
        done.set()
        self._ended.wake_up()


def _release(handle: Handle) -> None:
    try:
        handle.release()
    except Exception:
        logger.exception("closing a file failed")

"""Waiting for an open file of a caller: what a server of system calls, with one thread, may not."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress

from rprocfs.fs.wait import WaitQueue
from rprocfs_fuse.run.seccomp import Call

#: Milliseconds after which a caller that is gone is noticed.
_LOOK = 500


class Readable:
    """Which callers wait for a file to become readable: a thread for each, one queue for all."""

    def __init__(self) -> None:
        self._queue = WaitQueue()
        self._watched: set[int] = set()

    def queue(self, call: Call, fd: int) -> WaitQueue:
        """Woken, among others, when the open file *fd* can be read or the caller is gone."""
        if call.id not in self._watched:
            self._watched.add(call.id)
            threading.Thread(target=self._watch, args=(call, os.dup(fd)), daemon=True).start()
        return self._queue

    def _watch(self, call: Call, fd: int) -> None:
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        try:
            while call.valid and not poller.poll(_LOOK):
                pass
        finally:
            with suppress(OSError):  # the daemon has ended
                os.close(fd)
            self._watched.discard(call.id)
            self._queue.wake_up()

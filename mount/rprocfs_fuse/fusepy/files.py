"""Open files over libfuse: their numbers, their poll handles, and pending closes.

close(2) returns when FLUSH is answered. One of libfuse's threads then carries out the RELEASE,
while another one may already serve the program's next request. So a request that names a file
waits for all announced closes, of any file: the last close of ``/dev/remoteproc0`` may stop the
processor. FLUSH comes for every descriptor, also for one
of several: a wait ends after :data:`CLOSE_TIME`, and a file that was found to live on is
waited for only if it is in the way of an open.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import Any

from rprocfs.fs.kernfs import Handle, Node, error
from rprocfs.locking import LockClass, new_condition, new_lock
from rprocfs_fuse.fusepy import binding
from rprocfs_fuse.waiting.parked import ParkingLot
from rprocfs_fuse.waiting.polling import PollWatch

#: How long a request waits for the closes before it, in seconds.
CLOSE_TIME = 1.0


class OpenFile:
    """*closing*: a descriptor was closed; *shared*: it was not the last one."""

    __slots__ = ("closing", "handle", "node", "shared", "watch")

    def __init__(self, node: Node, handle: Handle) -> None:
        self.node = node
        self.handle = handle
        self.watch: PollWatch | None = None
        self.closing = self.shared = False

    def lives_on(self) -> None:
        """What was announced was not its end."""
        if self.closing:
            self.closing, self.shared = False, True


class OpenFiles:
    """All that is open. Thread-safe."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._files: dict[int, OpenFile] = {}
        self._closed = new_condition(LockClass.OPEN_FILES)
        self._watch_lock = new_lock(LockClass.POLL_WATCH)
        self._lot = ParkingLot(_unused, _unused, _unused)
        self._lot.start()

    def open(self, node: Node, opened: Callable[[], Handle]) -> tuple[int, Handle]:
        """The number of what *opened* returns, and that."""
        with self._closed:
            closing = [file for file in self._files.values() if file.closing and file.node is node]
        try:
            handle = opened()
        except OSError as problem:
            if problem.errno != errno.EBUSY or not closing:
                raise
            self._wait_closed(closing)
            handle = opened()
        return self.add(node, handle), handle

    def settle(self) -> None:
        """Wait for the closes of streams that were announced."""
        with self._closed:
            closing = [file for file in self._files.values() if file.closing]
        self._wait_closed(file for file in closing if file.handle.stream and not file.shared)

    def add(self, node: Node, handle: Handle) -> int:
        """A number for an open file."""
        number = next(self._numbers)
        with self._closed:
            self._files[number] = OpenFile(node, handle)
        return number

    def node(self, number: int) -> Node:
        """What was opened."""
        return self._files[number].node

    def handle(self, number: int) -> Handle:
        """The open file of a descriptor. EBADF."""
        file = self._files.get(number)
        if file is None:
            raise error(errno.EBADF)
        if file.closing:
            with self._closed:
                file.lives_on()
                self._closed.notify_all()
        return file.handle

    def flush(self, number: int) -> None:
        """A descriptor is being closed."""
        with self._closed:
            self._files[number].closing = True

    def release(self, number: int) -> None:
        """The last one was."""
        self.listen(number, None)
        file = self._files[number]
        try:
            file.handle.release()
        finally:
            with self._closed:
                del self._files[number]
                file.closing = False
                self._closed.notify_all()

    def listen(self, number: int, poll_handle: int | None) -> None:
        """Notify *poll_handle*, instead of the previous one, of changes."""
        with self._watch_lock:
            file = self._files[number]
            before, file.watch = file.watch, None
            if before is not None:
                before.listen(None)
                binding.libfuse.fuse_pollhandle_destroy(before.kh)
            if poll_handle:
                notify = partial(self._notify, file)
                file.watch = PollWatch(self._lot, notify, poll_handle)
                file.watch.listen(file.handle.wait_queue)

    def close(self) -> None:
        """Close all files and end the thread."""
        for number in list(self._files):
            self.release(number)
        self._lot.close(errno.ENOTCONN)

    def _wait_closed(self, files: Iterable[OpenFile]) -> None:
        waited = list(files)
        if not waited:
            return
        with self._closed:
            self._closed.wait_for(lambda: not any(file.closing for file in waited), CLOSE_TIME)
            for file in waited:
                file.lives_on()

    def _notify(self, file: OpenFile, poll_handle: int) -> None:
        with self._watch_lock:
            if file.watch is not None and file.watch.kh == poll_handle:
                binding.libfuse.fuse_notify_poll(poll_handle)


def _unused(*_args: Any) -> None:
    """The lot is only used to hand wake-ups over."""

"""Doorbells, and which thread takes them -- kernel/irq/manage.c.

A doorbell is a descriptor that can be read once it rang. The thread of its processor, its *home*,
listens to it, unless a thread that serves requests has taken it over: the messages of a
processor are for those who send requests, and two threads that work on one message keep waiting
for the interpreter's lock of each other, which takes longer than the message does.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from rprocfs.locking import LockClass, new_lock, new_rlock

#: A doorbell that rings for nothing more often than this goes home, where floods are slowed down.
WINDOW, RINGS_PER_WINDOW = 0.01, 200

#: ``irq_handler_t``: false is ``IRQ_NONE``.
Handler = Callable[[], bool]


class Home(Protocol):
    """A thread that listens by itself."""

    def post(self, function: Callable[[], None]) -> None:
        """Call *function* on the thread, soon."""

    def watch(self, fd: int, callback: Callable[[], object]) -> None:
        """On the thread: call *callback* whenever *fd* is readable."""

    def unwatch(self, fd: int) -> None:
        """On the thread: undo :meth:`watch`."""


class Irq:
    """``struct irq_desc``: the doorbell *fd*, and what to call when it rang."""

    __slots__ = ("alive", "count", "fd", "handler", "home", "lock", "taken", "window")

    def __init__(self, fd: int, handler: Handler, home: Home) -> None:
        self.fd, self.handler, self.home = fd, handler, home
        self.lock = new_rlock(LockClass.IRQ)
        self.alive, self.taken = True, False
        self.window, self.count = 0.0, 0

    def floods(self) -> bool:
        """It rang for nothing; whether that is too often."""
        now = time.monotonic()
        if now - self.window >= WINDOW:
            self.window, self.count = now, 0
        self.count += 1
        return self.count >= RINGS_PER_WINDOW


class Irqs:
    """The doorbells of a system. One thread at a time may take them over (:meth:`take`)."""

    def __init__(self) -> None:
        self._lock = new_lock(LockClass.IRQS)
        self._lines: dict[int, Irq] = {}
        self._epoll: select.epoll | None = None
        #: There are doorbells that the thread which takes them over does not know of.
        self.news = False

    def __len__(self) -> int:
        return len(self._lines)

    def request(self, fd: int, handler: Handler, home: Home) -> None:
        """``request_irq``: *handler* is called, by one thread at a time, while *fd* is readable.

        It must not wait for *home*, and says whether it rang for anything. On the thread of
        *home*, as :meth:`free`.
        """
        with self._lock:
            self._lines[fd] = Irq(fd, handler, home)
            self.news = True
        home.watch(fd, handler)

    def free(self, fd: int) -> None:
        """``free_irq``: the handler does not run, and will not. Nothing if it was done before."""
        line = self._lines.get(fd)
        if line is None:
            return
        with line.lock:
            self.disable(fd)
        with self._lock:
            del self._lines[fd]

    def disable(self, fd: int) -> None:
        """``disable_irq``, in the handler: nothing more will come."""
        line = self._lines.get(fd)
        if line is None:
            return
        line.alive = False
        with self._lock:
            taken, line.taken = line.taken, False
            if taken and self._epoll is not None:
                self._epoll.unregister(fd)
        if not taken:
            line.home.unwatch(fd)

    # On the thread that takes them over.

    def take(self, epoll: select.epoll) -> None:
        """Have the doorbells that it does not know of moved to *epoll*, soon."""
        with self._lock:
            self._epoll, self.news = epoll, False
            for line in self._lines.values():
                if not line.taken:
                    line.home.post(partial(self._move, line))

    def _move(self, line: Irq) -> None:
        """On the thread of its home."""
        with self._lock:
            if self._epoll is not None and line.alive and not line.taken:
                line.taken = True
                line.home.unwatch(line.fd)
                self._epoll.register(line.fd, select.EPOLLIN)

    def handle(self, fd: int) -> None:
        """``handle_irq``: *fd* is readable."""
        line = self._lines.get(fd)
        if line is None:
            return
        with line.lock:
            handled = not line.taken or line.handler()
        if not handled and line.floods():
            with self._lock:
                self._send_home(line)

    def _send_home(self, line: Irq) -> None:
        if line.taken and self._epoll is not None:
            line.taken = False
            self._epoll.unregister(line.fd)
            line.home.post(partial(self._listen, line))

    @staticmethod
    def _listen(line: Irq) -> None:
        """On the thread of its home."""
        if line.alive:
            line.home.watch(line.fd, line.handler)

    def release(self, epoll: select.epoll) -> None:
        """Give back all that were moved to *epoll*."""
        with self._lock:
            if self._epoll is not epoll:
                return
            for line in self._lines.values():
                self._send_home(line)
            self._epoll, self.news = None, bool(self._lines)

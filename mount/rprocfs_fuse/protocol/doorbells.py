"""The doorbells that the reader takes between two requests.

While there are none, the reader sleeps in read(2), which is the fastest way to get a request.
As soon as there are some, it asks epoll(7) which of the two there is, and reads without
waiting.
"""

from __future__ import annotations

import logging
import os
import select

from rprocfs.lib.irq import Irqs

logger = logging.getLogger(__name__)


class Doorbells:
    """Those of *irqs*, for the thread that reads requests from *fd*."""

    def __init__(self, irqs: Irqs, fd: int) -> None:
        self._irqs, self._fd = irqs, fd
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll.register(fd, select.EPOLLIN)
        self._epoll.register(self._wake, select.EPOLLIN)
        #: Whether :meth:`wait` is to be called in front of each read.
        self.on = False

    def begin(self) -> None:
        """There is news of *irqs*: take over what there is."""
        if not self.on:
            self.on = True
            os.set_blocking(self._fd, False)
        self._irqs.take(self._epoll)

    def wait(self) -> bool:
        """Take the doorbells that rang; whether there is a request, too."""
        request = False
        for fd, _ in self._epoll.poll():
            if fd == self._fd:
                request = True
            elif fd == self._wake:
                return True
            else:
                self._handle(fd)
        if not self._irqs:
            self.on = False
            os.set_blocking(self._fd, True)
        return request

    def _handle(self, fd: int) -> None:
        try:
            self._irqs.handle(fd)
        except Exception:
            logger.exception("a doorbell failed")

    def wake(self) -> None:
        """Let :meth:`wait` return, from now on."""
        os.eventfd_write(self._wake, 1)

    def end(self) -> None:
        """The thread takes no doorbells any more."""
        self._irqs.release(self._epoll)

    def close(self) -> None:
        """Nobody calls any of these any more."""
        self._epoll.close()
        os.close(self._wake)

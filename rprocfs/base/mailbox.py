"""Mailbox channels: one message under way, the others queue -- drivers/mailbox/mailbox.c."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rprocfs.locking import LockClass, new_lock

#: ``MBOX_TX_QUEUE_LEN`` of include/linux/mailbox_controller.h.
MBOX_TX_QUEUE_LEN = 20
#: Seconds. An emulated core takes its doorbells a little later than a real one, for which a full
#: queue is an error: what is queued already stands for what comes before that is over.
PATIENCE = 0.1


def _nothing() -> None:
    """What is sent on a channel that was freed."""


class MboxChan:
    """``struct mbox_chan``: one message under way, until the remote frees the channel.

    *send* rings; it must not call back. *now* is the time in seconds. Thread-safe.
    """

    def __init__(self, send: Callable[[], None], now: Callable[[], float] = time.monotonic) -> None:
        self._ring, self._now = send, now
        self._sent = 0.0  # when what is under way was sent
        self._lock = new_lock(LockClass.MAILBOX)
        self._queued = 0
        self._free = threading.Event()
        self._free.set()

    def send_message(self) -> bool:
        """Send, now or later; False (ENOBUFS): the queue is full, and nothing was taken lately."""
        with self._lock:
            if not self._free.is_set():
                full = self._queued == MBOX_TX_QUEUE_LEN
                self._queued += not full
                return not full or self._now() - self._sent < PATIENCE
            self._free.clear()
            self._send()
            return True

    def resend(self) -> None:
        """Send what is under way once more, if anything is."""
        with self._lock:
            if not self._free.is_set():
                self._send()

    def send_and_wait(self, seconds: float) -> bool:
        """``tx_block``: send and wait until it was taken.

        False (ETIME) after *seconds*: it is given up, and the channel is free for the next one.
        """
        if not self.send_message():
            return False
        taken = self._free.wait(seconds)
        if not taken:
            self.txdone()
        return taken

    def txdone(self) -> None:
        """The remote freed the channel: on with the next message."""
        with self._lock:
            if self._queued:
                self._queued -= 1
                self._send()
            else:
                self._free.set()

    def free(self) -> None:
        """``mbox_free_channel``: nothing is sent any more."""
        with self._lock:
            self._ring = _nothing

    def _send(self) -> None:
        self._sent = self._now()
        self._ring()

"""``console``: a processor's console UART as a file -- not in the kernel.

It stands beside ``state``, unless the system is strict::

    $ cat console &
    $ echo help > console

- A read takes the output that was not read yet, at most 64 KiB of it. If there is none, it
  waits, also across stops, crashes and boots.
- A write is input for the firmware. EIO while the processor does not run; EAGAIN while the
  firmware does not read, even without O_NONBLOCK.
"""

from __future__ import annotations

import errno
import select
from collections.abc import Callable
from typing import BinaryIO

from rprocfs.fs.kernfs import File, Handle, error
from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs.locking import LockClass, new_lock

KEPT = 64 << 10


def _not_running(data: bytes) -> None:
    """No firmware takes *data*."""


class Console:
    """The output of the firmware that was not read yet; it is also copied into *log*, if any.

    *send* passes input on and returns how many bytes were taken, None if no firmware runs. Output
    that *log* does not take is missing there; at the first loss, *complain* gets a line about it.
    """

    def __init__(
        self,
        send: Callable[[bytes], int | None],
        log: BinaryIO | None = None,
        complain: Callable[[str], object] | None = None,
    ) -> None:
        self.send = send
        self.readq = WaitQueue()
        self.closed = False
        self._log = log
        self._complain = complain
        self._lock = new_lock(LockClass.WORKER_CONSOLE)
        self._unread = bytearray()

    def output(self, data: bytes) -> None:
        """Add output of the firmware. Callable from any thread; it never waits for a reader."""
        if self._log is not None:
            self._copy(self._log, data)
        with self._lock:
            self._unread += data
            del self._unread[:-KEPT]
        self.readq.wake_up()

    def _copy(self, log: BinaryIO, data: bytes) -> None:
        try:
            log.write(data)
        except OSError as failure:
            complain, self._complain = self._complain, None
            if complain is not None:
                complain(f"console-log: {failure.strerror}")

    def take(self, size: int) -> bytes:
        """Up to *size* unread bytes."""
        with self._lock:
            data = bytes(self._unread[:size])
            del self._unread[:size]
        return data

    @property
    def unread(self) -> bool:
        """Whether there is something to read."""
        return bool(self._unread)

    def close(self) -> None:
        """The processor is gone: readers find the end, and no input is passed on."""
        self.closed = True
        self.send = _not_running
        self.readq.wake_up()
        if self._log is not None:
            self._log.close()


class ConsoleFile(File):
    """The file. Several may have it open: each byte is read once."""

    __slots__ = ("_console",)

    def __init__(self, console: Console) -> None:
        super().__init__(0o600)
        self._console: Console | None = console

    def open(self, flags: int) -> Handle:
        """ENODEV once the processor is gone."""
        del flags
        console = self._console
        if console is None or not self.alive or console.closed:
            raise error(errno.ENODEV)
        return ConsoleHandle(console)

    def drain(self) -> None:
        """Forget the processor."""
        self._console = None


class ConsoleHandle(Handle):
    """An open console."""

    __slots__ = ("_console",)

    stream = True

    def __init__(self, console: Console) -> None:
        self._console = console

    @property
    def wait_queue(self) -> WaitQueue:
        """Woken by output, and by the end."""
        return self._console.readq

    def read(self, size: int, offset: int) -> bytes:
        """What there is; nothing once the processor is gone. WouldBlock."""
        del offset
        data = self._console.take(size)
        if not data and size and not self._console.closed:
            raise WouldBlock(self._console.readq)
        return data

    def write(self, data: bytes, offset: int) -> int:
        """How many bytes there was room for. EIO, EAGAIN."""
        del offset
        sent = self._console.send(data)
        if sent is None:
            raise error(errno.EIO)
        if data and not sent:
            raise error(errno.EAGAIN)
        return sent

    def poll(self) -> int:
        """Readable when something is unread, writable always; POLLHUP at the end."""
        mask = select.POLLOUT | select.POLLWRNORM
        if self._console.unread:
            mask |= select.POLLIN | select.POLLRDNORM
        return mask | select.POLLHUP if self._console.closed else mask

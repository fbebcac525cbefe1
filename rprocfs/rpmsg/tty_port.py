"""The terminal of one channel -- rpmsg_tty.c."""

from __future__ import annotations

import errno

from rprocfs.base.kmsg import Level
from rprocfs.base.ratelimit import RateLimit
from rprocfs.fs.chardev import Ida
from rprocfs.fs.kernfs import Handle, error
from rprocfs.locking import LockClass, new_lock
from rprocfs.rpmsg.core import RpmsgDevice
from rprocfs.tty.n_tty import ECHO, ICANON, TTY_STD_TERMIOS, Termios
from rprocfs.tty.tty_io import tty_open
from rprocfs.tty.tty_port import TtyPort

#: ``rpmsg_tty_driver->init_termios``: neither echo nor lines nor output processing.
INIT_TERMIOS = TTY_STD_TERMIOS.without(oflag=TTY_STD_TERMIOS.oflag, lflag=ECHO | ICANON)


class RpmsgTtys:
    """``tty_idr`` and ``driver->termios``: the numbers of all terminals, and their settings."""

    def __init__(self) -> None:
        #: A number keeps its settings.
        self.termios: dict[int, Termios] = {}
        self._lock = new_lock(LockClass.MINORS)
        self._ida = Ida()

    def alloc(self) -> int:
        """The lowest free number."""
        with self._lock:
            return self._ida.alloc()

    def free(self, number: int) -> None:
        """Give it back."""
        with self._lock:
            self._ida.free(number)


class RpmsgTtyPort(TtyPort):
    """``struct rpmsg_tty_port``.

    The number is taken until the last open file is closed, also after the channel went.
    """

    def __init__(self, ttys: RpmsgTtys, rpdev: RpmsgDevice) -> None:
        self.ttys = ttys
        self.rpdev = rpdev
        self.id = ttys.alloc()
        super().__init__(ttys.termios.get(self.id, INIT_TERMIOS))
        self._truncated = RateLimit()

    def device_open(self, flags: int) -> Handle:
        """rpmsg_tty_open(): ENXIO once the channel is gone."""
        del flags
        return tty_open(self, error(errno.ENXIO))

    def put_chars(self, piece: bytes) -> None:
        """A message. ENOMEM without a buffer."""
        self.rpdev.endpoint.trysend(piece)

    def write_size(self) -> int:
        """The link's MTU."""
        return self.rpdev.endpoint.get_mtu()

    def echo_failed(self, failure: OSError) -> None:
        """Echo as much as the free buffers hold."""
        self.rpdev.printk(Level.DEBUG, f"rpmsg_send failed: {-(failure.errno or 0)}")

    def truncated(self, room: int) -> None:
        """rpmsg_tty_cb()."""
        if self._truncated():
            self.rpdev.err(f"Trunc buffer: available space is {room}")

    def termios_changed(self, termios: Termios) -> None:
        """Keep the settings for the next terminal of that number."""
        self.ttys.termios[self.id] = termios

    def released(self) -> None:
        """Let go of the number."""
        self.ttys.free(self.id)

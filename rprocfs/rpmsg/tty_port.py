"""The terminal of one channel: input, output, hang-up -- rpmsg_tty.c, drivers/tty/tty_port.c."""

from __future__ import annotations

import errno
import threading
from typing import TYPE_CHECKING

from rprocfs.base.kmsg import Level
from rprocfs.base.ratelimit import RateLimit
from rprocfs.fs.kernfs import Handle, error
from rprocfs.fs.wait import WaitQueue
from rprocfs.rpmsg.core import RpmsgDevice
from rprocfs.rpmsg.n_tty import NTty, Termios
from rprocfs.rpmsg.tty_io import TtyHandle

if TYPE_CHECKING:
    from rprocfs.rpmsg.tty import RpmsgTtyDriver

#: What may wait for a terminal that is not open or not read.
_FLIP_LIMIT = 640 * 1024


class RpmsgTtyPort:
    """``struct rpmsg_tty_port`` with its ``tty_struct``. Thread-safe.

    The number is taken until the last open file is closed, also after the channel went.
    """

    def __init__(self, driver: RpmsgTtyDriver, rpdev: RpmsgDevice) -> None:
        self.driver = driver
        self.rpdev = rpdev
        self.id = driver.alloc()
        self.ldisc: NTty = NTty(driver.termios.get(self.id, Termios()))
        self.readq = WaitQueue()
        self.winsize: bytes = bytes(8)
        self.exclusive: bool = False
        #: The channel is gone: whoever has it open got the hang-up.
        self.hung_up = False
        self._flip = bytearray()
        self._truncated = RateLimit()
        self._lock = threading.Lock()
        self._count = 0

    def open(self, flags: int) -> Handle:
        """rpmsg_tty_open(): any number of times."""
        del flags
        with self._lock:
            if self.hung_up:
                raise error(errno.ENXIO)
            self._count += 1
        return TtyHandle(self)

    def close(self) -> None:
        """tty_port_close(): the last one drops what was not read."""
        with self._lock:
            self._count -= 1
            if self._count:
                return
            self._flush()
            self.exclusive = False
            gone = self.hung_up
        if gone:
            self.driver.free(self.id)

    def hangup(self) -> None:
        """tty_port_tty_hangup(), and let go of the number."""
        with self._lock:
            self.hung_up = True
            self._flush()
            unused = not self._count
        self.readq.wake_up()
        if unused:
            self.driver.free(self.id)

    def _flush(self) -> None:
        self.ldisc.flush()
        self._flip.clear()

    def flush(self) -> None:
        """tty_ldisc_flush()."""
        with self._lock:
            self._flush()

    def set_termios(self, data: bytes, *, flush: bool) -> None:
        """tty_set_termios(); kept for whoever has the number next."""
        with self._lock:
            termios = self.ldisc.termios.changed(data)
            if flush:
                self._flush()
            self.ldisc.set_termios(termios)
            self.driver.termios[self.id] = termios

    def receive(self, data: bytes) -> None:
        """rpmsg_tty_cb(): to the line discipline if the terminal is open, else keep it."""
        with self._lock:
            room = _FLIP_LIMIT - len(self._flip)
            self._flip += data[:room]
            echo = self._flush_to_ldisc() if self._count and not self.hung_up else []
        if len(data) > room and self._truncated():
            self.rpdev.err(f"Trunc buffer: available space is {room}")
        self._send(echo)
        self.readq.wake_up()

    def _flush_to_ldisc(self) -> list[bytes]:
        """As much as there is room for; returns what is to be echoed."""
        while self._flip and (room := self.ldisc.receive_room()) > 0:
            part = bytes(self._flip[:room])
            del self._flip[:room]
            self.ldisc.receive(part)
        echo, self.ldisc.echo = self.ldisc.echo, []
        return echo

    def _send(self, pieces: list[bytes]) -> None:
        """Echo, as far as there are buffers."""
        try:
            for piece in pieces:
                self.rpdev.endpoint.trysend(piece)
        except OSError as failure:
            self.rpdev.printk(Level.DEBUG, f"rpmsg_send failed: {-(failure.errno or 0)}")

    def read(self, size: int) -> bytes | None:
        """n_tty_read(); None where there is nothing yet."""
        with self._lock:
            if self.hung_up:
                return b""
            data = self.ldisc.read(size)
            echo = self._flush_to_ldisc() if data and self._flip else []
        self._send(echo)
        return data

    def write(self, data: bytes) -> int:
        """n_tty_write() for one chunk: messages of at most the link's MTU. ENOMEM, nothing sent."""
        ept = self.rpdev.endpoint
        taken = 0
        for piece, count in self.ldisc.output(data, ept.get_mtu()):
            try:
                ept.trysend(piece)
            except OSError:
                if taken:
                    break
                raise
            taken += count
        return taken

"""A terminal: input, output, hang-up -- drivers/tty/tty_port.c, tty_buffer.c."""

from __future__ import annotations

from abc import ABC, abstractmethod

from rprocfs.fs.wait import WaitQueue
from rprocfs.locking import LockClass, new_lock
from rprocfs.tty.n_tty import NTty, Termios

#: What may wait for a terminal that is not open or not read.
FLIP_LIMIT = 640 * 1024


class TtyPort(ABC):
    """``struct tty_port`` with its ``tty_struct``. Thread-safe.

    Its driver opens and hangs it up, hands it what comes in, and sends what goes out.
    """

    def __init__(self, termios: Termios) -> None:
        self.ldisc: NTty = NTty(termios)
        #: Woken by input, by room for output where that was short, and by the hang-up.
        self.readq = WaitQueue()
        self.winsize: bytes = bytes(8)
        self.exclusive: bool = False
        #: Whether the device is gone; its open files got the hang-up.
        self.hung_up = False
        self._flip = bytearray()
        self._lock = new_lock(LockClass.TTY_PORT)
        self._count = 0

    # What a driver answers: ``struct tty_operations``.

    @abstractmethod
    def put_chars(self, piece: bytes) -> None:
        """Send all of *piece*, which is no longer than :meth:`write_size`, or nothing: OSError.

        WouldBlock, on ``readq``, for a driver whose writers wait.
        """

    @abstractmethod
    def write_size(self) -> int:
        """What :meth:`put_chars` takes at most, now; at least 1."""

    def chars_in_buffer(self) -> int:
        """``TIOCOUTQ``: bytes that were written and not sent yet."""
        return 0

    def echo_failed(self, failure: OSError) -> None:
        """An echo could not be sent."""

    def truncated(self, room: int) -> None:
        """Input was lost, as there were only *room* bytes left for it."""

    def termios_changed(self, termios: Termios) -> None:
        """``set_termios``."""

    def last_closed(self) -> None:
        """``close``: the last open file was closed. Called with the port locked."""

    def released(self) -> None:
        """Called once the port is hung up and closed; it is not opened again."""

    def unthrottle(self) -> None:
        """There may be room for input again."""

    # Opening and closing.

    def get(self, gone: OSError) -> None:
        """One more has it open, until :meth:`close`; *gone* once it is hung up."""
        with self._lock:
            if self.hung_up:
                raise gone
            self._count += 1

    @property
    def opened(self) -> bool:
        """Whether the port has open files."""
        return bool(self._count)

    def close(self) -> None:
        """tty_port_close(): the last one drops what was not read."""
        with self._lock:
            self._count -= 1
            if self._count:
                return
            self._flush()
            self.exclusive = False
            self.last_closed()
            gone = self.hung_up
        if gone:
            self.released()

    def hangup(self) -> None:
        """tty_port_tty_hangup()."""
        with self._lock:
            self.hung_up = True
            self._flush()
            unused = not self._count
        self.readq.wake_up()
        if unused:
            self.released()

    def _flush(self) -> None:
        self.ldisc.flush()
        self._flip.clear()

    def flush(self) -> None:
        """tty_ldisc_flush()."""
        with self._lock:
            self._flush()
        self.unthrottle()

    def set_termios(self, data: bytes, *, flush: bool) -> None:
        """tty_set_termios()."""
        with self._lock:
            termios = self.ldisc.termios.changed(data)
            if flush:
                self._flush()
            self.ldisc.set_termios(termios)
            self.termios_changed(termios)
        self.unthrottle()

    # Input.

    def receive_room(self) -> int:
        """Bytes that would be taken at once: 0 while it is closed, or full."""
        with self._lock:
            ready = self._count and not self.hung_up and not self._flip
            return self.ldisc.receive_room() if ready else 0

    def receive(self, data: bytes) -> None:
        """tty_flip_buffer_push(): to the line discipline if the terminal is open, else keep it."""
        with self._lock:
            room = FLIP_LIMIT - len(self._flip)
            self._flip += data[:room]
            echo = self._flush_to_ldisc() if self._count and not self.hung_up else []
        if len(data) > room:
            self.truncated(room)
        self._echo(echo)
        self.readq.wake_up()

    def _flush_to_ldisc(self) -> list[bytes]:
        """Pass on as much input as there is room for; return the text to echo."""
        while self._flip and (room := self.ldisc.receive_room()) > 0:
            part = bytes(self._flip[:room])
            del self._flip[:room]
            self.ldisc.receive(part)
        echo, self.ldisc.echo = self.ldisc.echo, []
        return echo

    def _echo(self, pieces: list[bytes]) -> None:
        """As far as there is room."""
        try:
            for piece in pieces:
                self.put_chars(piece)
        except OSError as failure:
            self.echo_failed(failure)

    # What an open file does.

    def read(self, size: int) -> bytes | None:
        """n_tty_read(); None if there is nothing yet."""
        with self._lock:
            if self.hung_up:
                return b""
            data = self.ldisc.read(size)
            echo = self._flush_to_ldisc() if data and self._flip else []
        self._echo(echo)
        if data:
            self.unthrottle()
        return data

    def write(self, data: bytes) -> int:
        """n_tty_write() for one chunk: how much was sent; OSError where nothing was."""
        taken = 0
        for piece, count in self.ldisc.output(data, self.write_size()):
            try:
                self.put_chars(piece)
            except OSError:
                if taken:
                    break
                raise
            taken += count
        return taken

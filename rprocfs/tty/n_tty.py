"""The line discipline of a terminal, bytes in and bytes out -- drivers/tty/n_tty.c.

Sans-I/O and unlocked. What userspace does not see of the kernel's is not here: output
columns (no tab expansion), input parity marks, and the redrawing of erased characters
beyond backspace, blank, backspace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from struct import Struct

# c_iflag
ISTRIP, INLCR, IGNCR, ICRNL, IXON = 0o40, 0o100, 0o200, 0o400, 0o2000
# c_oflag
OPOST, ONLCR, OCRNL = 0o1, 0o4, 0o10
# c_cflag
CLOCAL = 0o4000
_OWN_CFLAGS = 0o2000 | 0o200 | CLOCAL  # HUPCL, CREAD
# c_lflag
ISIG, ICANON, ECHO, ECHOE, ECHOK = 0o1, 0o2, 0o10, 0o20, 0o40
ECHONL, NOFLSH, ECHOCTL, IEXTEN = 0o100, 0o200, 0o1000, 0o100000
# c_cc
VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN = range(7)
VSTART, VSTOP, VSUSP, VEOL = 8, 9, 10, 11
VWERASE, VLNEXT, VEOL2 = 14, 15, 16

N_TTY_BUF_SIZE = 4096

_TERMIOS = Struct("=IIIIB19s")
_DISABLED = 0
_CR, _NL = 0o15, 0o12
_CONTROL = 0o40
_DEL = 0o177


@dataclass(frozen=True, slots=True)
class Termios:
    """``struct ktermios``; as made, ``tty_std_termios``."""

    iflag: int = ICRNL | IXON
    oflag: int = OPOST | ONLCR
    cflag: int = 0o2277
    lflag: int = 0o105073
    line: int = 0
    cc: bytes = b"\x03\x1c\x7f\x15\x04\0\1\0\x11\x13\x1a\0\x12\x0f\x17\x16\0\0\0"
    ispeed: int = 38400
    ospeed: int = 38400

    def pack(self) -> bytes:
        """``struct termios``."""
        return _TERMIOS.pack(self.iflag, self.oflag, self.cflag, self.lflag, self.line, self.cc)

    def pack2(self) -> bytes:
        """``struct termios2``."""
        return self.pack() + self.ispeed.to_bytes(4, "little") + self.ospeed.to_bytes(4, "little")

    def changed(self, data: bytes) -> Termios:
        """What tcsetattr(3) makes of it: a line without hardware keeps size and speed."""
        iflag, oflag, cflag, lflag, line, cc = _TERMIOS.unpack_from(data)
        cflag = cflag & _OWN_CFLAGS | self.cflag & ~_OWN_CFLAGS
        return replace(self, iflag=iflag, oflag=oflag, cflag=cflag, lflag=lflag, line=line, cc=cc)

    def without(self, *, oflag: int, lflag: int) -> Termios:
        """These flags cleared."""
        return replace(self, oflag=self.oflag & ~oflag, lflag=self.lflag & ~lflag)


TERMIOS_SIZE = _TERMIOS.size
TTY_STD_TERMIOS = Termios()


class NTty:
    """``struct n_tty_data``: what came in, edited and cut into lines as *termios* says.

    What it wants to send back (echo) is collected in *echo*, a character an element.
    """

    def __init__(self, termios: Termios) -> None:
        self.termios = termios
        self.echo: list[bytes] = []
        #: Whole lines (ICANON), or one piece of everything.
        self._lines: deque[bytes] = deque()
        self._line = bytearray()
        self._count = 0
        self._lnext = False

    # State.

    def set_termios(self, termios: Termios) -> None:
        """n_tty_set_termios(): what is there stays, as one line."""
        if (self.termios.lflag ^ termios.lflag) & ICANON:
            rest = b"".join(self._lines) + self._line
            self.flush()
            if rest:
                self._commit(rest)
        self.termios = termios

    def flush(self) -> None:
        """n_tty_flush_buffer(): forget what was not read."""
        self._lines.clear()
        self._line.clear()
        self._count = 0
        self._lnext = False

    def receive_room(self) -> int:
        """The number of bytes that may come in now; the excess of a line is dropped."""
        room = N_TTY_BUF_SIZE - 1 - self._count - len(self._line)
        return max(room, 1) if self.termios.lflag & ICANON and not self._lines else room

    def readable(self) -> int:
        """``FIONREAD``."""
        return self._count

    def available(self) -> bool:
        """input_available_p(): whether poll(2) says POLLIN."""
        if self.termios.lflag & ICANON:
            return bool(self._lines)
        wanted = 1 if self.termios.cc[VTIME] else max(1, self.termios.cc[VMIN])
        return self._count >= wanted

    # Reading and writing.

    def read(self, size: int) -> bytes | None:
        """n_tty_read(): b"" for an end of file typed, or VMIN and VTIME 0; None: not yet."""
        if not self.termios.lflag & ICANON:
            if self._count < min(size, self.termios.cc[VMIN] or bool(self.termios.cc[VTIME])):
                return None
            return self._take(size)
        if not self._lines:
            return None
        line = self._lines.popleft()
        if len(line) > size:
            self._lines.appendleft(line[size:])
        self._count -= min(size, len(line))
        return line[:size]

    def _take(self, size: int) -> bytes:
        text = b"".join(self._lines)
        self._lines.clear()
        if len(text) > size:
            self._lines.append(text[size:])
        self._count = max(0, len(text) - size)
        return text[:size]

    def output(self, data: bytes, most: int) -> Iterator[tuple[bytes, int]]:
        """process_output_block(): the pieces in which *data* is sent, none longer than *most*.

        With each, how many bytes of *data* it stands for.
        """
        start = 0
        for at, special in self._specials(data):
            for begin in range(start, at, most):
                piece = data[begin : min(begin + most, at)]
                yield piece, len(piece)
            if special:
                yield special, 1
            start = at + 1

    def _specials(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Where characters are sent as others, and as which; at the end comes nothing."""
        oflag = self.termios.oflag
        if oflag & OPOST and oflag & (ONLCR | OCRNL):
            for at, byte in enumerate(data):
                if byte == _NL and oflag & ONLCR:
                    yield at, b"\r\n"
                elif byte == _CR and oflag & OCRNL:
                    yield at, b"\n"
        yield len(data), b""

    # What comes in.

    def receive(self, data: bytes) -> None:
        """n_tty_receive_buf()."""
        if self._is_raw():
            self._commit(data)
            return
        for byte in data:
            self._receive_char(byte)
        if not self.termios.lflag & ICANON and self._line:
            self._commit(bytes(self._line))
            self._line.clear()

    def _is_raw(self) -> bool:
        flags = self.termios
        return not (
            flags.iflag & (ISTRIP | INLCR | IGNCR | ICRNL | IXON)
            or flags.lflag & (ISIG | ICANON | ECHO)
        )

    def _commit(self, text: bytes) -> None:
        self._lines.append(text)
        self._count += len(text)

    def _is(self, byte: int, *which: int) -> bool:
        cc = self.termios.cc
        return byte != _DISABLED and any(byte == cc[index] for index in which)

    def _receive_char(self, byte: int) -> None:
        """n_tty_receive_char_special()."""
        iflag, lflag = self.termios.iflag, self.termios.lflag
        if iflag & ISTRIP:
            byte &= 0x7F
        if self._lnext:
            self._lnext = False
            self._put(byte)
        elif iflag & IXON and self._is(byte, VSTART, VSTOP):
            pass  # rpmsg_tty_write() does not look whether the terminal is stopped
        elif lflag & ISIG and self._is(byte, VINTR, VQUIT, VSUSP):
            self._signal(byte)
        elif byte != _CR or not iflag & IGNCR:
            self._character(self._translate(byte))

    def _translate(self, byte: int) -> int:
        if byte == _CR and self.termios.iflag & ICRNL:
            return _NL
        if byte == _NL and self.termios.iflag & INLCR:
            return _CR
        return byte

    def _signal(self, byte: int) -> None:
        """n_tty_receive_signal_char(): there is no session to signal; what was read so far goes."""
        if not self.termios.lflag & NOFLSH:
            self.flush()
        self._echo(byte)

    def _character(self, byte: int) -> None:
        if not self.termios.lflag & ICANON or not self._edit(byte):
            self._put(byte)

    def _put(self, byte: int) -> None:
        if len(self._line) < N_TTY_BUF_SIZE - 1 or not self.termios.lflag & ICANON:
            self._echo(byte)
            self._line.append(byte)

    def _edit(self, byte: int) -> bool:
        """The keys that edit a line; False for any other character."""
        extended = bool(self.termios.lflag & IEXTEN)
        if self._is(byte, VERASE):
            self._erase(1)
        elif self._is(byte, VKILL):
            self._erase(len(self._line))
        elif extended and self._is(byte, VWERASE):
            self._erase(len(self._line) - _word_start(self._line))
        elif extended and self._is(byte, VLNEXT):
            self._lnext = True
        elif self._is(byte, VEOF):
            self._end_line()
        elif byte == _NL or self._is(byte, VEOL) or (extended and self._is(byte, VEOL2)):
            self._line.append(byte)
            if self.termios.lflag & (ECHO | ECHONL):
                self._send_back(bytes([byte]))
            self._end_line()
        else:
            return False
        return True

    def _end_line(self) -> None:
        self._commit(bytes(self._line))
        self._line.clear()

    def _erase(self, count: int) -> None:
        for _ in range(min(count, len(self._line))):
            del self._line[-1]
            if self.termios.lflag & ECHO and self.termios.lflag & ECHOE:
                for piece in (b"\b", b" ", b"\b"):
                    self._send_back(piece)

    def _echo(self, byte: int) -> None:
        """echo_char()."""
        if not self.termios.lflag & ECHO:
            return
        hidden = (byte < _CONTROL and byte not in (0o11, _NL)) or byte == _DEL
        if hidden and self.termios.lflag & ECHOCTL:
            self._send_back(b"^")
            byte ^= 0o100
        self._send_back(bytes([byte]))

    def _send_back(self, text: bytes) -> None:
        self.echo += [piece for piece, _ in self.output(text, 1)]


def _word_start(line: bytearray) -> int:
    at = len(line)
    while at and not chr(line[at - 1]).isalnum() and line[at - 1] != ord("_"):
        at -= 1
    while at and (chr(line[at - 1]).isalnum() or line[at - 1] == ord("_")):
        at -= 1
    return at

"""Open terminals -- drivers/tty/tty_io.c, tty_ioctl.c.

**ioctl through FUSE.** The numbers of the terminal ioctls that begin with 0x54 do not
say how much memory they mean, and the kernel copies for a FUSE file only what the
number says. So tcgetattr(3), isatty(3) and stty(1) do not work there.
:attr:`TtyHandle.ioctl_sizes` says how many bytes each of them takes and gives, for a
transport that can do better; TCGETS2 and its like say it themselves and work everywhere.
"""

from __future__ import annotations

import errno
import select
from collections.abc import Callable, Mapping
from typing import ClassVar

from rprocfs.fs.kernfs import Handle, error
from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs.tty.n_tty import CLOCAL, ICANON, TERMIOS_SIZE, VMIN, VSTART, VSTOP, VTIME
from rprocfs.tty.tty_port import TtyPort

TCGETS, TCSETS, TCSETSW, TCSETSF = 0x5401, 0x5402, 0x5403, 0x5404
TCSBRK, TCXONC, TCFLSH, TIOCEXCL, TIOCNXCL = 0x5409, 0x540A, 0x540B, 0x540C, 0x540D
TIOCOUTQ, TIOCGWINSZ, TIOCSWINSZ = 0x5411, 0x5413, 0x5414
TIOCGSOFTCAR, FIONREAD, TIOCGETD, TCSBRKP = 0x5419, 0x541B, 0x5424, 0x5425
TCGETS2, TCSETS2, TCSETSW2, TCSETSF2 = 0x802C542A, 0x402C542B, 0x402C542C, 0x402C542D
TIOCGEXCL = 0x80045440

#: ``tty->write_buf``: a write(2) goes to the line discipline in pieces of this size.
_CHUNK = 2048
#: Fewer bytes on their way than these: poll(2) says POLLOUT.
_WAKEUP_CHARS = 256
_READY = select.POLLIN | select.POLLRDNORM
_WRITABLE = select.POLLOUT | select.POLLWRNORM
_HUNG_UP = _READY | _WRITABLE | select.POLLERR | select.POLLHUP


def tty_open(port: TtyPort, gone: OSError) -> TtyHandle:
    """``tty_open``: any number of times; *gone* once the port is hung up."""
    port.get(gone)
    return TtyHandle(port)


class TtyHandle(Handle):
    """An open terminal."""

    __slots__ = ("_port", "_released")

    stream = True
    ioctl_sizes: ClassVar[Mapping[int, tuple[int, int]]] = {
        TCGETS: (0, TERMIOS_SIZE),
        TCSETS: (TERMIOS_SIZE, 0),
        TCSETSW: (TERMIOS_SIZE, 0),
        TCSETSF: (TERMIOS_SIZE, 0),
        TIOCGWINSZ: (0, 8),
        TIOCSWINSZ: (8, 0),
        TIOCOUTQ: (0, 4),
        FIONREAD: (0, 4),
        TIOCGSOFTCAR: (0, 4),
        TIOCGETD: (0, 4),
    }

    def __init__(self, port: TtyPort) -> None:
        self._port = port
        self._released = False

    @property
    def wait_queue(self) -> WaitQueue:
        """Woken by input, room and the hang-up."""
        return self._port.readq

    def read(self, size: int, offset: int) -> bytes:
        """tty_read(): b"" after the hang-up."""
        data = self._port.read(size)
        if data is not None:
            return data
        cc = self._port.ldisc.termios.cc
        if cc[VTIME] and not cc[VMIN] and not self._port.ldisc.termios.lflag & ICANON:
            raise WouldBlock(self._port.readq, cc[VTIME] / 10, lambda: b"")
        raise WouldBlock(self._port.readq)

    def write(self, data: bytes, offset: int) -> int:
        """tty_write(): EIO after the hang-up; else what the driver says that cannot send.

        A driver whose writers wait may take a part, as nobody waits twice in one write here.
        """
        written = 0
        while written < len(data):
            if self._port.hung_up:
                raise error(errno.EIO)
            chunk = data[written : written + _CHUNK]
            try:
                taken = self._port.write(chunk)
            except OSError:
                if written:
                    break
                if self._port.hung_up:
                    raise error(errno.EIO) from None
                raise
            written += taken
            if taken < len(chunk):
                break
        return written

    def poll(self) -> int:
        """n_tty_poll(): writable while little is on its way, as far as the driver knows."""
        if self._port.hung_up:
            return _HUNG_UP
        mask = _WRITABLE if self._port.chars_in_buffer() < _WAKEUP_CHARS else 0
        return mask | (_READY if self._port.ldisc.available() else 0)

    def ioctl(self, cmd: int, arg: int, data: bytes) -> bytes:
        """tty_ioctl(): EIO after the hang-up, EFAULT without the memory, ENOTTY."""
        if self._port.hung_up:
            raise error(errno.EIO)
        action = _IOCTLS.get(cmd)
        if action is None:
            raise error(errno.ENOTTY)
        wanted = cmd >> 16 & 0x3FFF if cmd >> 30 == 1 else self.ioctl_sizes.get(cmd, (0, 0))[0]
        if len(data) < wanted:
            raise error(errno.EFAULT)
        return action(self._port, arg, data) or b""

    def fsync(self) -> None:
        """EINVAL: there is nothing to sync."""
        raise error(errno.EINVAL)

    def release(self) -> None:
        """The last close drops what was not read."""
        if not self._released:
            self._released = True
            self._port.close()


_Ioctl = Callable[["TtyPort", int, bytes], bytes | None]


def _int(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _tcflsh(port: TtyPort, arg: int, data: bytes) -> None:
    if arg not in (0, 1, 2):
        raise error(errno.EINVAL)
    if arg != 1:
        port.flush()


def _tcxonc(port: TtyPort, arg: int, data: bytes) -> None:
    """No driver here can stop its output; stopping the input sends the character."""
    if arg not in (0, 1, 2, 3):
        raise error(errno.EINVAL)
    char = port.ldisc.termios.cc[VSTOP if arg == 2 else VSTART]
    if arg >= 2 and char:
        port.put_chars(bytes([char]))


def _set_winsize(port: TtyPort, arg: int, data: bytes) -> None:
    port.winsize = data[:8]


def _set_exclusive(value: bool) -> _Ioctl:
    def ioctl(port: TtyPort, arg: int, data: bytes) -> None:
        port.exclusive = value

    return ioctl


def _set_termios(flush: bool = False) -> _Ioctl:
    def ioctl(port: TtyPort, arg: int, data: bytes) -> None:
        port.set_termios(data, flush=flush)

    return ioctl


_IOCTLS: dict[int, _Ioctl] = {
    TCGETS: lambda port, arg, data: port.ldisc.termios.pack(),
    TCGETS2: lambda port, arg, data: port.ldisc.termios.pack2(),
    TCSETS: _set_termios(),
    TCSETSW: _set_termios(),
    TCSETSF: _set_termios(flush=True),
    TCSETS2: _set_termios(),
    TCSETSW2: _set_termios(),
    TCSETSF2: _set_termios(flush=True),
    TCSBRK: lambda port, arg, data: None,
    TCSBRKP: lambda port, arg, data: None,
    TCXONC: _tcxonc,
    TCFLSH: _tcflsh,
    TIOCEXCL: _set_exclusive(True),
    TIOCNXCL: _set_exclusive(False),
    TIOCGEXCL: lambda port, arg, data: _int(port.exclusive),
    TIOCGWINSZ: lambda port, arg, data: port.winsize,
    TIOCSWINSZ: _set_winsize,
    TIOCOUTQ: lambda port, arg, data: _int(port.chars_in_buffer()),
    FIONREAD: lambda port, arg, data: _int(port.ldisc.readable()),
    TIOCGSOFTCAR: lambda port, arg, data: _int(bool(port.ldisc.termios.cflag & CLOCAL)),
    TIOCGETD: lambda port, arg, data: _int(0),
}

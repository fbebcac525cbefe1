"""Where a debugger finds a processor: ``/PATH`` of a socket, or ``:PORT``, of this host only."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
import stat
from contextlib import suppress
from pathlib import Path

#: ``sizeof(sun_path)``, with its NUL.
SOCKET_PATH_MAX = 108
LOOPBACK = "127.0.0.1"
_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[0-9.]*):([0-9]{1,5})")


def check(address: str) -> None:
    """ValueError, with the reason, for what is no address or cannot be used."""
    if _port(address) is not None:
        return
    if not address.startswith("/") or len(os.fsencode(address)) >= SOCKET_PATH_MAX:
        raise ValueError("has to be :PORT, or an absolute and shorter path")
    if os.path.lexists(address) and not Path(address).is_socket():
        raise ValueError("is there, and no socket")


def _port(address: str) -> tuple[str, int] | None:
    """Host and port; None if *address* is not of that kind. ValueError."""
    found = _PORT.fullmatch(address)
    if found is None:
        return None
    host = found[1].strip("[]") or LOOPBACK
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError("is no address of a host") from None
    if not 0 < int(found[2]) < 1 << 16:
        raise ValueError("is no port")
    return host, int(found[2])


class Door:
    """A socket that listens at *address*. OSError. A path is in place of an old socket there."""

    def __init__(self, address: str) -> None:
        self._path: Path | None = None
        place = _port(address)
        family = socket.AF_UNIX if place is None else socket.AF_INET
        if place is not None and ":" in place[0]:
            family = socket.AF_INET6
        kind = socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self.socket = socket.socket(family, kind)
        try:
            if place is None:
                self._bind_path(Path(address))
            else:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.socket.bind(place)
            self.socket.listen(1)
        except OSError:
            self.close()
            raise

    def _bind_path(self, path: Path) -> None:
        if os.path.lexists(path):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise OSError(errno.EADDRINUSE, "is there, and no socket")
            path.unlink()
        self.socket.bind(str(path))
        self._path = path
        self._made = _which(path)

    def accept(self) -> socket.socket | None:
        """A client; None: it has gone already."""
        try:
            client, _ = self.socket.accept()
        except OSError:
            return None
        client.setblocking(False)
        if client.family != socket.AF_UNIX:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def close(self) -> None:
        """Close it, and remove its path unless it is another one's by now."""
        self.socket.close()
        path, self._path = self._path, None
        if path is not None and _which(path) == self._made:
            path.unlink(missing_ok=True)


def _which(path: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        about = path.lstat()
        return about.st_ino, about.st_ctime_ns
    return None

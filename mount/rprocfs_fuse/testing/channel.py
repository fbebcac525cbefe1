"""An rpmsg channel of a test's board, by the device node that its driver made."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from rprocfs_fuse.testing.deadline import TIMEOUT, RprocTimeout

SIZE = 1 << 16


class Channel:
    """The open device node *path* of the channel *name*: ``/dev/rpmsgN`` or ``/dev/ttyRPMSGN``.

    On an rpmsg device one write and one read are one message. A tty has no messages: a read takes
    what has come.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)

    @property
    def gone(self) -> bool:
        """Whether it was closed, or its channel does not exist any more."""
        if self._fd < 0:
            return True
        poll = select.poll()
        poll.register(self._fd, 0)
        return bool(poll.poll(0))

    def send(self, data: bytes) -> None:
        """Send *data*; EMSGSIZE or a short write is the kernel's answer to what does not fit."""
        sent = os.write(self._fd, data)
        assert sent == len(data), f"{self.path.name} took {sent} of {len(data)} bytes"

    def receive(self, timeout: float = TIMEOUT) -> bytes:
        """The next message, after *timeout* seconds at most. RprocTimeout; EPIPE: it is gone."""
        return self._receive(timeout, "a message")

    def request(self, data: bytes, timeout: float = TIMEOUT) -> bytes:
        """Send *data*; the message that comes next. As :meth:`send` and :meth:`receive`."""
        self.send(data)
        return self._receive(timeout, f"an answer to {data!r}")

    def _receive(self, timeout: float, what: str) -> bytes:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if not poll.poll(timeout * 1000):
            raise RprocTimeout(f"waited {timeout:g} s for {what} on {self.name} ({self.path.name})")
        return os.read(self._fd, SIZE)

    def close(self) -> None:
        """Close the device node. May be called twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def announced(root: Path, remoteproc: str) -> Iterator[tuple[str, Path]]:
    """Name and sysfs directory of each channel of *remoteproc*, on the board at *root*."""
    for link in sorted((root / "sys/bus/rpmsg/devices").glob("*")):
        with suppress(OSError):  # it went meanwhile
            if f"/{remoteproc}/" in str(link.readlink()):
                yield (link / "name").read_text().rstrip("\n"), link


def node(root: Path, device: Path) -> Path | None:
    """The device node of the channel *device*; None as long as no driver made one."""
    for child in [*device.glob("rpmsg/rpmsg*"), *device.glob("tty/tty*")]:
        path = root / "dev" / child.name
        if path.exists():
            return path
    return None

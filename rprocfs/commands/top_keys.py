"""What the keys of ``rprocfs top`` do, and the kernel log that it shows: files of a mount."""

from __future__ import annotations

import math
import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rprocfs.errors import CommandError
from rprocfs.lib.printable import printable

_ANSWER_SECONDS = 1.0
_FILES = {
    "state": "sys/class/remoteproc/{}/state",
    "crash": "sys/kernel/debug/remoteproc/{}/crash",
}
#: A look at the log is followed by a pause that is so many times as long, in seconds at most.
_PAUSE, _LONGEST_PAUSE = 19, 5.0
_RECORD = 8192  # PRINTK_MESSAGE_MAX and more: a shorter read of /dev/kmsg fails


def write(where: Path, name: str, file: str, text: str) -> None:
    """Write to ``state`` or ``crash`` of a processor. CommandError says what the file refused."""
    path = where / _FILES[file].format(name)
    try:
        path.write_text(text)
    except OSError as failure:
        raise CommandError(f"{name}: {file} {text}: {failure.strerror}") from failure


def send(where: Path, name: str, text: str) -> Iterator[str]:
    """Send *text* by the first channel of a processor; the lines to show, its answer last.

    CommandError if it has no channel with an endpoint file, or if that refuses the message.
    """
    endpoint = _endpoint(where, name)
    yield f"{endpoint.parent.name} <- {text}"
    try:
        descriptor = os.open(endpoint, os.O_RDWR | os.O_NONBLOCK)
        try:
            os.write(descriptor, text.encode("utf-8", "surrogateescape"))
            if select.select([descriptor], [], [], _ANSWER_SECONDS)[0]:
                yield f"{endpoint.parent.name} -> {_text(os.read(descriptor, 1 << 16))}"
        finally:
            os.close(descriptor)
    except OSError as failure:
        raise CommandError(f"{endpoint.parent.name}: {failure.strerror}") from failure


def _endpoint(where: Path, name: str) -> Path:
    devices = where / "sys/bus/rpmsg/devices"
    try:
        for device in sorted(devices.iterdir()):
            if f"/{name}/" in os.fspath(device.readlink()) and (device / "endpoint").exists():
                return device / "endpoint"
    except OSError:  # one that goes meanwhile is none
        pass
    raise CommandError(f"{name}: no channel with an endpoint file, is it running?")


def _text(data: bytes) -> str:
    return printable(data.decode("utf-8", "replace").rstrip("\n"), "?")


class KernelLog:
    """What came to ``/dev/kmsg`` of the board since the last look.

    Its reader begins with the oldest record, one is a request, and lseek(2) knows no other place
    than the beginning and the end. A file that stays open would keep a position, and keep the mount
    busy. So a look takes as long as the log is, and those that take long are rare.
    """

    def __init__(self, where: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = where / "dev/kmsg"
        self._next = 0
        self._clock = clock
        self._due = -math.inf

    def news(self) -> list[str]:
        """The lines since then; none if there is no such file, or if it is too early."""
        begin = self._clock()
        if begin < self._due:
            return []
        found = self._look()
        end = self._clock()
        self._due = end + min(_PAUSE * (end - begin), _LONGEST_PAUSE)
        return found

    def _look(self) -> list[str]:
        found = []
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return []
        try:
            while record := os.read(descriptor, _RECORD):
                head, _, text = record.partition(b"\n")[0].partition(b";")
                number, microseconds = map(int, head.split(b",")[1:3])
                if number >= self._next:
                    found.append(f"[{microseconds / 1e6:12.6f}] {_text(text)}")
                    self._next = number + 1
        except (OSError, ValueError):  # EAGAIN: there is no more
            pass
        finally:
            os.close(descriptor)
        return found

"""A recording of what happens on a system, as it happens -- not in the kernel.

The file begins with :data:`MAGIC`, and with the nanoseconds that CLOCK_REALTIME was ahead of
CLOCK_MONOTONIC. Records follow, nearly in the order of their times: :data:`HEAD` (the time in
nanoseconds of CLOCK_MONOTONIC, a :class:`Kind`, the number of a track, the length of what
follows) and what :class:`Kind` says. A track is a processor; 0 is the system.
"""

from __future__ import annotations

import logging
import os
import struct
import time
from collections import deque
from contextlib import suppress
from enum import IntEnum

log = logging.getLogger(__name__)

MAGIC, OFFSET = b"rprocfs trace 1\n", struct.Struct("<q")
HEAD, NUMBER = struct.Struct("<QHHI"), struct.Struct("<I")
#: Nanoseconds that a record may wait in memory for the next one, and how many may.
FLUSH, MOST = 1_000_000_000, 1000
SYSTEM = 0


class Kind(IntEnum):
    """What is recorded: a text (UTF-8), a number (32 bits), or bytes."""

    TRACK = 0  # text: the name of the track
    LOG = 1  # text: a line of the kernel log
    STATE = 2  # text: that of a processor
    KICK = 3  # number: the host rang this doorbell
    INTERRUPT = 4  # number: the processor rang it
    TO = 5  # bytes: a message to the processor, struct rpmsg_hdr and data
    FROM = 6  # bytes: one from it
    ENDPOINT = 7  # number: an address that receives from now on
    ENDPOINT_GONE = 8  # number
    CHANNEL = 9  # text: its device appears
    CHANNEL_GONE = 10  # text
    CONSOLE = 11  # bytes: what the firmware wrote
    EXCEPTION = 12  # number: the processor takes it
    EXCEPTION_RETURN = 13  # number: it is left
    LOST = 14  # number: so many records are missing here


class Trace:
    """Writes the file *path*, which is emptied; OSError. Thread-safe.

    A failure later on is logged, and ends the recording: what is traced goes on.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        #: What is not in the file yet. Nobody waits for a lock: the order does not matter.
        self._records: deque[bytes] = deque()
        self._tracks: dict[str, Track] = {}
        self._flushed = time.monotonic_ns()
        self._records.append(MAGIC + OFFSET.pack(time.time_ns() - time.monotonic_ns()))
        self.flush()

    def track(self, name: str) -> Track:
        """The track of that name, which is made."""
        if name not in self._tracks:
            track = self._tracks[name] = Track(self, len(self._tracks) + 1)
            track.text(Kind.TRACK, name)
        return self._tracks[name]

    def add(self, kind: Kind, track: int, content: bytes, now: int = 0) -> None:
        """One record, of *now* in nanoseconds or of this moment."""
        now = now or time.monotonic_ns()
        if self._fd is None:
            return
        self._records.append(HEAD.pack(now, kind, track, len(content)) + content)
        if now - self._flushed > FLUSH or len(self._records) > MOST:
            self._flushed = now
            self.flush()

    def flush(self) -> None:
        """Have everything in the file."""
        taken = []
        with suppress(IndexError):
            while True:
                taken.append(self._records.popleft())
        if self._fd is None:
            return
        try:
            os.write(self._fd, b"".join(taken))
        except OSError as problem:
            log.warning("trace=%s: %s", self._path, problem.strerror)
            self.close()

    def close(self) -> None:
        """Nothing is recorded any more. May be called twice."""
        if self._records:
            self.flush()
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


class Track:
    """Records what happens at one processor."""

    __slots__ = ("_number", "_trace")

    def __init__(self, trace: Trace, number: int) -> None:
        self._trace, self._number = trace, number

    def add(self, kind: Kind, content: bytes, now: int = 0) -> None:
        """See :meth:`Trace.add`."""
        self._trace.add(kind, self._number, content, now)

    def text(self, kind: Kind, text: str) -> None:
        """One with a text."""
        self.add(kind, text.encode("utf-8", "replace"))

    def number(self, kind: Kind, number: int, now: int = 0) -> None:
        """One with a number."""
        self.add(kind, NUMBER.pack(number & 0xFFFF_FFFF), now)

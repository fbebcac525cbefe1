"""syslog(2) on the kernel log -- kernel/printk/printk.c, do_syslog().

It is a system call, not a file. ``rprocfs run``, which can answer system calls, asks
:class:`Syslog` for the answer.
"""

from __future__ import annotations

import errno
import os
from enum import IntEnum

from rprocfs.base.kmsg import LOG_BUF_LEN, Kmsg
from rprocfs.base.printk_ringbuffer import Record
from rprocfs.fs.kernfs import error
from rprocfs.fs.wait import WouldBlock
from rprocfs.locking import LockClass, new_lock


class Action(IntEnum):
    """``SYSLOG_ACTION_*``."""

    CLOSE = 0
    OPEN = 1
    READ = 2
    READ_ALL = 3
    READ_CLEAR = 4
    CLEAR = 5
    CONSOLE_OFF = 6
    CONSOLE_ON = 7
    CONSOLE_LEVEL = 8
    SIZE_UNREAD = 9
    SIZE_BUFFER = 10


def format_lines(record: Record) -> bytes:
    """record_print_text(): each line behind its priority and time."""
    seconds, micros = divmod(record.ts_usec, 1_000_000)
    head = f"<{record.facility << 3 | record.level}>[{seconds:5}.{micros:06}] ".encode()
    lines = os.fsencode(record.text).split(b"\n")
    return b"".join(head + line + b"\n" for line in lines)


class Syslog:
    """The state of the call: how far :data:`Action.READ` has come. Thread-safe."""

    def __init__(self, kmsg: Kmsg) -> None:
        self._kmsg = kmsg
        self._lock = new_lock(LockClass.SYSLOG)
        self._seq = 0
        self._partial = 0

    def call(self, kind: int, length: int) -> tuple[int, bytes]:
        """The call's result, and what goes into the caller's buffer. EINVAL; WouldBlock."""
        match kind:
            case Action.READ | Action.READ_ALL | Action.READ_CLEAR:
                data = self._read(kind, length)
                return len(data), data
            case Action.CLEAR:
                self._kmsg.clear()
            case Action.SIZE_UNREAD:
                return self._unread(), b""
            case Action.SIZE_BUFFER:
                return LOG_BUF_LEN, b""
            case Action.CONSOLE_LEVEL:
                if not 1 <= length <= 8:
                    raise error(errno.EINVAL)
            case Action.CLOSE | Action.OPEN | Action.CONSOLE_OFF | Action.CONSOLE_ON:
                pass
            case _:
                raise error(errno.EINVAL)
        return 0, b""

    def _read(self, kind: int, length: int) -> bytes:
        if length < 0:
            raise error(errno.EINVAL)
        if kind == Action.READ:
            return self._read_next(length) if length else b""
        data = self._read_last(length)
        if kind == Action.READ_CLEAR:
            self._kmsg.clear()
        return data

    def _read_last(self, length: int) -> bytes:
        """syslog_print_all(): the newest records that fit, oldest first."""
        chosen: list[bytes] = []
        for record in reversed(self._kmsg.records()):
            text = format_lines(record)
            length -= len(text)
            if length < 0:
                break
            chosen.append(text)
        return b"".join(reversed(chosen))

    def _read_next(self, length: int) -> bytes:
        """syslog_print(): whole records that were not read yet; only the first may be split."""
        found = b""
        with self._lock:
            while len(found) < length and (record := self._kmsg.read_valid(self._seq)):
                if record.seq != self._seq:
                    self._seq, self._partial = record.seq, 0
                text, left = self._rest(record), length - len(found)
                if len(text) <= left:
                    self._seq, self._partial = record.seq + 1, 0
                elif not found:
                    self._partial += left
                else:
                    break
                found += text[:left]
        if not found:
            raise WouldBlock(self._kmsg.wait_queue)
        return found

    def _rest(self, record: Record) -> bytes:
        """What was not read yet of a *record*, the next one or, if that is overwritten, a later."""
        return format_lines(record)[self._partial if record.seq == self._seq else 0 :]

    def _unread(self) -> int:
        """How many bytes those are that were not read yet."""
        with self._lock:
            seq, size = self._seq, 0
            while record := self._kmsg.read_valid(seq):
                size += len(self._rest(record))
                seq = record.seq + 1
            return size

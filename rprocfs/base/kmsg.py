"""The kernel log -- kernel/printk/printk.c, Documentation/ABI/testing/dev-kmsg."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType

from rprocfs.fs.wait import WaitQueue
from rprocfs.locking import LockClass, new_lock

#: ``PRINTKRB_RECORD_MAX``: a record's text and its NUL.
RECORD_MAX = 1024
#: ``log_buf_len`` of a usual kernel: bytes of text, 32 of them for each record's descriptor.
LOG_BUF_LEN = 1 << 18

NO_CONTEXT: Mapping[str, str] = MappingProxyType({})


class Level(IntEnum):
    """``KERN_ERR`` and its siblings: syslog severities."""

    EMERG = 0
    ALERT = 1
    CRIT = 2
    ERR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


@dataclass(frozen=True, slots=True)
class Record:
    """``struct printk_info`` with its text: *ts_usec* since the log began."""

    seq: int
    ts_usec: int
    level: int
    text: str
    facility: int
    context: Mapping[str, str]

    @property
    def block_size(self) -> int:
        """``to_blk_size``: what the text takes of the log, with its identifier and its NUL."""
        length = len(self.text) if self.text.isascii() else len(os.fsencode(self.text))
        return length + 16 & ~7

    def __str__(self) -> str:
        """The line as dmesg(1) prints it."""
        return f"[{self.ts_usec // 1_000_000:5}.{self.ts_usec % 1_000_000:06}] {self.text}"


@lru_cache(maxsize=1024)
def dev_printk_info(subsystem: str, device: str) -> Mapping[str, str]:
    """``set_dev_printk_info``: the context of what is said about a device; records share it."""
    keys = {"DEVICE": f"+{subsystem}:{device}"}
    return MappingProxyType({"SUBSYSTEM": subsystem, **keys} if subsystem else keys)


class Kmsg:
    """``struct printk_ringbuffer``: as many records as fit, numbered without gaps.

    The oldest go when there are more than *log_buf_len* / 32 of them, or more bytes of
    text than that. Thread-safe. *wait_queue* is woken for each new record.
    """

    def __init__(self, log_buf_len: int = LOG_BUF_LEN) -> None:
        self._lock = new_lock(LockClass.KMSG)
        self._records: deque[Record] = deque()
        self._limit = log_buf_len
        self._size = 0
        self._start = time.monotonic_ns()
        self.next_seq = 0
        self.clear_seq = 0
        self.wait_queue = WaitQueue()

    def printk(
        self, level: int, text: str, context: Mapping[str, str] = NO_CONTEXT, facility: int = 0
    ) -> None:
        """Append one record; text that is too long is cut."""
        if len(text) * 4 >= RECORD_MAX:
            text = os.fsdecode(os.fsencode(text)[: RECORD_MAX - 1])
        with self._lock:
            ts_usec = (time.monotonic_ns() - self._start) // 1000
            record = Record(self.next_seq, ts_usec, int(level), text, facility, context)
            self._records.append(record)
            self._size += record.block_size
            while self._size > self._limit or len(self._records) > self._limit >> 5:
                self._size -= self._records.popleft().block_size
            self.next_seq += 1
        self.wait_queue.wake_up()

    @property
    def first_seq(self) -> int:
        """The oldest record that is still there."""
        with self._lock:
            return self._records[0].seq if self._records else self.next_seq

    def get(self, seq: int) -> Record | None:
        """The record numbered *seq*; None when it is overwritten or not yet written."""
        with self._lock:
            if not self._records:
                return None
            index = seq - self._records[0].seq
            return self._records[index] if 0 <= index < len(self._records) else None

    def records(self) -> list[Record]:
        """All records since the log was last cleared."""
        with self._lock:
            return [record for record in self._records if record.seq >= self.clear_seq]

    def clear(self) -> None:
        """SYSLOG_ACTION_CLEAR: the records so far are not shown again by default."""
        with self._lock:
            self.clear_seq = self.next_seq

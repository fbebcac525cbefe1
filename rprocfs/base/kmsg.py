"""The kernel log -- kernel/printk/printk.c, Documentation/ABI/testing/dev-kmsg."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

from rprocfs.fs.wait import WaitQueue

#: ``PRINTKRB_RECORD_MAX``: a record's text and its NUL.
RECORD_MAX = 1024


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
    facility: int = 0
    context: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """The line as dmesg(1) prints it."""
        return f"[{self.ts_usec // 1_000_000:5}.{self.ts_usec % 1_000_000:06}] {self.text}"


class Kmsg:
    """``struct printk_ringbuffer``: the last *size* records, numbered without gaps.

    Thread-safe. *wait_queue* is woken for each new record.
    """

    def __init__(self, size: int = 16384) -> None:
        self._lock = threading.Lock()
        self._records: deque[Record] = deque(maxlen=size)
        self._start = time.monotonic_ns()
        self.next_seq = 0
        self.clear_seq = 0
        self.wait_queue = WaitQueue()

    def printk(
        self, level: int, text: str, context: dict[str, str] | None = None, facility: int = 0
    ) -> None:
        """Append one record, cut where it is too long."""
        if len(text) * 4 >= RECORD_MAX:
            text = os.fsdecode(os.fsencode(text)[: RECORD_MAX - 1])
        with self._lock:
            ts_usec = (time.monotonic_ns() - self._start) // 1000
            record = Record(self.next_seq, ts_usec, int(level), text, facility, context or {})
            self._records.append(record)
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

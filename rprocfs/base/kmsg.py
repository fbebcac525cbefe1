"""The kernel log -- kernel/printk/printk.c, Documentation/ABI/testing/dev-kmsg."""

from __future__ import annotations

import os
import time
from enum import IntEnum

from rprocfs.base.printk_ringbuffer import NO_DEVICE, DevPrintkInfo, Record, Ringbuffer
from rprocfs.fs.wait import WaitQueue
from rprocfs.locking import LockClass, new_lock

#: ``PRINTKRB_RECORD_MAX``: a record's text and its NUL.
RECORD_MAX = 1024
#: ``log_buf_len`` of a usual kernel, in bytes.
LOG_BUF_LEN = 1 << 18


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


class Kmsg:
    """The log: as many records as fit, numbered without gaps.

    The oldest go when there are more than *log_buf_len* / 32 of them, or more bytes of
    text than that. Thread-safe. *wait_queue* is woken for each new record.
    """

    def __init__(self, log_buf_len: int = LOG_BUF_LEN) -> None:
        self._lock = new_lock(LockClass.KMSG)
        self._ring = Ringbuffer(log_buf_len)
        self._start = time.monotonic_ns()
        self.clear_seq = 0
        self.wait_queue = WaitQueue()

    def printk(
        self, level: int, text: str, dev_info: DevPrintkInfo = NO_DEVICE, facility: int = 0
    ) -> None:
        """Append one record; text that is too long is cut. *facility* is below 256."""
        data = os.fsencode(text)[: RECORD_MAX - 1]
        with self._lock:
            ts_usec = (time.monotonic_ns() - self._start) // 1000
            self._ring.append(ts_usec, int(level), data, facility, dev_info)
        self.wait_queue.wake_up()

    @property
    def first_seq(self) -> int:
        """The oldest record that is still there."""
        return self._ring.first_seq

    @property
    def next_seq(self) -> int:
        """The record that is written next."""
        return self._ring.next_seq

    def get(self, seq: int) -> Record | None:
        """The record numbered *seq*; None when it is overwritten or not yet written."""
        with self._lock:
            return self._ring.get(seq)

    def read_valid(self, seq: int) -> Record | None:
        """``prb_read_valid``: the record *seq*, or the oldest if that one is overwritten."""
        with self._lock:
            return self._ring.get(max(seq, self._ring.first_seq))

    def records(self) -> list[Record]:
        """All records since the log was last cleared."""
        with self._lock:
            ring = self._ring
            numbers = range(max(self.clear_seq, ring.first_seq), ring.next_seq)
            return [record for seq in numbers if (record := ring.get(seq))]

    def clear(self) -> None:
        """SYSLOG_ACTION_CLEAR: the records so far are not shown again by default."""
        with self._lock:
            self.clear_seq = self.next_seq

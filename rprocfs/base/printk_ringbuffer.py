"""Records in memory of a fixed size -- kernel/printk/printk_ringbuffer.c.

As in the kernel, a log that is full takes what an empty one takes: the texts are blocks of one
ring of bytes, and what goes with them are entries of another ring, of a fixed size each. Records
that were objects would take up to twenty times as much as their texts, the more the shorter they
are and the more devices they name.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

#: Text bytes for each record: ``PRB_AVGBITS`` of ``__log_buf``.
AVERAGE_TEXT = 32
#: ``PRINTK_INFO_SUBSYSTEM_LEN``, ``PRINTK_INFO_DEVICE_LEN``: with a NUL.
SUBSYSTEM_LEN, DEVICE_LEN = 16, 48
#: ``struct printk_info`` and ``struct prb_data_blk_lpos``: time, where the block begins, the
#: length of the text, facility, level, dev_info.
_INFO = Struct(f"<QQHBB{SUBSYSTEM_LEN}s{DEVICE_LEN}s")
#: Bytes before the text of a block: the identifier of its record.
_ID_SIZE = 8


class DevPrintkInfo(NamedTuple):
    """``struct dev_printk_info``: the device that a record is about; without one, empty texts.

    Neither is longer than its field: :func:`dev_printk_info`.
    """

    subsystem: str = ""
    device: str = ""


NO_DEVICE = DevPrintkInfo()


def dev_printk_info(
    subsystem: str, device: str, devt: tuple[int, int] | None = None
) -> DevPrintkInfo:
    """``set_dev_info`` of drivers/base/core.c: cut to what the log has room for.

    *subsystem* is the class or the bus; a character device is known by its number, others by name.
    """
    if not subsystem:
        return NO_DEVICE
    identifier = "c{}:{}".format(*devt) if devt else f"+{subsystem}:{device}"
    names = (subsystem, SUBSYSTEM_LEN), (identifier, DEVICE_LEN)
    return DevPrintkInfo(*(os.fsdecode(os.fsencode(name)[: size - 1]) for name, size in names))


@dataclass(frozen=True, slots=True)
class Record:
    """``struct printk_info`` with its text: *ts_usec* since the log began."""

    seq: int
    ts_usec: int
    level: int
    text: str
    facility: int
    dev_info: DevPrintkInfo

    def __str__(self) -> str:
        """The line as dmesg(1) prints it."""
        return f"[{self.ts_usec // 1_000_000:5}.{self.ts_usec % 1_000_000:06}] {self.text}"


class Ringbuffer:
    """``struct printk_ringbuffer`` of *size* bytes of text and *size* / 32 records. Not locked.

    Positions of blocks, ``lpos``, count up for ever; a block is never split by the ring's end.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._slots = size // AVERAGE_TEXT
        self._text = bytearray(size)
        self._infos = bytearray(self._slots * _INFO.size)
        self._head = 0
        self.first_seq = self.next_seq = 0

    def append(
        self, ts_usec: int, level: int, text: bytes, facility: int, dev_info: DevPrintkInfo
    ) -> None:
        """Number and keep a record whose block is no longer than the ring; the oldest go for it."""
        begin, end = self._place(_block_size(text))
        self._make_room(end)
        start = begin % self._size
        self._text[start : start + len(text)] = text
        info = (ts_usec, begin, len(text), facility, level, *map(os.fsencode, dev_info))
        _INFO.pack_into(self._infos, self._offset(self.next_seq), *info)
        self._head = end
        self.next_seq += 1

    def get(self, seq: int) -> Record | None:
        """The record numbered *seq*; None when it is overwritten or not yet written."""
        if not self.first_seq <= seq < self.next_seq:
            return None
        fields = _INFO.unpack_from(self._infos, self._offset(seq))
        ts_usec, begin, length, facility, level, subsystem, device = fields
        start = begin % self._size
        text = os.fsdecode(bytes(self._text[start : start + length]))
        dev_info = DevPrintkInfo(_name(subsystem), _name(device))
        return Record(seq, ts_usec, level, text, facility, dev_info)

    def _place(self, size: int) -> tuple[int, int]:
        """``get_next_lpos``: where the next block begins and ends."""
        begin = self._head
        left = self._size - begin % self._size
        if size > left:
            begin += left
        return begin, begin + size

    def _make_room(self, end: int) -> None:
        """``data_push_tail``, ``desc_push_tail``: the oldest go, by bytes and by number."""
        while self.first_seq < self.next_seq and (
            self.next_seq - self.first_seq == self._slots
            or end - self._begin(self.first_seq) > self._size
        ):
            self.first_seq += 1

    def _begin(self, seq: int) -> int:
        begin: int = _INFO.unpack_from(self._infos, self._offset(seq))[1]
        return begin

    def _offset(self, seq: int) -> int:
        return seq % self._slots * _INFO.size


def _block_size(text: bytes) -> int:
    """``to_blk_size``: what the text takes of the ring, with its identifier and its NUL."""
    return len(text) + 1 + _ID_SIZE + 7 & ~7


def _name(field: bytes) -> str:
    return os.fsdecode(field.rstrip(b"\0"))

"""``/dev/kmsg``: the kernel log as records -- kernel/printk/printk.c, devkmsg_*().

The format is that of Documentation/ABI/testing/dev-kmsg: one read is one record,
``PRIORITY,SEQUENCE,MICROSECONDS,-;TEXT`` and a line `` KEY=VALUE`` for each key of its
context. One write is one record of facility ``user``, with an optional ``<PRIORITY>``.
"""

from __future__ import annotations

import errno
import os
import re
import select

from rprocfs.base.kmsg import RECORD_MAX, Kmsg, Level
from rprocfs.base.model import DriverModel
from rprocfs.base.printk_ringbuffer import Record
from rprocfs.fs.chardev import DeviceNode
from rprocfs.fs.kernfs import Handle, error
from rprocfs.fs.wait import WaitQueue, WouldBlock

KMSG_DEVT = (1, 11)

LOG_USER = 1
#: ``PRINTK_MESSAGE_MAX``: a record as it is read.
MESSAGE_MAX = 2048
#: ``MESSAGE_LOGLEVEL_DEFAULT``: of a record that is written without a priority.
DEFAULT_LEVEL = Level.WARNING
#: A position that no reading reaches: where ``lseek(fd, 0, SEEK_END)`` leads.
END = 1 << 62

_PRIORITY = re.compile(rb"<([0-9]*)>")


def kmsg_init(model: DriverModel) -> None:
    """Make the node ``dev/kmsg``."""
    model.dev.add("kmsg", DeviceNode(lambda flags: KmsgHandle(model.kmsg, flags), KMSG_DEVT, 0o644))


def format_record(record: Record) -> bytes:
    """msg_print_ext_header(), msg_print_ext_body(): cut to :data:`MESSAGE_MAX`."""
    priority = record.facility << 3 | record.level
    head = f"{priority},{record.seq},{record.ts_usec},-;".encode()
    body = _escape(record.text) + b"\n"
    for key, value in zip(("SUBSYSTEM", "DEVICE"), record.dev_info, strict=True):
        if value:
            body += f" {key}=".encode() + _escape(value) + b"\n"
    return (head + body)[:MESSAGE_MAX]


def parse_record(data: bytes) -> tuple[int, int, str]:
    """devkmsg_write(): facility, level and text of what was written."""
    text = data.split(b"\0", 1)[0]
    facility, level = LOG_USER, int(DEFAULT_LEVEL)
    if found := _PRIORITY.match(text):
        number = int(found[1] or b"0") & 0xFFFFFFFF
        level, facility = number & 7, number >> 3 & 0xFF or LOG_USER
        text = text[found.end() :]
    return facility, level, os.fsdecode(text.removesuffix(b"\n"))


def _escape(text: str) -> bytes:
    """append_char(): what is not printable ASCII, and the backslash, as ``\\xHH``."""
    return b"".join(
        bytes((byte,)) if 0x20 <= byte < 0x7F and byte != 0x5C else b"\\x%02x" % byte
        for byte in os.fsencode(text)
    )


class KmsgHandle(Handle):
    """``struct devkmsg_user``: the number of the record that is read next.

    The file position means nothing, and lseek(2) is how a reader moves. That a reader
    seeks from the start or the end never reaches a filesystem in userspace: it shows as
    a read at 0 after one elsewhere, or at :data:`END`.
    """

    __slots__ = ("_kmsg", "_next_offset", "_readable", "_seq")

    def __init__(self, kmsg: Kmsg, flags: int) -> None:
        self._kmsg = kmsg
        self._readable = flags & os.O_ACCMODE != os.O_WRONLY
        self._seq = kmsg.first_seq
        self._next_offset = 0

    @property
    def wait_queue(self) -> WaitQueue:
        """Woken for each record."""
        return self._kmsg.wait_queue

    def read(self, size: int, offset: int) -> bytes:
        """The next record. EPIPE once when it was overwritten; EINVAL when it is too long."""
        if not self._readable:
            raise error(errno.EBADF)
        if offset != self._next_offset and offset in (0, END):
            self.lseek(0, os.SEEK_END if offset else os.SEEK_SET)
        record = self._kmsg.read_valid(self._seq)
        if record is None:
            raise WouldBlock(self._kmsg.wait_queue)
        if record.seq != self._seq:
            self._seq = record.seq
            raise error(errno.EPIPE)
        self._seq += 1
        text = format_record(record)
        if len(text) > size:
            raise error(errno.EINVAL)
        self._next_offset = offset + len(text)
        return text

    def write(self, data: bytes, offset: int) -> int:
        """One record, which is in the log when the call returns. EINVAL when it is too long."""
        del offset
        if len(data) > RECORD_MAX:
            raise error(errno.EINVAL)
        facility, level, text = parse_record(data)
        self._kmsg.printk(level, text, facility=facility)
        return len(data)

    def poll(self) -> int:
        """POLLIN with a record to read; POLLERR and POLLPRI too when some were lost."""
        if self._seq < self._kmsg.first_seq:
            return select.POLLIN | select.POLLRDNORM | select.POLLERR | select.POLLPRI
        return select.POLLIN | select.POLLRDNORM if self._seq < self._kmsg.next_seq else 0

    def lseek(self, offset: int, whence: int) -> int:
        """SEEK_SET the first record, SEEK_DATA the first that was not cleared, SEEK_END the next.

        Returns the position to read at. ESPIPE for any other *offset* than 0; EINVAL.
        """
        if offset:
            raise error(errno.ESPIPE)
        if whence == os.SEEK_SET:
            self._seq = self._kmsg.first_seq
        elif whence == os.SEEK_DATA:
            self._seq = max(self._kmsg.clear_seq, self._kmsg.first_seq)
        elif whence == os.SEEK_END:
            self._seq = self._kmsg.next_seq
        else:
            raise error(errno.EINVAL)
        self._next_offset = END if whence == os.SEEK_END else 0
        return 0

    def seek_end(self, size: int) -> int:
        """A position that tells :meth:`read` that the reader asked for the end."""
        del size
        return END

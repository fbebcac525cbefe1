import errno
import os
import re
import select

import pytest

from rprocfs.base.kmsg import LOG_BUF_LEN, Kmsg, Level
from rprocfs.base.kmsg_dev import END, KmsgHandle, format_record, parse_record
from rprocfs.base.printk_ringbuffer import dev_printk_info
from rprocfs.base.syslog import Action, Syslog, format_lines
from rprocfs.fs.wait import WouldBlock
from rprocfs.system import System
from rprocfs.testing.userspace import Userspace


def _errno(call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    return caught.value.errno


@pytest.fixture
def kmsg():
    log = Kmsg(log_buf_len=4 * 32)
    for word in ("one", "two", "three"):
        log.printk(Level.INFO, word)
    return log


def _text(record):
    return record.split(b";")[1]


def _all(handle):
    """Every record, as read(2) after read(2) of one descriptor gives them."""
    found, offset = [], 0
    while True:
        try:
            data = handle.read(8192, offset)
        except WouldBlock:
            return found
        found.append(_text(data))
        offset += len(data)


def test_the_node(tmp_path):
    with System(firmware=tmp_path) as system:
        shell = Userspace(system.tree)
        node = shell.lookup("/dev/kmsg")
        assert (node.mode, node.devt) == (0o644, (1, 11))
        shell.echo("/dev/kmsg", "<6>hello\n")
        handle = shell.open("/dev/kmsg")
        assert handle.read(8192, 0).endswith(b"-;hello\n")


def test_a_record_is_a_line_and_its_context(kmsg):
    about = dev_printk_info("remoteproc", "remoteproc0")
    kmsg.printk(Level.ERR, "tab\there, back\\slash, two\nlines, \xe9", about)
    record = kmsg.get(3)
    assert (
        format_record(record)
        == (
            f"3,3,{record.ts_usec},-;tab\\x09here, back\\x5cslash, two\\x0alines, \\xc3\\xa9\n"
            " SUBSYSTEM=remoteproc\n DEVICE=+remoteproc:remoteproc0\n"
        ).encode()
    )


def test_a_character_device_is_known_by_its_number(kmsg):
    """set_dev_info(): journalctl(1) and udevadm(8) find the device by it."""
    assert dev_printk_info("remoteproc", "remoteproc0", (244, 0)).device == "c244:0"
    with System() as system:
        system.add_processor({"compatible": "rprocfs,sim"})
        records = [format_record(record) for record in system.model.kmsg.records()]
    (said,) = [record for record in records if b"is available" in record]
    assert re.search(rb" SUBSYSTEM=remoteproc\n DEVICE=c[0-9]+:0\n$", said)


def test_one_read_is_one_record_then_it_would_block(kmsg):
    handle = KmsgHandle(kmsg, os.O_RDONLY)
    assert _all(handle) == [b"one\n", b"two\n", b"three\n"]
    woken = []
    handle.wait_queue.add(lambda: woken.append(True))
    assert handle.poll() == 0
    kmsg.printk(Level.INFO, "four")
    assert woken
    assert handle.poll() == select.POLLIN | select.POLLRDNORM


def test_a_buffer_that_is_too_small_loses_the_record(kmsg):
    handle = KmsgHandle(kmsg, os.O_RDONLY)
    assert _errno(handle.read, 5, 0) == errno.EINVAL
    assert _text(handle.read(100, 0)) == b"two\n"


def test_overrun_is_epipe_once(kmsg):
    handle = KmsgHandle(kmsg, os.O_RDONLY)
    for number in range(3):
        kmsg.printk(Level.INFO, f"more {number}")
    assert handle.poll() & select.POLLERR
    assert _errno(handle.read, 100, 0) == errno.EPIPE
    assert not handle.poll() & select.POLLERR
    assert _text(handle.read(100, 0)) == b"three\n"


def test_seeking_as_dmesg_does(kmsg):
    kmsg.clear()
    kmsg.printk(Level.INFO, "new")
    handle = KmsgHandle(kmsg, os.O_RDONLY)
    assert handle.lseek(0, os.SEEK_DATA) == 0
    assert _all(handle) == [b"new\n"]
    assert handle.lseek(0, os.SEEK_SET) == 0
    assert _all(handle) == [b"one\n", b"two\n", b"three\n", b"new\n"]
    assert handle.lseek(0, os.SEEK_END) == 0
    assert _errno(handle.read, 100, END) == errno.EAGAIN
    assert _errno(handle.lseek, 1, os.SEEK_SET) == errno.ESPIPE
    assert _errno(handle.lseek, 0, os.SEEK_HOLE) == errno.EINVAL


def test_seeking_that_only_shows_in_the_offsets(kmsg):
    handle = KmsgHandle(kmsg, os.O_RDONLY)
    assert len(_all(handle)) == 3
    assert _text(handle.read(100, 0)) == b"one\n"  # lseek(fd, 0, SEEK_SET)
    assert handle.seek_end(0) == END
    assert _errno(handle.read, 100, END) == errno.EAGAIN  # lseek(fd, 0, SEEK_END)
    kmsg.printk(Level.INFO, "four")
    assert _text(handle.read(100, END)) == b"four\n"


@pytest.mark.parametrize(
    ("written", "facility", "level", "text"),
    [
        (b"plain", 1, 4, "plain"),
        (b"<3>bad\n", 1, 3, "bad"),
        (b"<30>daemon", 3, 6, "daemon"),
        (b"<2051>no facility", 1, 3, "no facility"),  # LOG_FACILITY: eight bits
        (b"<>emergency", 1, 0, "emergency"),  # simple_strtoul() of nothing
        (b"<x>no priority", 1, 4, "<x>no priority"),
        (b"<5", 1, 4, "<5"),
        (b"cut\0here", 1, 4, "cut"),
        (b"two\nlines\n", 1, 4, "two\nlines"),
    ],
)
def test_what_is_written(written, facility, level, text):
    assert parse_record(written) == (facility, level, text)


def test_writing(kmsg):
    handle = KmsgHandle(kmsg, os.O_WRONLY)
    assert handle.write(b"<6>hi\n", 0) == 6
    assert (kmsg.get(3).facility, kmsg.get(3).level, kmsg.get(3).text) == (1, 6, "hi")
    assert _errno(handle.write, b"x" * 1025, 0) == errno.EINVAL
    assert _errno(handle.read, 100, 0) == errno.EBADF


def test_long_records_are_cut():
    kmsg = Kmsg()
    kmsg.printk(Level.INFO, "x" * 5000)
    kmsg.printk(Level.INFO, "\xe9" * 600)
    assert kmsg.get(0).text == "x" * 1023
    assert len(os.fsencode(kmsg.get(1).text)) == 1023


@pytest.mark.parametrize("text", ["\udcff" * 1023, "\\" * 1023, "\n" * 1023])
def test_what_is_read_is_cut(text):
    """PRINTK_MESSAGE_MAX: dmesg(1) and journald have no more room than that."""
    kmsg = Kmsg()
    kmsg.printk(Level.INFO, text, dev_printk_info("remoteproc", "remoteproc0"))
    data = KmsgHandle(kmsg, os.O_RDONLY).read(2048, 0)
    assert len(data) == 2048
    escaped = b"\\x%02x" % os.fsencode(text[0])[0]
    assert data.split(b";", 1)[1].startswith(escaped * 500)


class Overtaken(Kmsg):
    """A log whose oldest record goes whenever a reader has asked which one that is."""

    @property
    def first_seq(self):
        oldest = super().first_seq
        if self.next_seq >= 4:
            self.printk(Level.INFO, "more")
        return oldest


@pytest.fixture
def overtaken():
    log = Overtaken(log_buf_len=4 * 32)
    for word in ("one", "two", "three", "four"):
        log.printk(Level.INFO, word)
    return log


def test_a_reader_that_is_overtaken_is_told_and_waits_for_nothing(overtaken):
    handle = KmsgHandle(overtaken, os.O_RDONLY)
    assert _errno(handle.read, 100, 0) == errno.EPIPE
    assert handle.read(100, 0).startswith(b"6,")


def test_a_reader_of_syslog_that_is_overtaken_gets_the_oldest(overtaken):
    assert Syslog(overtaken).call(Action.READ, 1000)[1].count(b"\n") == 4


# syslog(2)


@pytest.fixture
def syslog(kmsg):
    return Syslog(kmsg)


def test_lines_of_syslog(kmsg):
    kmsg.printk(Level.ERR, "two\nlines", facility=1)
    record = kmsg.get(3)
    stamp = f"[    0.{record.ts_usec:06}] "
    assert format_lines(record) == f"<11>{stamp}two\n<11>{stamp}lines\n".encode()


def test_read_all_and_clear(kmsg, syslog):
    result, data = syslog.call(Action.READ_ALL, 10000)
    assert result == len(data)
    assert [line.split(b"] ")[1] for line in data.splitlines()] == [b"one", b"two", b"three"]
    assert syslog.call(Action.READ_CLEAR, 10000)[1] == data
    assert syslog.call(Action.READ_ALL, 10000) == (0, b"")
    kmsg.printk(Level.INFO, "new")
    assert syslog.call(Action.READ_ALL, 10000)[1].endswith(b"] new\n")
    assert syslog.call(Action.CLEAR, 0) == (0, b"")
    assert syslog.call(Action.READ_ALL, 10000) == (0, b"")


def test_read_all_gives_the_newest_that_fit(syslog):
    one_line = len(syslog.call(Action.READ_ALL, 10000)[1].splitlines()[2]) + 1
    data = syslog.call(Action.READ_ALL, one_line + 5)[1]
    assert data.endswith(b"] three\n")
    assert data.count(b"\n") == 1


def test_read_consumes_in_pieces_and_waits(kmsg, syslog):
    whole = syslog.call(Action.READ_ALL, 10000)[1]
    assert syslog.call(Action.SIZE_UNREAD, 0)[0] == len(whole)
    pieces = [syslog.call(Action.READ, 10)[1] for _ in range(2)]
    rest = syslog.call(Action.READ, 10000)[1]
    assert b"".join([*pieces, rest]) == whole
    assert syslog.call(Action.SIZE_UNREAD, 0)[0] == 0
    with pytest.raises(WouldBlock) as caught:
        syslog.call(Action.READ, 10)
    assert caught.value.queue is kmsg.wait_queue
    kmsg.printk(Level.INFO, "new")
    assert syslog.call(Action.READ, 1000)[1].endswith(b"] new\n")


def test_read_goes_on_behind_what_was_overwritten(kmsg, syslog):
    syslog.call(Action.READ, 10)
    for number in range(6):
        kmsg.printk(Level.INFO, f"more {number}")
    data = syslog.call(Action.READ, 10000)[1]
    assert data.endswith(b"more 5\n")
    assert b"more 1" not in data


def test_read_gives_whole_records_unless_the_first_is_too_long(syslog):
    lines = syslog.call(Action.READ_ALL, 10000)[1].splitlines(keepends=True)
    assert syslog.call(Action.READ, len(lines[0]) + 5)[1] == lines[0]
    assert syslog.call(Action.READ, 5)[1] == lines[1][:5]
    assert syslog.call(Action.SIZE_UNREAD, 0)[0] == len(lines[1] + lines[2]) - 5
    assert syslog.call(Action.READ, 10000)[1] == lines[1][5:] + lines[2]


def test_the_other_actions(syslog):
    assert syslog.call(Action.SIZE_BUFFER, 0) == (LOG_BUF_LEN, b"")
    for action in (Action.OPEN, Action.CLOSE, Action.CONSOLE_ON, Action.CONSOLE_OFF):
        assert syslog.call(action, 0) == (0, b"")
    assert syslog.call(Action.CONSOLE_LEVEL, 4) == (0, b"")
    assert _errno(syslog.call, Action.CONSOLE_LEVEL, 9) == errno.EINVAL
    assert _errno(syslog.call, 11, 0) == errno.EINVAL
    assert _errno(syslog.call, Action.READ_ALL, -1) == errno.EINVAL

import pytest

from rprocfs.hw.arm.cmsdk_uart import CmsdkUart

DATA, STATE, CTRL, INT, BAUDDIV = 0, 4, 8, 12, 16


class Line:
    """What is at the other end."""

    def __init__(self):
        self.sent, self.room, self.levels = bytearray(), 100, []
        self.uart = CmsdkUart(self.take, lambda *lines: self.levels.append(lines))

    def take(self, byte):
        if self.room:
            self.room -= 1
            self.sent.append(byte)
            return True
        return False


@pytest.fixture
def line():
    return Line()


def read(line, offset):
    return line.uart.read(offset, 4)


def write(line, offset, value):
    line.uart.write(offset, 4, value)


def test_nothing_is_sent_before_it_is_enabled(line):
    write(line, DATA, ord("a"))
    assert (line.sent, read(line, STATE)) == (b"", 1)
    write(line, CTRL, 1)
    assert (line.sent, read(line, STATE)) == (b"a", 0)


def test_a_byte_waits_for_room(line):
    line.room = 1
    write(line, CTRL, 1)
    for byte in b"ab":
        write(line, DATA, byte)
    assert (line.sent, read(line, STATE)) == (b"a", 1)
    line.room = 1
    assert read(line, STATE) == 0
    assert line.sent == b"ab"


def test_sending_too_fast_is_an_overrun(line):
    line.room = 0
    write(line, CTRL, 1)
    for byte in b"ab":
        write(line, DATA, byte)
    assert read(line, STATE) == 1 | 4
    assert read(line, INT) == 4
    write(line, STATE, 4)
    write(line, INT, 4)
    assert (read(line, STATE), read(line, INT)) == (1, 0)


def test_receiving(line):
    line.uart.receive(1)
    assert (line.uart.ready, read(line, STATE)) == (False, 0)
    write(line, CTRL, 2)
    assert line.uart.ready
    line.uart.receive(0x55)
    assert (line.uart.ready, read(line, STATE), read(line, DATA)) == (False, 2, 0x55)
    assert (line.uart.ready, read(line, STATE), line.levels) == (True, 0, [])


def test_an_unread_byte_is_overrun(line):
    write(line, CTRL, 2)
    line.uart.receive(1)
    line.uart.receive(2)
    assert (read(line, STATE), read(line, INT), read(line, DATA)) == (2 | 8, 8, 2)


def test_interrupts_stay_until_they_are_cleared(line):
    write(line, CTRL, 1 | 2 | 4 | 8)
    line.uart.receive(1)
    assert line.levels == [(True, False)]
    read(line, DATA)
    assert line.levels == [(True, False)]
    write(line, INT, 2)
    write(line, DATA, 1)
    assert line.levels == [(True, False), (False, False), (False, True)]
    write(line, INT, 1)
    assert (line.levels[-1], read(line, INT)) == ((False, False), 0)


def test_who_it_is(line):
    assert [read(line, offset) for offset in range(0xFF0, 0x1000, 4)] == [0x0D, 0xF0, 0x05, 0xB1]
    write(line, BAUDDIV, 0xFFFFFF10)
    assert read(line, BAUDDIV) == 0xFFF10

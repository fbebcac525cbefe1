"""A device table, with devices of a test's own."""

import pytest

from rprocfs.hw.clock import Clock
from rprocfs.hw.peripherals import Wires, Words
from rprocfs.soc.table import Device, DevicePeripherals, alone


class Alarm(Words):
    """Rings *interrupt* at the time that is written to it."""

    limit = None

    def __init__(self, interrupt, now):
        super().__init__()
        self._interrupt, self._now = interrupt, now
        self.deadline, self.polled = None, 0

    def store(self, offset, value):
        self.deadline = value

    def advance(self):
        if self.deadline is not None and self._now() >= self.deadline:
            self.deadline = None
            self._interrupt(True)

    def poll(self):
        self.polled += 1


class Pair(Words):
    def __init__(self, soc, first, second):
        super().__init__({0: 7})
        self.alarm, self.lines = soc.named("ALARM", Alarm), (first, second)


DEVICES = (
    Device("ALARM", 0x1000, lambda soc, line: Alarm(line, soc.wires.now), 5),
    Device("PAIR", 0x2000, Pair, 6, 7),
    Device("WORDS", 0x3000, alone(Words, {0: 9})),
)


class Soc(DevicePeripherals):
    def __init__(self):
        self.time, self.lines = 0, []
        clock = Clock(lambda: self.time)
        super().__init__(Wires(None, None, clock, lambda *level: self.lines.append(level)), DEVICES)


def test_devices_are_where_the_table_says_and_know_those_before_them():
    soc = Soc()
    assert [soc.read(at, 4) for at in (0x1000, 0x2000, 0x3000)] == [0, 7, 9]
    assert soc.named("PAIR", Pair).alarm is soc.by_name["ALARM"]
    assert soc.ranges == ((0x1000, 0x1000), (0x2000, 0x1000), (0x3000, 0x1000))
    soc.named("PAIR", Pair).lines[1](True)
    assert soc.lines == [(7, True)]


def test_a_device_is_told_when_it_is_due():
    soc = Soc()
    assert soc.deadline is None
    soc.write(0x1000, 4, 100)
    assert soc.deadline == 100
    soc.poll()
    assert soc.lines == []
    soc.time = 100
    soc.poll()
    assert (soc.lines, soc.deadline) == ([(5, True)], None)
    assert soc.named("ALARM", Alarm).polled == 2


def test_a_device_that_is_something_else():
    with pytest.raises(AssertionError, match="WORDS is no Pair"):
        Soc().named("WORDS", Pair)

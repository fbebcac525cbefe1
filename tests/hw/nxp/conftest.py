"""A machine without an engine: its peripherals, and a clock that a test sets."""

import pytest

from rprocfs.hw.clock import Clock
from rprocfs.hw.peripherals import Wires
from rprocfs.soc.imx8m import IMX8MM, IMX8MN, IMX8MP, IMX8MQ


class Console:
    """Bytes that were sent, as long as there is *room*; bytes that come in."""

    def __init__(self):
        self.received, self.sent, self.room = bytearray(), bytearray(), 10**9

    def transmit(self, byte):
        if len(self.sent) >= self.room:
            return False
        self.sent.append(byte)
        return True


class Mailbox:
    """The same, with messages."""

    def __init__(self):
        self.received, self.sent, self.room = [], [], 10**9

    def send(self, channel, payload=b""):
        if len(self.sent) >= self.room:
            return False
        self.sent.append((channel, payload))
        return True


class Board:
    """The core's view: loads, stores, interrupt lines."""

    def __init__(self, machine):
        self.time, self.busy, self.lines = 1000, 0, set()
        self.deaths, self.debug, self.clocks = [], [], []
        self.console, self.mailbox = Console(), Mailbox()
        wires = Wires(
            self.console, self.mailbox, Clock(lambda: self.time, lambda: self.busy),
            self.set_line, self.clocks.append, lambda *why: self.deaths.append(why),
            self.debug.append,
        )  # fmt: skip
        self.all = machine.peripherals(wires)

    def set_line(self, irq, level):
        (self.lines.add if level else self.lines.discard)(irq)

    def __getitem__(self, address):
        return self.all.read(address, 4)

    def __setitem__(self, address, value):
        self.all.write(address, 4, value)

    def from_linux(self, channel, word):
        self.mailbox.received.append((channel, word.to_bytes(4, "little")))
        self.all.poll()

    def pass_us(self, microseconds):
        self.time += int(1000 * microseconds)
        self.all.poll()


@pytest.fixture(params=[IMX8MM, IMX8MN, IMX8MP, IMX8MQ], ids=lambda machine: machine.name)
def every(request):
    return Board(request.param)


@pytest.fixture
def board():
    return Board(IMX8MM)


@pytest.fixture
def quad():
    return Board(IMX8MQ)

"""A machine without an engine: its peripherals, and a clock that a test sets."""

import pytest

from rprocfs.hw.clock import Clock
from rprocfs.hw.peripherals import Wires
from rprocfs.soc.stm32mp1 import STM32MP157


class Stream:
    """Bytes that were sent, as long as there is *room*; bytes that come in."""

    def __init__(self):
        self.received, self.sent, self.room = bytearray(), bytearray(), 10**9

    def transmit(self, byte):
        if len(self.sent) >= self.room:
            return False
        self.sent.append(byte)
        return True


class Doorbell(Stream):
    """The same, on channels."""

    def __init__(self):
        super().__init__()
        self.received = []

    def send(self, channel, payload=b""):
        assert payload == b""
        return self.transmit(channel)


class Memory(bytearray):
    """The MCU SRAM."""

    def code(self, da, size):
        return bytes(self[da - 0x10000000 :][:size]) if da >= 0x10000000 else b""

    def put(self, da, data):
        at = da - 0x10000000
        if not 0 <= at <= len(self) - len(data):
            return False
        self[at : at + len(data)] = data
        return True


class Board:
    """The M4's view: loads, stores, interrupt lines."""

    def __init__(self):
        self.time, self.busy, self.lines = 1000, 0, set()
        self.deaths, self.debug, self.deep = [], [], False
        self.clocks = []
        self.console, self.mailbox, self.ram = Stream(), Doorbell(), Memory(0x60000)
        wires = Wires(
            self.console, self.mailbox, Clock(lambda: self.time, lambda: self.busy),
            self.set_line,
            self.clocks.append, lambda *why: self.deaths.append(why), self.debug.append,
            self.ram, lambda: self.deep,
        )  # fmt: skip
        self.all = STM32MP157.peripherals(wires)

    def set_line(self, irq, level):
        (self.lines.add if level else self.lines.discard)(irq)

    def __getitem__(self, address):
        return self.all.read(address, 4)

    def __setitem__(self, address, value):
        self.all.write(address, 4, value)

    def from_a7(self, channel):
        self.mailbox.received.append((channel, b""))
        self.all.poll()

    def pass_us(self, microseconds):
        self.time += int(1000 * microseconds)
        self.all.poll()


@pytest.fixture
def board():
    return Board()

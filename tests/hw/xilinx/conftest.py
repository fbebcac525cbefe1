"""A core's peripherals without an engine, and a clock that a test sets."""

import pytest

from rprocfs.hw.clock import Clock
from rprocfs.hw.peripherals import Wires
from rprocfs.soc.zynqmp import ZYNQMP_LOCKSTEP, ZYNQMP_SPLIT


class Console:
    """Bytes that were sent, as long as there is *room*; bytes that come in."""

    def __init__(self):
        self.received, self.sent, self.room = bytearray(), bytearray(), 10**9

    def transmit(self, byte):
        if len(self.sent) >= self.room:
            return False
        self.sent.append(byte)
        return True


class Doorbell:
    """The same, of messages."""

    def __init__(self):
        self.received, self.sent, self.room = [], [], 10**9

    def send(self, channel, payload=b""):
        if len(self.sent) >= self.room:
            return False
        self.sent.append((channel, tuple(payload)))
        return True


class Board:
    """The core's view: loads, stores, interrupt lines."""

    def __init__(self, machine, core):
        self.time, self.busy, self.lines = 1000, 0, set()
        self.deaths, self.debug = [], []
        self.console, self.doorbell = Console(), Doorbell()
        wires = Wires(
            self.console, self.doorbell, Clock(lambda: self.time, lambda: self.busy),
            self.set_line, die=lambda *why: self.deaths.append(why), debug=self.debug.append,
            core=core,
        )  # fmt: skip
        self.all = machine.peripherals(wires)

    def set_line(self, irq, level):
        (self.lines.add if level else self.lines.discard)(irq)

    def __getitem__(self, address):
        return self.all.read(address, 4)

    def __setitem__(self, address, value):
        self.all.write(address, 4, value)

    def rings(self, channel, *payload):
        self.doorbell.received.append((channel, bytes(payload)))
        self.all.poll()

    def pass_us(self, microseconds):
        self.time += int(1000 * microseconds)
        self.all.poll()


@pytest.fixture
def board():
    """Core 0, in split mode."""
    return Board(ZYNQMP_SPLIT, "r5f0")


@pytest.fixture
def boards():
    """By (machine, core)."""
    return {
        "split": Board(ZYNQMP_SPLIT, "r5f1"),
        "lockstep": Board(ZYNQMP_LOCKSTEP, "r5f0"),
    }

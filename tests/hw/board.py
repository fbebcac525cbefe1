"""A core's peripherals without an engine, and a clock that a test sets."""

from rprocfs.hw.clock import Clock
from rprocfs.hw.peripherals import Wires


class Stream:
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
        self.sent.append((channel, payload))
        return True


class Board:
    """The core's view: loads, stores, interrupt lines; *wired* is what else it is wired to."""

    def __init__(self, machine, doorbell=None, **wired):
        self.time, self.busy, self.lines = 1000, 0, set()
        self.deaths, self.debug, self.clocks = [], [], []
        self.console, self.doorbell = Stream(), doorbell or Doorbell()
        self.clock = Clock(lambda: self.time, lambda: self.busy)
        wires = Wires(
            self.console, self.doorbell, self.clock,
            self.set_line, self.clocks.append, lambda *why: self.deaths.append(why),
            self.debug.append, **wired,
        )  # fmt: skip
        self.all = machine.peripherals(wires)
        self.refused = {}  # by page: loads, stores
        self.all.refuse = lambda page, *kinds: self.refused.update({page: kinds})
        self.closed = []  # memory
        self.all.close = self.closed.append

    def set_line(self, irq, level):
        (self.lines.add if level else self.lines.discard)(irq)

    def __getitem__(self, address):
        return self.all.read(address, 4)

    def __setitem__(self, address, value):
        self.all.write(address, 4, value)

    def rings(self, channel, payload=b""):
        """The other side sends a message."""
        self.doorbell.received.append((channel, payload))
        self.all.poll()

    def pass_us(self, microseconds):
        """The core sleeps for so long."""
        self.time += int(1000 * microseconds)
        self.clock.slept += int(1000 * microseconds)
        self.all.poll()

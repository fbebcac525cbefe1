"""A machine without an engine: its peripherals, and a clock that a test sets."""

import pytest

from rprocfs.soc.stm32mp1 import STM32MP157
from tests.hw import board as common


class Doorbell(common.Stream):
    """Channels that were rung; what comes in has a payload, which is empty."""

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


class Board(common.Board):
    """The M4's view: the doorbell is the mailbox, and there is SRAM."""

    def __init__(self):
        self.ram, self.deep = Memory(0x60000), False
        super().__init__(STM32MP157, Doorbell(), memory=self.ram, deep=lambda: self.deep)
        self.mailbox = self.doorbell

    def from_a7(self, channel):
        self.rings(channel)


@pytest.fixture
def board():
    return Board()

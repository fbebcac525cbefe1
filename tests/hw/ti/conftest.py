"""A machine without an engine: its peripherals, and a clock that a test sets."""

import pytest

from rprocfs.soc.am62x import AM62X
from tests.hw import board as common


class Memory:
    """What the core has as memory."""

    def __init__(self):
        self.bytes = {}

    def code(self, da, size):
        return bytes(self.bytes.get(da + at, 0) for at in range(size))

    def put(self, da, data):
        self.bytes.update((da + at, byte) for at, byte in enumerate(data))
        return True


class Board(common.Board):
    """The low and the high half of the bus are where firmware for Linux has them."""

    RAT = 0x44200000

    def __init__(self):
        self.memory = Memory()
        super().__init__(AM62X, memory=self.memory)

    def region(self, number, local, bus, bits=28, high=0):
        base = self.RAT + 0x20 + 16 * number
        self[base] = 0
        self[base + 4], self[base + 8], self[base + 12] = local, bus, high
        self[base] = 1 << 31 | bits


@pytest.fixture
def board():
    made = Board()
    made.region(0, 0x80000000, 0)
    made.region(1, 0xB0000000, 0x20000000)
    made.region(2, 0xD0000000, 0x40000000)
    return made

"""A core's peripherals without an engine, and a clock that a test sets."""

import pytest

from rprocfs.soc.zynqmp import ZYNQMP_LOCKSTEP, ZYNQMP_SPLIT
from tests.hw import board as common


class Doorbell(common.Doorbell):
    """A payload is two agents."""

    def send(self, channel, payload=b""):
        return super().send(channel, tuple(payload))


class Memory:
    """DDR from 1 MiB on, 64 KiB of it, a TCM at 0, and the message buffers."""

    def __init__(self):
        self.banks = {0x0010_0000: bytearray(0x1_0000), 0: bytearray(0x1000)}
        self.banks[0xFF99_0000] = bytearray(0x1000)

    def code(self, da, size):
        for base, bank in self.banks.items():
            if base <= da < base + len(bank):
                return bytes(bank[da - base :][:size])
        return b""

    def put(self, da, data):
        if len(self.code(da, len(data))) < len(data):
            return False
        base = max(one for one in self.banks if one <= da)
        self.banks[base][da - base : da - base + len(data)] = data
        return True


class Board(common.Board):
    """The peripherals as *core* has them."""

    def __init__(self, machine, core):
        self.memory = Memory()
        super().__init__(machine, Doorbell(), core=core, memory=self.memory)

    def rings(self, channel, *payload):
        super().rings(channel, bytes(payload))


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

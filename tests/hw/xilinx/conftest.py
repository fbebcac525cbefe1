"""A core's peripherals without an engine, and a clock that a test sets."""

import pytest

from rprocfs.soc.zynqmp import ZYNQMP_LOCKSTEP, ZYNQMP_SPLIT
from tests.hw import board as common


class Doorbell(common.Doorbell):
    """A payload is two agents."""

    def send(self, channel, payload=b""):
        return super().send(channel, tuple(payload))


class Board(common.Board):
    """The peripherals as *core* has them."""

    def __init__(self, machine, core):
        super().__init__(machine, Doorbell(), core=core)

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

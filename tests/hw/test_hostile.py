"""Whatever is written to the registers of a device: its model raises nothing, and returns."""

import random

import pytest

from rprocfs.soc.am62x import AM62X
from rprocfs.soc.imx8m import IMX8MM, IMX8MN, IMX8MP, IMX8MQ
from rprocfs.soc.stm32mp1 import STM32MP157
from rprocfs.soc.vsoc import VSOC1
from rprocfs.soc.zynqmp import ZYNQMP_LOCKSTEP, ZYNQMP_SPLIT
from tests.hw.board import Board

MACHINES = (
    AM62X, IMX8MM, IMX8MN, IMX8MP, IMX8MQ, STM32MP157, VSOC1, ZYNQMP_LOCKSTEP, ZYNQMP_SPLIT,
)  # fmt: skip
CORES = [(machine, core) for machine in MACHINES for core in machine.cores]
ACCESSES = 300  # of each page
MEMORY = 0x8000_0000
DELAYS = (0, 0, 1, 50, 1_000, 1_000_000, 20_000_000)


class Ram:
    """64 KiB of random bytes at :data:`MEMORY`; elsewhere there is nothing."""

    def __init__(self, dice):
        self.bytes = bytearray(dice.randbytes(0x1_0000))

    def code(self, da, size):
        return bytes(self.bytes[da - MEMORY :][:size]) if da >= MEMORY else b""

    def put(self, da, data):
        at = da - MEMORY
        if not 0 <= at <= len(self.bytes) - len(data):
            return False
        self.bytes[at : at + len(data)] = data
        return True


class Hostile:
    """Loads and stores of all sizes, and time that passes, by *dice*."""

    def __init__(self, board, dice):
        self.board, self.dice, self.pages = board, dice, list(board.all.pages)

    def value(self):
        dice = self.dice
        kind = dice.randrange(6)
        if kind == 0:
            return dice.choice((0, 0xFFFF_FFFF))
        if kind == 1:
            return 1 << dice.randrange(32)
        if kind == 2:
            return MEMORY + dice.randrange(0x1_0000)
        if kind == 3:
            return dice.choice(self.pages) + dice.randrange(0x400)
        return dice.getrandbits(dice.choice((4, 8, 16, 32)))

    def access(self, page):
        dice, board = self.dice, self.board
        size = dice.choice((1, 2, 4, 4, 4))
        at = page + dice.randrange(0, dice.choice((0x40, 0x100, 0x1000)), size)
        if dice.random() < 0.25:
            value = board.all.read(at, size)
            assert 0 <= value < 1 << 8 * size, f"{at:#x} reads {value:#x}"
        else:
            board.all.write(at, size, self.value() & (1 << 8 * size) - 1)

    def outside(self):
        dice, board = self.dice, self.board
        board.console.room = len(board.console.sent) + dice.randrange(4)
        board.console.received += dice.randbytes(dice.randrange(3))
        board.busy += dice.choice(DELAYS)
        board.pass_us(dice.choice(DELAYS))


@pytest.mark.parametrize(("machine", "core"), CORES, ids=lambda one: getattr(one, "name", one))
def test_any_store_is_survived(machine, core):
    dice = random.Random(machine.name + core)
    board = Board(machine, memory=Ram(dice), core=core)
    hostile = Hostile(board, dice)
    for page in hostile.pages * 2:
        for _ in range(ACCESSES // 2):
            hostile.access(page if dice.random() < 0.8 else dice.choice(hostile.pages))
            if dice.random() < 0.2:
                hostile.outside()

"""A machine without an engine: its peripherals, and a clock that a test sets."""

import pytest

from rprocfs.soc.imx8m import IMX8MM, IMX8MN, IMX8MP, IMX8MQ
from tests.hw import board as common


class Ram:
    """DDR, and the TCM as the core of an 8M Mini sees it: what was written."""

    ranges = (range(0x1FFE0000, 0x20020000), range(0x80000000, 0x80010000))

    def __init__(self):
        self.bytes = {}

    def code(self, da, size):
        there = [at for at in range(da, da + size) if any(at in one for one in self.ranges)]
        return bytes(self.bytes.get(at, 0) for at in there)

    def put(self, da, data):
        if len(self.code(da, len(data))) < len(data):
            return False
        self.bytes.update(enumerate(data, da))
        return True


class Board(common.Board):
    """The doorbell is the mailbox."""

    def __init__(self, machine):
        self.ram = Ram()
        super().__init__(machine, memory=self.ram)
        self.mailbox = self.doorbell

    def from_linux(self, channel, word):
        self.rings(channel, word.to_bytes(4, "little"))


@pytest.fixture(params=[IMX8MM, IMX8MN, IMX8MP, IMX8MQ], ids=lambda machine: machine.name)
def every(request):
    return Board(request.param)


@pytest.fixture
def board():
    return Board(IMX8MM)


@pytest.fixture
def quad():
    return Board(IMX8MQ)

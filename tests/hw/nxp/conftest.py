"""A machine without an engine: its peripherals, and a clock that a test sets."""

import pytest

from rprocfs.soc.imx8m import IMX8MM, IMX8MN, IMX8MP, IMX8MQ
from tests.hw import board as common


class Board(common.Board):
    """The doorbell is the mailbox."""

    def __init__(self, machine):
        super().__init__(machine)
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

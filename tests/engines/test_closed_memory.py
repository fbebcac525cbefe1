"""What a bus closes: its edges, and the regions of an MPU that close the same."""

import random

import pytest

from rprocfs.arch.armv7m.mpu import EXECUTE, READ, WRITE
from rprocfs.arch.armv7m.stacks import BusError
from rprocfs.engines.unicorn.closed_memory import ALL, ClosedMemory
from rprocfs.hw.peripherals import Closed


class Ram:
    """Words that are their own addresses."""

    def __init__(self):
        self.stored = []

    def load(self, da, count):
        return range(da, da + 4 * count, 4)

    def store(self, da, words):
        self.stored.append((da, words))


@pytest.fixture
def memory():
    violations = []
    memory = ClosedMemory(Ram(), lambda *one: violations.append(one))
    memory.violations = violations
    return memory


def test_nothing_is_closed_at_first(memory):
    assert not memory
    assert memory.granule() == 4096
    assert memory.allowed(0x900000) == ALL
    assert list(memory.blocks()) == []
    assert memory.refused(0x900000, 4, WRITE) is None


def test_kinds_of_access(memory):
    memory.close([Closed(0x1000, 0x2000, True, False), Closed(0x1800, 0x3000, False, True)])
    assert [memory.allowed(at) for at in (0xFFF, 0x1000, 0x1800, 0x2000, 0x3000)] == [
        ALL, WRITE, 0, READ | EXECUTE, ALL,
    ]  # fmt: skip
    assert memory.refused(0xFFE, 4, READ) == 0x1000
    assert memory.refused(0x1000, 4, WRITE) is None
    assert memory.refused(0x17FE, 4, WRITE) == 0x1800
    assert memory.violations == [(0x1000, False), (0x1800, True)]


def test_stacks_and_vectors(memory):
    memory.close([Closed(0x1000, 0x2000, False, True)])
    assert list(memory.load(0x1000, 2)) == [0x1000, 0x1004]
    memory.store(0xFF8, [1, 2])
    with pytest.raises(BusError):
        memory.store(0xFF8, [1, 2, 3])
    assert memory.violations == [(0x1000, True)]


@pytest.mark.parametrize("seed", range(20))
def test_blocks_close_exactly_that(memory, seed):
    chance = random.Random(seed)
    closed = []
    for _ in range(chance.randrange(1, 4)):
        begin, end = sorted(chance.sample(range(0x100), 2))
        closed.append(Closed(begin << 7, end << 7, chance.random() < 0.7, chance.random() < 0.7))
    memory.close(closed)
    blocks = list(memory.blocks())
    for base, bits, _ in blocks:
        assert base % (1 << bits) == 0
        assert 1 << bits >= memory.granule()
    for at in range(0, 0x101 << 7, 1 << 7):
        found = [allowed for base, bits, allowed in blocks if base <= at < base + (1 << bits)]
        assert found == [memory.allowed(at)] * (memory.allowed(at) != ALL)


def test_all_of_it(memory):
    told = []
    memory.changed = lambda: told.append(bool(memory))
    memory.close([Closed(0, 1 << 32, True, True)])
    assert list(memory.blocks()) == [(0, 32, 0)]
    memory.close([])
    assert told == [True, False]

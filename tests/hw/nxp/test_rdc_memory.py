"""Memory regions of the RDC: MRSA, MREA, MRC and MRVS, by IMX8MMRM and IMX8MPRM."""

import pytest

from rprocfs.hw.peripherals import Closed
from rprocfs.soc.imx8m import IMX8MM, IMX8MN, IMX8MP, IMX8MQ
from tests.hw.nxp.conftest import Board

MDA1, REGIONS = 0x303D_0204, 0x303D_0800
ENA, LCK, OPEN = 1 << 30, 1 << 31, 0xFF
AD = 1 << 4
CLOSED, READ_ONLY, WRITE_ONLY = OPEN & ~0xC, OPEN & ~0x4, OPEN & ~0x8
OCRAM, ALIAS, K = 0x90_0000, 0x2020_0000, 1 << 10
#: The first regions of DDR, OCRAM and OCRAM_S, and the size of OCRAM, by ``rdc_mem_t``.
FIRST = {
    IMX8MM: (0, 24, 29, 256 * K), IMX8MN: (0, 16, 21, 512 * K),
    IMX8MP: (39, 12, 17, 576 * K), IMX8MQ: (0, 24, 29, 128 * K),
}  # fmt: skip


class Regions(Board):
    """A core in domain 1."""

    def __init__(self, machine):
        super().__init__(machine)
        self.ddr, self.ocram, self.ocram_s, self.size = FIRST[machine]
        self.shift = 1 if machine is IMX8MP else 0
        self[MDA1] = 1

    def at(self, number, word):
        return REGIONS + 0x10 * number + 4 * word

    def region(self, number, begin, end, policy):
        for word, value in enumerate((begin >> self.shift, end >> self.shift, policy)):
            self[self.at(number, word)] = value

    def violation(self, number):
        return self[self.at(number, 3)]


@pytest.fixture(params=list(FIRST), ids=lambda machine: machine.name)
def every(request):
    return Regions(request.param)


@pytest.mark.parametrize(
    ("policy", "kinds"),
    [(CLOSED, (True, True)), (READ_ONLY, (False, True)), (WRITE_ONLY, (True, False))],
)
def test_a_region_closes_its_memory_wherever_the_core_sees_it(every, policy, kinds):
    every.region(every.ocram, OCRAM, OCRAM + 0x4000, ENA | policy)
    assert every.closed == [[
        Closed(OCRAM, OCRAM + 0x4000, *kinds), Closed(ALIAS, ALIAS + 0x4000, *kinds)
    ]]  # fmt: skip
    every[every.at(every.ocram, 2)] = ENA | OPEN
    assert every.closed[-1] == []


def test_it_is_that_of_the_domain_that_the_core_is_in(every):
    every.region(every.ocram, OCRAM, OCRAM + 0x80 * 2, ENA | CLOSED)
    assert every.closed[-1]
    every[MDA1] = 2
    assert every.closed[-1] == []
    every[every.at(every.ocram, 2)] = ENA | OPEN & ~0x30
    assert every.closed[-1]


def test_a_region_does_nothing_outside_of_its_memory(every):
    every.region(every.ocram_s, OCRAM, OCRAM + 0x4000, ENA | CLOSED)
    every.region(every.ddr, OCRAM, OCRAM + 0x4000, ENA | CLOSED)
    every.region(every.ocram, 0x4000_0000, 0x4001_0000, ENA | CLOSED)
    assert not any(every.closed)
    every.region(every.ocram, 0, 0x4000_0000, ENA | CLOSED)
    assert Closed(OCRAM, OCRAM + every.size, True, True) in every.closed[-1]
    assert len(every.closed[-1]) == 2


@pytest.mark.parametrize("machine", [IMX8MM, IMX8MP])
def test_one_that_is_off_or_empty_does_nothing(machine):
    board = Regions(machine)
    board.region(board.ocram, OCRAM, OCRAM + 0x4000, CLOSED)
    board.region(board.ocram + 1, OCRAM, OCRAM, ENA | CLOSED)
    board.region(board.ocram + 2, OCRAM + 0x4000, OCRAM, ENA | CLOSED)
    assert not any(board.closed)


def test_ddr_is_closed_by_4_kib_and_seen_twice(every):
    every.region(every.ddr + 7, 0x4000_1F80, 0x4000_4080, ENA | CLOSED)
    assert every.closed[-1] == [
        Closed(0x4000_1000, 0x4000_4000, True, True), Closed(0x1000_1000, 0x1000_4000, True, True),
    ]  # fmt: skip


def test_the_first_violation_is_kept_until_it_is_cleared(every):
    first = every.ocram
    every.region(first, OCRAM, OCRAM + 0x4000, ENA | READ_ONLY)
    every.region(first + 1, OCRAM + 0x1000, OCRAM + 0x2000, ENA | CLOSED)
    every.all.violated(ALIAS + 0x1044, True)
    every.all.violated(OCRAM + 0x1100, False)
    every.all.violated(OCRAM + 0x80, True)
    kept = (OCRAM + 0x1044) >> every.shift & ~0x1F | AD | 1
    assert [every.violation(number) for number in range(first, first + 3)] == [kept, kept, 0]
    every[every.at(first, 3)] = 1
    assert every.violation(first) == kept
    every[every.at(first, 3)] = AD
    assert [every.violation(first), every.violation(first + 1)] == [0, kept]
    every.all.violated(OCRAM + 0x80, True)
    assert every.violation(first) == (OCRAM + 0x80) >> every.shift | AD | 1


def test_a_load_is_no_violation_of_a_region_that_can_be_read(every):
    every.region(every.ocram, OCRAM, OCRAM + 0x4000, ENA | READ_ONLY)
    every.region(every.ocram + 1, OCRAM, OCRAM + 0x4000, ENA | WRITE_ONLY)
    every.all.violated(OCRAM, False)
    assert [every.violation(every.ocram), every.violation(every.ocram + 1) & AD] == [0, AD]


def test_one_that_is_locked_can_only_be_enabled(every):
    first = every.ocram
    every.region(first, OCRAM, OCRAM + 0x4000, LCK | CLOSED)
    every.region(first, 0, 0, OPEN)
    assert every[every.at(first, 0)] == OCRAM >> every.shift
    assert every[every.at(first, 2)] == LCK | CLOSED
    assert not any(every.closed)
    every[every.at(first, 2)] = ENA | OPEN
    assert every[every.at(first, 2)] == LCK | ENA | CLOSED
    assert every.closed[-1]
    every[every.at(first, 2)] = 0
    assert len(every.closed) == 1
    every.all.violated(OCRAM, False)
    every[every.at(first, 3)] = AD
    assert every.violation(first) == 0


def test_bits_that_there_are_not_stay_zero(every):
    every.region(every.ddr, 0xFFFF_FFFF, 0xFFFF_FFFF, 0x3FFF_FF00)
    words = [every[every.at(every.ddr, word)] for word in range(3)]
    assert words == [0xFFFF_FFFF >> every.shift & ~0x7F] * 2 + [0]

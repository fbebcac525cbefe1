"""The DM timer, by the register descriptions of SPRUIV7: 25 MHz, 40 ns a count."""

import pytest

TIMER, IRQ = 0x84800000, 4
CFG, RAW, STATUS, SET, CLR = 0x10, 0x24, 0x28, 0x2C, 0x30
TCLR, TCRR, TLDR, TTGR, TWPS, TMAR, TSICR = 0x38, 0x3C, 0x40, 0x44, 0x48, 0x4C, 0x54
ST, AR, CE = 1, 2, 1 << 6
MAT, OVF = 1, 2
MILLISECOND = 25_000


@pytest.fixture
def timer(board):
    class Bench:
        def __getitem__(self, offset):
            return board[TIMER + offset]

        def __setitem__(self, offset, value):
            board[TIMER + offset] = value

    return Bench()


def periodic(timer, counts):
    timer[TLDR] = timer[TCRR] = 2**32 - counts
    timer[SET] = OVF
    timer[TCLR] = ST | AR


def test_it_counts_at_25_mhz_and_stops(board, timer):
    timer[TCLR] = ST
    board.pass_us(100)
    assert timer[TCRR] == 2500
    timer[TCLR] = 0
    board.pass_us(100)
    assert timer[TCRR] == 2500
    timer[TCRR] = 7
    assert timer[TCRR] == 7
    assert timer[TWPS] == 0


@pytest.mark.parametrize("ptv", range(8))
def test_the_prescaler(board, timer, ptv):
    timer[TCLR] = ST | 1 << 5 | ptv << 2
    board.pass_us(1024)
    assert timer[TCRR] == 25_600 >> ptv + 1


def test_an_overflow_interrupts_and_reloads(board, timer):
    periodic(timer, MILLISECOND)
    assert board.all.deadline == board.time + 1_000_000
    board.pass_us(999)
    assert IRQ not in board.lines
    board.pass_us(1)
    assert IRQ in board.lines
    assert (timer[RAW], timer[STATUS], timer[TCRR]) == (OVF, OVF, 2**32 - MILLISECOND)
    timer[STATUS] = OVF
    assert IRQ not in board.lines
    board.pass_us(1000)
    assert IRQ in board.lines


def test_no_tick_is_lost_by_a_late_core(board, timer):
    periodic(timer, MILLISECOND)
    ticks = 0
    board.pass_us(10_500)
    while IRQ in board.lines:
        ticks += 1
        timer[STATUS] = OVF
        board.all.poll()
    assert ticks == 10


def test_one_shot_stops_at_zero(board, timer):
    timer[TCRR] = 2**32 - 100
    timer[SET] = OVF
    timer[TCLR] = ST
    board.pass_us(5)
    assert IRQ in board.lines
    assert (timer[TCLR] & ST, timer[TCRR]) == (0, 0)


def test_a_match_interrupts_once_a_round(board, timer):
    timer[TMAR] = 250
    timer[SET] = MAT
    timer[TCLR] = ST | CE
    board.pass_us(9)
    assert IRQ not in board.lines
    board.pass_us(1)
    assert IRQ in board.lines
    timer[STATUS] = MAT
    board.pass_us(1000)
    assert IRQ not in board.lines
    assert timer[TCRR] == 250 + MILLISECOND


def test_enables_are_set_and_cleared_by_ones(board, timer):
    timer[SET] = OVF | MAT
    timer[CLR] = MAT
    assert timer[SET] == timer[CLR] == OVF
    timer[RAW] = OVF
    assert IRQ in board.lines
    timer[CLR] = OVF
    assert IRQ not in board.lines
    assert (timer[RAW], timer[STATUS]) == (OVF, 0)


def test_a_trigger_loads(board, timer):
    timer[TLDR] = 1234
    timer[TCLR] = ST
    board.pass_us(3)
    timer[TTGR] = 0
    assert timer[TCRR] == 1234


@pytest.mark.parametrize(("register", "bit"), [(CFG, 1), (TSICR, 2)])
def test_a_reset(board, timer, register, bit):
    periodic(timer, MILLISECOND)
    board.pass_us(1000)
    timer[register] = bit
    assert IRQ not in board.lines
    assert timer[register] & bit == 0
    assert (timer[TCLR], timer[TLDR], timer[TCRR], timer[RAW], timer[SET]) == (0, 0, 0, 0, 0)


def test_one_that_nobody_listens_to_passes_many_rounds(board, timer):
    timer[TLDR] = timer[TCRR] = 2**32 - 25
    timer[TCLR] = ST | AR
    board.pass_us(60_000_000)
    assert 2**32 - 25 <= timer[TCRR] < 2**32
    assert timer[RAW] == OVF

"""The triple timer counters, from UG1087, module TTC."""

import pytest

CLK, CNT, VAL, INTERVAL, MATCH, ISR, IER = 0, 0xC, 0x18, 0x24, 0x30, 0x54, 0x60
BASES = {0xFF11_0000: 68, 0xFF12_0000: 71, 0xFF13_0000: 74, 0xFF14_0000: 77}
BASE = 0xFF14_0000
PER_US = 100


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("index", range(3))
def test_an_interval(board, base, index):
    base, irq = base + 4 * index, BASES[base] + index
    assert board[base + CNT] == 0x21
    board[base + INTERVAL] = 10 * PER_US - 1
    board[base + IER] = 1
    board[base + CNT] = 0x32
    board.pass_us(4)
    assert board[base + VAL] == 4 * PER_US
    assert not board.lines
    board.pass_us(7)
    assert board.lines == {irq}
    assert board[base + VAL] == PER_US
    assert board[base + ISR] == 1
    assert not board.lines
    assert board[base + ISR] == 0


def test_no_interval_is_lost_that_was_not_seen(board):
    board[BASE + INTERVAL] = 1000 * PER_US - 1
    board[BASE + IER] = 1
    board[BASE + CNT] = 0x32
    board.time += 3_500_000
    seen = 0
    for _ in range(10):
        board.all.poll()
        seen += board[BASE + ISR] & 1
    assert seen == 3


def test_a_match_of_a_free_counter(board):
    board[BASE + MATCH] = 5 * PER_US
    board[BASE + IER] = 2
    board[BASE + CNT] = 0x38  # match, from the beginning
    board.pass_us(4)
    assert not board.lines
    board.pass_us(2)
    assert board[BASE + VAL] == 6 * PER_US
    assert board.lines == {77}
    assert board[BASE + ISR] == 2
    board[BASE + MATCH] = 20 * PER_US
    assert board.all.deadline == 1000 + 20_000


def test_a_counter_that_is_down(board):
    board[BASE + INTERVAL] = 10 * PER_US - 1
    board[BASE + CNT] = 0x36
    board.pass_us(3)
    assert board[BASE + VAL] == 7 * PER_US - 1


def test_the_prescaler_divides(board):
    board[BASE + CLK] = 3 << 1 | 1  # by 16
    board[BASE + CNT] = 0x30
    board.pass_us(16)
    assert board[BASE + VAL] == PER_US


def test_a_counter_that_is_stopped_keeps_its_count(board):
    board[BASE + CNT] = 0x30
    board.pass_us(5)
    board[BASE + CNT] = 0x21
    board.pass_us(5)
    assert board[BASE + VAL] == 5 * PER_US
    board[BASE + CNT] = 0x20
    board.pass_us(5)
    assert board[BASE + VAL] == 10 * PER_US


def test_status_without_an_interrupt(board):
    board[BASE + INTERVAL] = 10 * PER_US - 1
    board[BASE + CNT] = 0x32
    board.pass_us(25)
    assert board[BASE + ISR] == 1
    assert board[BASE + ISR] == 0
    assert not board.lines


def test_an_overflow(board):
    board[BASE + IER] = 1 << 4
    board[BASE + CNT] = 0x30
    board.pass_us((1 << 32) / PER_US - 1)
    assert not board.lines
    board.pass_us(2)
    assert board[BASE + ISR] == 1 << 4


@pytest.mark.parametrize("asked", [1, 2], ids=["interval", "match"])
def test_a_processor_that_is_far_behind_gets_one_interrupt_for_all(board, asked):
    board[BASE + INTERVAL] = 9  # ten million a second
    board[BASE + IER] = asked
    board[BASE + CNT] = 0x3A
    board.pass_us(20_000_000)
    assert board[BASE + ISR] & asked
    assert board.all.deadline > board.time

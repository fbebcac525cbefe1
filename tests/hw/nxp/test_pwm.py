"""The pulse width modulator, by the register descriptions of IMX8MMRM."""

import pytest

PWM3, IRQ = 0x30680000, 83
PWMCR, PWMSR, PWMIR, PWMSAR, PWMPR, PWMCNR = (PWM3 + at for at in range(0, 0x18, 4))
EN, SWR, ROOT, LOW = 1, 8, 2 << 16, 3 << 16
FE, ROV, CMP, FWE = 8, 16, 32, 64


def test_reset_ends(board):
    board[PWMCR] = SWR
    assert board[PWMCR] == 0
    assert board[PWMPR] == 0xFFFE


def test_samples_are_taken_once_a_period(board):
    """As the example of the SDK: 32768 Hz, a period of 32 counts, two empty places are told."""
    board[PWMCR] = LOW | 1 << 26
    board[PWMIR] = 1
    for sample in range(3):
        board[PWMSAR] = sample
    assert board[PWMSR] & 7 == 3
    board[PWMPR] = 30
    board[PWMCR] |= EN
    assert board[PWMSR] & 7 == 2  # the first one is taken at once
    board.pass_us(980)
    assert IRQ in board.lines
    assert board[PWMSAR] == 1
    assert board[PWMSR] & (FE | ROV | CMP) == FE | ROV | CMP
    board[PWMSAR] = 7
    board[PWMSR] = FE | ROV
    assert IRQ not in board.lines
    board.pass_us(980)
    assert board[PWMSAR] == 2
    assert IRQ in board.lines


def test_too_many_samples(board):
    for sample in range(5):
        board[PWMSAR] = sample
    assert board[PWMSR] & (FWE | 7) == FWE | 4
    board[PWMSR] = FWE
    assert board[PWMSR] == 4


def test_it_counts_by_its_root(board):
    board[PWMPR] = 0xFFFE
    board[PWMCR] = EN | ROOT | 23 << 4
    board.pass_us(1000)
    assert board[PWMCNR] == pytest.approx(1000, abs=1)


def test_nobody_looking_periods_pass(board):
    board[PWMPR], board[PWMIR] = 0, 2
    board[PWMCR] = EN | ROOT
    board.pass_us(3_000_000)
    assert IRQ in board.lines
    board[PWMSR] = ROV
    assert IRQ not in board.lines


def test_what_interrupts_already_is_not_waited_for(board):
    """A short period that nobody serves leaves the core its time."""
    others = board.all.deadline
    board[PWMPR] = 0
    board[PWMIR] = 2
    board[PWMCR] = ROOT | EN
    assert board.all.deadline != others
    board.pass_us(10)
    assert IRQ in board.lines
    assert board.all.deadline == others
    board[PWMSR] = ROV
    assert IRQ not in board.lines
    assert board.all.deadline != others


def test_the_longest_period_is_that_of_0xfffe(board):
    """A PWMPR of 0xffff does what 0xfffe does."""
    board[PWMPR], board[PWMSAR] = 0xFFFF, 1
    board[PWMCR] = EN | ROOT  # 24 MHz
    board.pass_us(2_730)
    assert board[PWMSR] & ROV == 0
    board.pass_us(1)
    assert board[PWMSR] & ROV

"""RM0436 chapter 51, as HAL_I2C_Master_Transmit() and HAL_I2C_IsDeviceReady() go through it."""

import pytest

CR1, CR2, ISR, ICR = 0x00, 0x04, 0x18, 0x1C
PE, NACKIE, STOPIE, START, TXE, NACKF, STOPF = 1, 16, 32, 1 << 13, 1, 16, 32
BASES = {
    0x40012000: 31, 0x40013000: 33, 0x40014000: 72, 0x40015000: 107, 0x5C002000: 95,
    0x5C009000: 135,
}  # fmt: skip


@pytest.mark.parametrize("at", BASES)
def test_nobody_answers(board, at):
    board[at + CR1] = PE
    assert board[at + ISR] == TXE
    board[at + CR2] = 0x02010000 | 0x3C | START
    assert board[at + ISR] == TXE | NACKF | STOPF
    assert board[at + CR2] == 0x02010000 | 0x3C
    board[at + ICR] = NACKF
    assert board[at + ISR] == TXE | STOPF
    board[at + ICR] = STOPF
    assert board[at + ISR] == TXE


@pytest.mark.parametrize(("at", "irq"), BASES.items())
def test_which_is_an_interrupt(board, at, irq):
    board[at + CR1] = PE | NACKIE | STOPIE
    board[at + CR2] = START
    assert board.lines == {irq}
    board[at + ICR] = NACKF
    assert board.lines == {irq}
    board[at + ICR] = STOPF
    assert board.lines == set()


def test_turned_off_it_forgets(board):
    at = 0x40012000
    board[at + CR2] = START
    assert board[at + ISR] == TXE
    board[at + CR1] = PE | NACKIE
    board[at + CR2] = START
    board[at + CR1] = NACKIE
    assert (board[at + ISR], board.lines) == (TXE, set())

"""RM0436 chapter 41, in the order of HAL_LPTIM_PWM_Start_IT()."""

import pytest

RCC, LPTIM1, LPTIM2 = 0x50000000, 0x40009000, 0x50021000
ISR, ICR, IER, CFGR, CR, CMP, ARR, CNT = range(0, 0x20, 4)
CMPM, ARRM, CMPOK, ARROK = 1, 2, 8, 16
BASES = {LPTIM1: 93, LPTIM2: 138, 0x50022000: 139, 0x50023000: 140, 0x50024000: 141}


@pytest.fixture(params=BASES)
def at(board, request):
    """At 1 MHz, 10 us, and a match at 4."""
    board[RCC + 0x048] = 0  # the HSI: 64 MHz
    board[RCC + 0x834] = board[RCC + 0x83C] = 0
    at = request.param
    board[at + CFGR] = 6 << 9
    board[at + CR] = 1
    board[at + ARR] = 9
    assert board[at + ISR] == ARROK
    board[at + CMP] = 4
    assert board[at + ISR] == ARROK | CMPOK
    board[at + ICR] = ARROK | CMPOK
    return at


def test_it_counts(board, at):
    board[at + CR] = 5
    assert board[at + CR] == 1
    seen = []
    for _ in range(12):
        seen.append(board[at + CNT])
        board.pass_us(1)
    assert seen == [*range(10), 0, 1]


def test_matches(board, at):
    board[at + CR] = 5
    board.pass_us(3)
    assert board[at + ISR] == 0
    board.pass_us(1)
    assert board[at + ISR] == CMPM
    board.pass_us(6)
    assert board[at + ISR] == CMPM | ARRM
    assert board.all.deadline is None


def test_interrupts(board, at):
    board[at + IER] = ARRM | CMPM
    board[at + CR] = 5
    assert board.all.deadline == board.time + 4000
    board.pass_us(4)
    assert board.lines == {BASES[at]}
    board[at + ICR] = CMPM
    assert (board.lines, board.all.deadline) == (set(), board.time + 6000)


def test_none_is_lost_while_nobody_looks(board, at):
    board[at + IER] = ARRM
    board[at + CR] = 5
    board.pass_us(35)
    taken = 0
    while board.lines:
        taken += 1
        board[at + ICR] = ARRM
        board.all.poll()
    assert taken == 3


def test_once(board, at):
    board[at + CR] = 3
    board.pass_us(100)
    assert (board[at + ISR], board[at + CNT]) == (CMPM | ARRM, 0)
    board[at + ICR] = CMPM | ARRM
    board[at + CR] = 3
    board.pass_us(100)
    assert board[at + ISR] == CMPM | ARRM


def test_pulses_that_never_come(board, at):
    board[at + CFGR] = 1 << 23
    board[at + CR] = 5
    board.pass_us(100)
    assert (board[at + CNT], board[at + ISR]) == (0, 0)


def test_turning_it_off(board, at):
    board[at + CR] = 5
    board.pass_us(3)
    assert board[at + CNT] == 3
    board[at + CR] = 0
    board.pass_us(30)
    assert (board[at + CNT], board[at + ISR]) == (0, 0)


@pytest.mark.parametrize(("select", "hz"), [(0, 16_000_000), (3, 32768), (4, 32000)])
def test_clocks(board, select, hz):
    board[RCC + 0x048] = 0
    board[RCC + 0x834] = 2
    board[RCC + 0x934] = select
    board[LPTIM1 + CR] = 1
    board[LPTIM1 + ARR] = 999
    board[LPTIM1 + IER] = ARRM
    board[LPTIM1 + CR] = 5
    assert board.all.deadline == board.time - (-1000 * 10**9 // hz)


def test_a_match_beyond_the_end_never_comes(board):
    board[LPTIM1 + CR] = 1
    board[LPTIM1 + ARR], board[LPTIM1 + CMP] = 9, 100
    board[LPTIM1 + CR] = 5
    board.pass_us(100)
    assert board[LPTIM1 + ISR] & (CMPM | ARRM) == ARRM

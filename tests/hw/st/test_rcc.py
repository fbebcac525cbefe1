"""RM0436 chapter 10, as HAL_RCC_GetSystemCoreClockFreq() and LL_AHB3_GRP1_EnableClock() use it."""

import pytest

RCC = 0x50000000


def test_linux_left_the_m4_at_209_mhz(board):
    assert board[RCC + 0x048] == 3 | 1 << 31
    assert board[RCC + 0x820] == 1 | 1 << 31
    m = (board[RCC + 0x884] >> 16 & 0x3F) + 1
    n = (board[RCC + 0x884] & 0x1FF) + 1 + (board[RCC + 0x88C] >> 3 & 0x1FFF) / 8192
    p = (board[RCC + 0x888] & 0x7F) + 1
    assert board.all.rcc.mcu_hz == int(24e6 / m * n / p) == 208877929


@pytest.mark.parametrize("setter", [0x180, 0x208, 0x280, 0x980, 0xA00, 0xA80, 0xAA0, 0xAB8, 0xB80])
def test_ones_set_and_ones_clear(board, setter):
    board[RCC + setter] = 0x1001
    board[RCC + setter] = 0x10
    assert board[RCC + setter] == board[RCC + setter + 4] == 0x1011
    board[RCC + setter + 4] = 0x11
    assert board[RCC + setter] == 0x1000


def test_a_byte_that_is_written_sets_nothing_else(board):
    board[RCC + 0xA80] = 0x100
    board.all.write(RCC + 0xA80, 1, 4)
    assert board[RCC + 0xA80] == 0x104
    board.all.write(RCC + 0xA84, 1, 4)
    assert board[RCC + 0xA80] == 0x100


@pytest.mark.parametrize(
    ("register", "bit", "ready"),
    [(0x080, 1, 2), (0x894, 1, 2), (0x140, 1, 4), (0x144, 1, 2)],
    ids=["pll1", "pll4", "lse", "lsi"],
)
def test_what_is_turned_on_is_ready(board, register, bit, ready):
    board[RCC + register] = bit
    assert board[RCC + register] == bit | ready
    board[RCC + register] = 0
    assert board[RCC + register] == 0


def test_oscillators(board):
    board[RCC + 0x010] = 0x111
    assert board[RCC + 0x808] & 0x111 == 0
    board[RCC + 0x00C] = 0x101
    assert board[RCC + 0x808] & 0x111 == 0x101


def test_the_clock_follows(board):
    board[RCC + 0x830] = 1
    board[RCC + 0x048] = 0
    board[RCC + 0x018] = 2
    board[RCC + 0x830] = 0
    assert board.clocks == [104438964, 32000000, 8000000, 16000000]
    board[RCC + 0x048] = 1
    assert board.all.rcc.mcu_hz == 24000000


def test_the_clock_of_timers(board):
    rcc = board.all.rcc
    assert rcc.timer_hz(0x834, 0x828) == rcc.mcu_hz
    board[RCC + 0x834] = 2
    assert rcc.timer_hz(0x834, 0x828) == rcc.mcu_hz // 2
    board[RCC + 0x828] = 1
    assert rcc.timer_hz(0x834, 0x828) == rcc.mcu_hz
    assert rcc.pclk1_hz == rcc.mcu_hz // 4


def test_the_reason_of_the_reset(board):
    assert board[RCC + 0xC00] == 1 << 5
    board[RCC + 0xC00] = 0x7FF
    assert board[RCC + 0xC00] == 0


def test_it_may_reset_itself(board):
    board[RCC + 0x404] = 1 << 1
    assert board.deaths == [("reset through the RCC", "fatal error")]

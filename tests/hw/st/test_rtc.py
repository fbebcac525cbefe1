"""RM0436 chapter 46, as HAL_RTC_Init(), _SetTime(), _SetDate() and _GetTime() go through it."""

import calendar

import pytest

from rprocfs.hw.st.rtc import Rtc

RTC, TAMP_BKP = 0x5C004000, 0x5C00A100
TR, DR, SSR, ICSR, PRER, CR, WPR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x18, 0x24
RSF, INITF, INIT = 1 << 5, 1 << 6, 1 << 7


class Host:
    """2026-11-23 06:42:05.25 UTC, a Monday."""

    now = calendar.timegm((2026, 11, 23, 6, 42, 5)) + 0.25


@pytest.fixture
def rtc():
    return Rtc(lambda: Host.now)


def test_the_time_of_the_host(rtc):
    assert (rtc.load(TR), rtc.load(DR)) == (0x064205, 0x26 << 16 | 1 << 13 | 0x1123)
    assert rtc.load(SSR) == 255 - 64


def test_the_loops_end(board):
    board[RTC + WPR], board[RTC + WPR] = 0xCA, 0x53
    assert board[RTC + ICSR] & (INITF | RSF) == RSF
    board[RTC + ICSR] = 0xFFFFFFFF
    assert board[RTC + ICSR] & INITF
    board[RTC + ICSR] = board[RTC + ICSR] & ~INIT
    assert board[RTC + ICSR] & (INITF | INIT) == 0
    board[RTC + ICSR] = board[RTC + ICSR] & ~RSF
    assert board[RTC + ICSR] & RSF


def test_what_is_off_can_be_written(board):
    assert board[RTC + ICSR] & 7 == 7
    for bit, flag in ((8, 1), (9, 2), (10, 4)):
        board[RTC + CR] = 1 << bit
        assert board[RTC + ICSR] & 7 == 7 - flag


@pytest.mark.parametrize(
    ("date", "clock"),
    [(0x000101, 0), (0x240229, 0x235959), (0x991231, 0x120000), (0x250301, 0x000001)],
)
def test_it_can_be_set(rtc, date, clock):
    rtc.store(ICSR, INIT)
    rtc.store(TR, clock)
    rtc.store(DR, date)
    assert (rtc.load(TR), rtc.load(DR)) == (clock, date)
    rtc.store(ICSR, 0)
    assert (rtc.load(TR), rtc.load(DR) & ~0xE000) == (clock, date)


def test_but_only_then(rtc):
    rtc.store(TR, 0)
    assert rtc.load(TR) == 0x064205


def test_one_alone_is_enough(rtc):
    rtc.store(ICSR, INIT)
    rtc.store(TR, 1 << 22 | 0x010203)
    rtc.store(ICSR, 0)
    assert (rtc.load(TR), rtc.load(DR) & 0xFFFF) == (0x130203, 1 << 13 | 0x1123)


@pytest.mark.parametrize("value", [0, 0xFFFFFFFF])
def test_nonsense(rtc, value):
    rtc.store(ICSR, INIT)
    rtc.store(TR, value)
    rtc.store(DR, value)
    rtc.store(ICSR, 0)
    assert rtc.load(TR) <= 0x235959


def test_backup_registers(board):
    board[TAMP_BKP + 4 * 19] = 0x12345678
    assert board[TAMP_BKP + 4 * 19] == 0x12345678

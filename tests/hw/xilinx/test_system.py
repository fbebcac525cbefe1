"""Clocks, resets, watchdogs, GPIO, and what has no model."""

import pytest

CRL, CRF, RPU, GPIO = 0xFF5E_0000, 0xFD1A_0000, 0xFF9A_0000, 0xFF0A_0000
SWDT = 0xFF15_0000


def test_plls_are_locked(board):
    assert board[CRL + 0x40] & 3 == 3
    assert board[CRF + 0x44] & 7 == 7
    board[CRL + 0x40] = 0
    assert board[CRL + 0x40] & 3 == 3


def hertz(board, pll, clock, divisors):
    """Of a clock that *pll* of 33.3 MHz drives, by the registers' fields."""
    control, divided = board[CRL + pll], board[CRL + clock]
    hz = 100_000_000 / 3 * (control >> 8 & 0x7F) / (2 if control >> 16 & 1 else 1)
    for at in divisors:
        hz /= divided >> at & 0x3F
    return round(hz)


def test_clocks_are_those_of_a_board(board):
    """IOPLL drives the UARTs, the slow bus of the timers, and the RPU."""
    assert hertz(board, 0x20, 0x74, (8, 16)) == 100_000_000
    assert hertz(board, 0x20, 0x78, (8, 16)) == 100_000_000
    assert hertz(board, 0x20, 0xAC, (8,)) == 100_000_000
    assert hertz(board, 0x20, 0x90, (8,)) == 500_000_000


def test_split_and_lockstep(boards):
    assert boards["split"][RPU] & 8
    assert not boards["lockstep"][RPU] & 8


@pytest.mark.parametrize(("offset", "value"), [(0x218, 1 << 4), (0x23C, 0x18_0001)])
def test_a_reset_ends_the_core(board, offset, value):
    board[CRL + offset] = value
    assert board.deaths == [("reset through CRL_APB", "fatal error")]


def test_the_reset_of_the_other_core_does_not(board):
    board[CRL + 0x23C] = 0x18_0002
    assert board.deaths == []


def test_a_watchdog_bites_unless_it_is_fed(board):
    board[SWDT + 4] = 0x248 << 14 | 1 << 2  # 8192 cycles of 8 of 100 MHz
    board[SWDT] = 0xABC << 12 | 3
    board.pass_us(600)
    board[SWDT + 8] = 0x1999
    board.pass_us(600)
    assert board.deaths == []
    board.pass_us(100)
    assert board.deaths == [("system watchdog", "watchdog")]
    assert board[SWDT + 0xC] == 1


def test_a_watchdog_may_interrupt(board):
    board[SWDT + 4] = 0x248 << 14
    board[SWDT] = 0xABC << 12 | 5
    board.pass_us(400)
    assert board.lines == {84}
    assert board.deaths == []


def test_a_watchdog_without_its_keys_stays_off(board):
    board[SWDT] = 3
    board.pass_us(10**9)
    assert board.deaths == []


def test_pins(board):
    board[GPIO + 0x204] = 1 << 3  # an output
    board[GPIO + 0x208] = 1 << 3
    board[GPIO] = 0xFFF7_0008  # MASK_DATA_0_LSW
    assert board[GPIO + 0x40] == 8
    assert board[GPIO + 0x60] == 8
    board[GPIO] = 0xFFFF_0000  # nothing is unmasked
    assert board[GPIO + 0x40] == 8
    board[GPIO + 4] = 0xFDFF_0200  # the upper half
    assert board[GPIO + 0x40] == 0x0200_0008
    assert board[GPIO + 0x20C] == 0x03FF_FFFF
    board[GPIO + 0x210] = 1
    assert board[GPIO + 0x20C] == 0x03FF_FFFE
    board[GPIO + 0x214] = 1
    assert board[GPIO + 0x20C] == 0x03FF_FFFF


def test_an_edge_of_a_pin_interrupts(board):
    """A rising one of pin 22, both of pin 78, which is the first of EMIO."""
    button, emio = board.all.inputs["GPIO/22"], board.all.inputs["GPIO/78"]
    assert board[GPIO + 0x21C] == 0x03FF_FFFF
    board[GPIO + 0x220] = 1 << 22
    board[GPIO + 0x210] = 1 << 22
    board[GPIO + 0x2E4], board[GPIO + 0x2D0] = 1, 1
    button.drive(1)
    assert (board[GPIO + 0x60], board[GPIO + 0x218]) == (1 << 22, 1 << 22)
    assert board.lines == {48}
    board[GPIO + 0x218] = 1 << 22
    assert board.lines == set()
    button.drive(0)
    assert board.lines == set()
    for level in (1, 0):
        emio.drive(level)
        assert (board[GPIO + 0x6C], board.lines) == (level, {48})
        board[GPIO + 0x2D8] = 1
        assert board.lines == set()


def test_a_level_of_a_pin_interrupts_as_long_as_it_lasts(board):
    board[GPIO + 0x21C] = 0x03FF_FFFF & ~1
    board[GPIO + 0x210] = 1
    assert board.lines == {48}  # it is low
    board[GPIO + 0x218] = 1
    assert board.lines == {48}
    board.all.inputs["GPIO/0"].drive(1)
    board[GPIO + 0x218] = 1
    assert board.lines == set()


def test_an_output_is_seen(board):
    pin = board.all.inputs["GPIO/3"]
    board[GPIO] = 0xFFF7_0008
    board[GPIO + 0x204] = 8
    assert pin.level == 0
    board[GPIO + 0x208] = 8
    assert pin.level == 1
    pin.drive(0)
    assert (pin.level, board[GPIO + 0x60]) == (1, 8)


def test_what_has_no_model_is_named_once(board):
    board[0xFF10_0010] = 5
    assert board[0xFF10_0010] == 5
    assert board.debug == ["no model of what is at 0xff100000"]

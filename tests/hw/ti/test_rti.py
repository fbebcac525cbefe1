"""The windowed watchdog, by SPRUIV7 and what Zephyr's wdt_ti_rti.c writes."""

import pytest

RTI = 0x04880000
DWDCTRL, DWDPRLD, WDSTATUS, WDKEY, DWDCNTR, WWDRXNCTRL, WWDSIZECTRL = range(0x90, 0xAC, 4)
ENABLE, DISABLED = 0xA98559DA, 0x5312ACED
BITES = [("watchdog", "watchdog")]


def feed(board):
    board[RTI + WDKEY] = 0xE51A
    board[RTI + WDKEY] = 0xA35C


def start(board, preload=3051, size=0x5, reaction=0xA):
    """3052 times 8192 counts of 25 MHz are a second, and 79 us."""
    board[RTI + WWDRXNCTRL] = reaction
    board[RTI + DWDPRLD] = preload
    board[RTI + WWDSIZECTRL] = size
    board[RTI + DWDCTRL] = ENABLE


def test_it_does_not_run_at_first(board):
    assert (board[RTI + DWDCTRL], board[RTI + DWDPRLD]) == (DISABLED, 0xFFF)
    board.pass_us(5_000_000)
    board[RTI + WDKEY] = 0
    assert (board.deaths, board[RTI + WDSTATUS]) == ([], 0)


@pytest.mark.parametrize("reaction", [0x5, 0xA])
def test_it_bites_unless_it_is_fed(board, reaction):
    start(board, reaction=reaction)
    for _ in range(3):
        board.pass_us(900_000)
        feed(board)
    board.pass_us(999_000)
    assert board.deaths == []
    board.pass_us(2_000)
    assert board.deaths == BITES
    assert board[RTI + WDSTATUS] & 0x32 == 0x32  # DWDST, END TIME VIOL, DWWD


def test_it_cannot_be_turned_off_and_a_wrong_key_bites(board):
    """wdt_disable() of Zephyr: it writes the other key, and then no key."""
    start(board)
    board[RTI + DWDCTRL] = DISABLED
    assert board[RTI + DWDCTRL] == ENABLE
    assert board.deaths == []
    board[RTI + WDKEY] = 0
    assert board.deaths == BITES
    assert board[RTI + WDSTATUS] & 4


def test_keys_in_the_wrong_order_bite(board):
    start(board)
    board[RTI + WDKEY] = 0xA35C
    assert board.deaths == BITES


def test_fed_before_its_window_opens_it_bites(board):
    start(board, size=0x50)
    board.pass_us(600_000)
    feed(board)
    assert board.deaths == []
    board.pass_us(400_000)
    feed(board)
    assert board.deaths == BITES
    assert board[RTI + WDSTATUS] & 8
    board[RTI + WDSTATUS] = 0x3F
    assert board[RTI + WDSTATUS] == 0


def test_the_counter_counts_down(board):
    start(board)
    assert board[RTI + DWDCNTR] == 3052 * 8192 - 1
    board.pass_us(500_000)
    assert board[RTI + DWDCNTR] == 3052 * 8192 - 1 - 12_500_000


def test_it_does_not_bite_one_that_could_not_execute(board):
    start(board)
    board.time += 5_000_000_000
    board.all.poll()
    assert board.deaths == []

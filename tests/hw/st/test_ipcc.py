"""RM0436 chapter 11: occupied, free, masks, of both processors."""

import pytest

IPCC = 0x4C001000
C1CR, C1MR, C1SCR, C1TOC2SR, C2CR, C2MR, C2SCR, C2TOC1SR = (IPCC + 4 * n for n in range(8))
RX, TX, ALL = 103, 104, 0x3F003F
RXOIE, TXFIE = 1, 1 << 16


def test_it_says_what_it_is(board):
    assert [board[IPCC + at] for at in (0x3F0, 0x3F4, 0x3FC)] == [6, 0x10, 0xA3C5DD01]
    assert (board[C2MR], board[C2CR], board[C1TOC2SR], board[C2SCR]) == (ALL, 0, 0, 0)


@pytest.mark.parametrize("channel", range(6))
def test_the_a7_occupies_a_channel_until_the_m4_frees_it(board, channel):
    board[C2CR], board[C2MR] = RXOIE, ALL & ~(1 << channel)
    board.from_a7(channel)
    assert board[C1TOC2SR] == 1 << channel
    assert RX in board.lines
    board[C2SCR] = 1 << channel
    assert (board[C1TOC2SR], board.lines) == (0, set())
    assert board.mailbox.sent == bytes([0x10 | channel])


def test_masked_or_off_is_no_interrupt(board):
    board[C2CR] = RXOIE
    board.from_a7(1)
    assert (board[C1TOC2SR], board.lines) == (2, set())
    board[C2MR] = ALL & ~2
    assert board.lines == {RX}
    board[C2CR] = 0
    assert board.lines == set()


def test_the_m4_sends_and_the_a7_takes_it_at_once(board):
    board[C2SCR] = 1 << 17
    assert (board[C2TOC1SR], board.mailbox.sent) == (0, b"\1")


def test_a_channel_stays_occupied_while_the_a7_does_not_listen(board):
    board.mailbox.room = 0
    board[C2CR], board[C2MR] = TXFIE, ALL & ~(1 << 16)
    board[C2SCR] = 1 << 16
    assert (board[C2TOC1SR], board.lines) == (1, set())
    board.mailbox.room = 9
    board.all.poll()
    assert (board[C2TOC1SR], board.lines, board.mailbox.sent) == (0, {TX}, b"\0")


def test_no_news_of_a_freed_channel_is_lost(board):
    board.mailbox.room = 0
    board.from_a7(2)
    board[C2SCR] = 1 << 2
    board.mailbox.room = 9
    board.all.poll()
    board.all.poll()
    assert board.mailbox.sent == b"\x12"


def test_clearing_a_free_channel_says_nothing(board):
    board[C2SCR] = 0x3F
    assert board.mailbox.sent == b""


def test_a_free_channel_that_is_unmasked_is_an_interrupt(board):
    board[C2CR] = TXFIE
    assert board.lines == set()
    board[C2MR] = ALL & ~(1 << 18)
    assert board.lines == {TX}
    board.all.poll()
    assert board.lines == {TX}
    board[C2MR] = ALL
    assert board.lines == set()
    board[C2CR], board[C2MR] = 0, ALL & ~(1 << 18)
    assert board.lines == set()


def test_it_ends_when_the_last_of_the_channels_is_masked_or_occupied(board):
    board.mailbox.room = 0
    board[C2CR], board[C2MR] = TXFIE, ALL & ~(3 << 16)
    board[C2MR] = ALL & ~(2 << 16)
    assert board.lines == {TX}
    board[C2SCR] = 2 << 16
    assert board.lines == set()


def test_one_that_is_never_masked_stops_nobody(board):
    """Zephyr before 3.3 does not mask it in its interrupt."""
    board[C2CR], board[C2MR] = TXFIE, ALL & ~(1 << 16)
    board.busy += 90_000
    board.all.poll()
    assert board.lines == {TX}
    board.busy += 20_000
    board.all.poll()
    assert board.lines == set()
    board[C2SCR] = 1 << 16
    assert board.lines == {TX}


def test_channels_that_there_are_not(board):
    for byte in (6, 15, 0x20, 255):
        board.from_a7(byte)
    board[C2SCR] = 0xFFC0FFC0
    assert (board[C1TOC2SR], board[C2TOC1SR], board.mailbox.sent) == (0, 0, b"")


def test_the_side_of_the_a7(board):
    board[C1SCR] = 1 << 19
    assert board[C1TOC2SR] == 8
    board[C1MR] = 0
    assert board[C1MR] == 0


def test_a_message_ends_a_deep_sleep(board):
    """As OpenAMP_TTY_echo_wakeup of STM32CubeMP1 has it: EXTI line 62, RCC_WAKEUP_IRQn."""
    rcc, exti = 0x50000000, 0x5000D000
    board[C2CR], board[C2MR] = RXOIE, ALL & ~2
    board.from_a7(1)
    board[C2SCR] = 2
    board.deep = True
    board.from_a7(1)
    assert board.lines == {RX}
    board[C2SCR] = 2
    board[exti + 0xD0] = 1 << 30
    board.from_a7(1)
    assert (board.lines, board[rcc + 0xC18]) == ({RX, 145}, 1 << 20)
    board[rcc + 0xC18] = 1 << 20
    assert (board.lines, board[rcc + 0xC18]) == ({RX}, 0)
    board.all.poll()
    assert board.lines == {RX}
    board[C2SCR] = 2
    board.deep = False
    board.from_a7(1)
    assert board.lines == {RX}


def test_a_message_that_waits_already_ends_it_as_well(board):
    board[C2CR], board[C2MR] = RXOIE, ALL & ~2
    board[0x5000D0D0] = 1 << 30
    board.from_a7(1)
    assert board.lines == {RX}
    board.deep = True
    board.all.poll()
    assert board.lines == {RX, 145}

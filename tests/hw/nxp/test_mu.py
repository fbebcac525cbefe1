"""The messaging unit, by the register descriptions of IMX8MMRM, and Linux's side of it."""

import pytest

from rprocfs.hw.nxp.mu import Mu, connect
from rprocfs.soc.imx8m_mailbox import ASLEEP, EMPTY, ENABLE, PATIENCE, RING, UP

SR, CR = 0x20, 0x24
MUB, IRQ = 0x30AB0000, 97
RF0, TE0, GIP0, GIR0 = 1 << 27, 1 << 23, 1 << 31, 1 << 19


class Side(Mu):
    def __init__(self):
        self.level = False
        super().__init__(self.tell)

    def tell(self, level):
        self.level = level

    def __getitem__(self, offset):
        return self.read(offset, 4)

    def __setitem__(self, offset, value):
        self.write(offset, 4, value)


@pytest.fixture
def sides():
    pair = Side(), Side()
    connect(*pair)
    return pair


def test_after_reset_it_is_empty(sides):
    for side in sides:
        assert (side[SR], side[CR]) == (0xF << 20, 0)


@pytest.mark.parametrize("channel", range(4))
def test_a_word_is_full_until_it_is_read(sides, channel):
    a, b = sides
    a[4 * channel] = 0x12345678
    assert b[SR] == 0xF << 20 | RF0 >> channel
    assert a[SR] == (0xF << 20) & ~(TE0 >> channel)
    assert a[4 * channel] == 0  # write only
    assert b[0x10 + 4 * channel] == 0x12345678
    assert (a[SR], b[SR]) == (0xF << 20, 0xF << 20)


@pytest.mark.parametrize("channel", range(4))
def test_each_condition_of_each_channel_interrupts(sides, channel):
    a, b = sides
    b[CR] = RF0 >> channel
    assert not b.level
    a[4 * channel] = 1
    assert b.level
    b[0x10 + 4 * channel]
    assert not b.level
    b[CR] = TE0 >> channel
    assert b.level
    b[4 * channel] = 1
    assert not b.level
    a[0x10 + 4 * channel]
    assert b.level
    b[CR] = GIP0 >> channel
    a[CR] = GIR0 >> channel
    assert b.level
    assert b[SR] & GIP0 >> channel
    assert a[CR] == GIR0 >> channel  # until the other side clears it
    b[SR] = GIP0 >> channel
    assert not b.level
    assert (a[CR], b[SR] & GIP0 >> channel) == (0, 0)


def test_flags_are_seen_on_the_other_side(sides):
    a, b = sides
    for flags in range(8):
        a[CR] = a[CR] & ~7 | flags
        assert (a[SR] & 7, b[SR] & 7) == (0, flags)


def test_a_reset_empties_both_sides(sides):
    a, b = sides
    a[0], b[4] = 1, 2
    b[CR] = RF0 | 5
    a[CR] = 1 << 5
    assert (a[SR], b[SR], b[CR]) == (0xF << 20, 0xF << 20, 0)


def test_a_byte_of_sr_clears_only_its_own(sides):
    a, b = sides
    a[CR] = 0xF << 16
    b.write(SR + 3, 1, 0x80)
    assert b[SR] >> 28 == 0x7


# Linux's side.


def test_words_from_linux_arrive_and_their_reading_is_told(every):
    every[MUB + CR] = RF0 >> 1
    assert every.mailbox.sent == [(UP, b"")]
    every.from_linux(1, 1 << 16)
    assert IRQ in every.lines
    assert every[MUB + 0x14] == 1 << 16
    assert IRQ not in every.lines
    assert every.mailbox.sent[1:] == [(EMPTY | 1, b"")]


def test_words_to_linux_wait_for_a_mailbox(board):
    board[MUB + 4] = 0x10000
    assert not board[MUB + SR] & TE0 >> 1
    board.from_linux(ENABLE, RF0 >> 1)
    assert board.mailbox.sent == [(1, b"\0\0\1\0")]
    assert board[MUB + SR] & TE0 >> 1


def test_words_on_a_channel_without_mailbox_stay_and_are_said_once(board):
    board.from_linux(ENABLE, RF0 >> 1)
    board[MUB] = 7
    board[MUB] = 8
    assert not board[MUB + SR] & TE0
    assert board.mailbox.sent == []
    assert board.debug == ["MU: a word on channel 0, which Linux has no mailbox for"]


def test_a_word_that_came_before_the_mailboxes_is_said_too(board):
    board[MUB] = 7
    assert board.debug == []
    board.from_linux(ENABLE, RF0 >> 1)
    assert board.debug == ["MU: a word on channel 0, which Linux has no mailbox for"]


def test_rings_both_ways(board):
    board.from_linux(ENABLE, GIP0 >> 3)
    board[MUB + CR] = GIR0 >> 3
    assert board.mailbox.sent == [(RING | 3, b"")]
    assert board[MUB + CR] == 0
    board.from_linux(RING | 0, 0)
    assert board[MUB + SR] & GIP0


def test_nothing_is_lost_without_room(board):
    board.from_linux(ENABLE, RF0 | RF0 >> 1)
    board.mailbox.room = 0
    board[MUB], board[MUB + 4] = 1, 2
    assert board[MUB + SR] & (TE0 | TE0 >> 1) == 0
    board.mailbox.room = 10
    board.pass_us(1)
    assert [channel for channel, _ in board.mailbox.sent] == [0, 1]
    assert board[MUB + SR] >> 20 & 0xF == 0xF


def test_a_core_that_does_not_listen_is_up_after_a_while(board):
    board.pass_us(PATIENCE / 1000 + 1)
    assert board.mailbox.sent == []  # it has executed nothing yet: its host is busy
    board.busy = PATIENCE
    assert board.all.deadline <= board.time + PATIENCE
    board.pass_us(PATIENCE / 1000)
    assert board.mailbox.sent == [(UP, b"")]
    board[MUB + CR] = RF0
    assert board.mailbox.sent == [(UP, b"")]


def test_a_core_that_sleeps_is_up(board):
    for _ in range(ASLEEP // PATIENCE):
        assert board.mailbox.sent == []
        board.pass_us(PATIENCE / 1000 + 1)
    assert board.mailbox.sent == [(UP, b"")]

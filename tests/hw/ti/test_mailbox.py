"""The mailbox, by the register descriptions of SPRUIV7, and Linux's side of it."""

import pytest

from rprocfs.hw.ti.omap_mailbox import DEPTH, FIFOS, USERS, OmapMailbox
from rprocfs.soc.k3_mailbox import ENABLE, MESSAGE, TAKEN

BASE, IRQ = 0xB9000000, 50


def message(fifo):
    return 0x40 + 4 * fifo


def fifostatus(fifo):
    return 0x80 + 4 * fifo


def msgstatus(fifo):
    return 0xC0 + 4 * fifo


def irq(user, which):
    """RAW, CLR, ENABLE_SET, ENABLE_CLR."""
    return 0x100 + 0x10 * user + 4 * which


class Mailbox(OmapMailbox):
    def __init__(self):
        self.levels = {}
        super().__init__({user: self.tell(user) for user in range(USERS)})

    def tell(self, user):
        return lambda level: self.levels.__setitem__(user, level)

    def __getitem__(self, offset):
        return self.read(offset, 4)

    def __setitem__(self, offset, value):
        self.write(offset, 4, value)


@pytest.mark.parametrize("fifo", range(FIFOS))
def test_a_fifo_keeps_its_order_and_has_four_words(fifo):
    mailbox = Mailbox()
    for number in range(DEPTH):
        assert (mailbox[msgstatus(fifo)], mailbox[fifostatus(fifo)]) == (number, 0)
        mailbox[message(fifo)] = 0x11111111 * (number + 1)
    assert (mailbox[msgstatus(fifo)], mailbox[fifostatus(fifo)]) == (DEPTH, 1)
    mailbox[message(fifo)] = 5  # there is no room
    assert [mailbox[message(fifo)] for _ in range(DEPTH)] == [
        0x11111111, 0x22222222, 0x33333333, 0x44444444
    ]  # fmt: skip
    assert (mailbox[message(fifo)], mailbox[msgstatus(fifo)]) == (0, 0)
    assert all(mailbox[msgstatus(other)] == 0 for other in range(FIFOS))


@pytest.mark.parametrize("user", range(USERS))
@pytest.mark.parametrize("fifo", [0, 1, 15])
def test_a_message_interrupts_the_user_that_wants_it(user, fifo):
    mailbox = Mailbox()
    bit = 1 << 2 * fifo
    mailbox[irq(user, 2)] = bit
    assert mailbox[irq(user, 2)] == mailbox[irq(user, 3)] == bit
    assert not mailbox.levels[user]
    mailbox[message(fifo)] = 1
    assert mailbox.levels == {number: number == user for number in range(USERS)}
    assert mailbox[irq(user, 1)] == bit
    assert mailbox[irq((user + 1) % USERS, 1)] == 0  # not enabled there
    assert mailbox[irq((user + 1) % USERS, 0)] & bit  # but seen
    mailbox[irq(user, 1)] = bit  # as long as there is one, it cannot be acknowledged
    assert mailbox.levels[user]
    mailbox[message(fifo)]
    assert not mailbox.levels[user]


def test_a_message_that_was_read_is_pending_until_it_is_acknowledged():
    """omap-mailbox.c reads all, then acknowledges."""
    mailbox = Mailbox()
    mailbox[irq(2, 2)] = 4
    mailbox[message(1)] = 1
    mailbox[message(1)]
    assert mailbox.levels[2]
    mailbox[irq(2, 1)] = 4
    assert not mailbox.levels[2]
    mailbox[irq(2, 0)] = 4  # for debugging: as if
    assert mailbox.levels[2]
    mailbox[irq(2, 3)] = 4
    assert not mailbox.levels[2]


def test_room_interrupts():
    mailbox = Mailbox()
    mailbox[irq(0, 2)] = 2 << 2 * 3
    assert mailbox.levels[0]
    for word in range(DEPTH):
        mailbox[message(3)] = word
    assert not mailbox.levels[0]
    mailbox[message(3)]
    assert mailbox.levels[0]


def test_a_reset_empties_all():
    mailbox = Mailbox()
    mailbox[irq(2, 2)] = 1
    mailbox[message(0)] = 1
    mailbox[0x10] = 1
    assert (mailbox[msgstatus(0)], mailbox[irq(2, 2)], mailbox.levels[2]) == (0, 0, False)
    assert mailbox[0x10] == 0


# Linux's side.


def test_words_of_linux_arrive_in_order_and_their_reading_is_told(board):
    board[BASE + irq(2, 2)] = 4
    board.rings(ENABLE, bytes((0, 1)))
    for word in (7, 0xFFFFFF03):
        board.rings(MESSAGE, word.to_bytes(4, "little"))
    assert IRQ in board.lines
    assert board[BASE + msgstatus(1)] == 2
    assert board[BASE + message(1)] == 7
    assert board.doorbell.sent == [(TAKEN, b"")]
    assert board[BASE + message(1)] == 0xFFFFFF03
    board[BASE + irq(2, 1)] = 4
    assert IRQ not in board.lines
    assert board.doorbell.sent == [(TAKEN, b"")] * 2


def test_words_for_linux_wait_until_it_is_there(board):
    for word in (1, 2, 3):
        board[BASE + message(0)] = word
    assert board[BASE + msgstatus(0)] == 3
    assert board.doorbell.sent == []
    board.rings(ENABLE, bytes((0, 1)))
    assert board.doorbell.sent == [(MESSAGE, bytes((word, 0, 0, 0))) for word in (1, 2, 3)]
    assert board[BASE + msgstatus(0)] == 0


def test_nothing_is_lost_without_room(board):
    board.rings(ENABLE, bytes((0, 1)))
    board.rings(MESSAGE, bytes(4))
    board.doorbell.room = 0
    for word in range(DEPTH):
        board[BASE + message(0)] = word
    assert board[BASE + fifostatus(0)] == 1
    board[BASE + message(1)]
    board.doorbell.room = 100
    board.pass_us(1)
    assert [payload[0] for channel, payload in board.doorbell.sent if channel == MESSAGE] == [
        0, 1, 2, 3
    ]  # fmt: skip
    assert board.doorbell.sent.count((TAKEN, b"")) == 1


def test_words_that_linux_does_not_read_stay_and_are_said_once(board):
    board.rings(ENABLE, bytes((0, 1)))
    board[BASE + message(4)] = 1
    board[BASE + message(4)] = 2
    assert board[BASE + msgstatus(4)] == 2
    assert board.doorbell.sent == []
    assert board.debug == ["mailbox: a word in FIFO 4, which Linux does not read"]


@pytest.mark.parametrize("payload", [b"", b"\0", bytes((0, 16)), b"\0\1\2"])
def test_a_message_that_makes_no_sense(board, payload):
    board.rings(ENABLE, payload)
    board.rings(MESSAGE, bytes(4))
    assert board[BASE + msgstatus(1)] == 0

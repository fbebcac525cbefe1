"""Drivers of Zephyr, access by access, with the regions that soc/ti/k3's soc.c makes of the RAT."""

import pytest

from rprocfs.soc.k3_mailbox import ENABLE, MESSAGE
from tests.hw.ti.conftest import Board

MAILBOX, UART = 0xC9000000, 0x64A00000
STATUS, ENABLED, NEW_MSG_1 = MAILBOX + 0x124, MAILBOX + 0x128, 1 << 2
RHR, IER, IIR, LCR, MCR, LSR, MDR1 = (UART + at for at in (0, 4, 8, 0xC, 0x10, 0x14, 0x20))


@pytest.fixture
def board():
    made = Board()
    made.region(0, 0x60000000, 0)
    made.region(1, 0xC0000000, 0x20000000, bits=29)
    made.region(2, 0x70000000, 0x40000000)
    return made


def omap_mailbox_isr(board):
    """One word; IRQENABLE_SET is written with zeros, which masks nothing."""
    flags, enabled = board[STATUS], board[ENABLED]
    board[ENABLED] = 0
    word = board[MAILBOX + 0x44] if flags & NEW_MSG_1 else None
    board[STATUS] = flags
    board[ENABLED] = enabled
    return word


def test_mbox_ti_omap_gets_each_word_and_sends_one(board):
    board.rings(ENABLE, bytes((0, 1)))
    board[ENABLED] |= NEW_MSG_1
    for word in (0xFFFFFF03, 1):
        board.rings(MESSAGE, word.to_bytes(4, "little"))
    words = []
    while board.lines:
        words.append(omap_mailbox_isr(board))
    assert words == [0xFFFFFF03, 1]
    assert board[MAILBOX + 0x80] == 0  # there is room
    board[MAILBOX + 0x40] = 0
    assert board.doorbell.sent[-1] == (MESSAGE, bytes(4))


def test_a_shell_on_uart_ns16550(board):
    """Set up, polled output, input by interrupts below the trigger of the FIFO, and output."""
    read, write = board.all.read, board.all.write
    write(MDR1, 1, read(MDR1, 1) & ~7)
    write(LCR, 1, 0x80)
    write(RHR, 1, 26)
    write(IER, 1, 0)
    write(LCR, 1, 3)
    write(MCR, 1, 0xB)
    write(IIR, 1, 0x87)
    read(RHR, 1)
    for byte in b"uart:~$ ":
        assert read(LSR, 1) & 0x20
        write(RHR, 1, byte)
    assert board.console.sent == b"uart:~$ "
    write(IER, 1, 1)
    board.console.received += b"help\n"
    board.all.poll()
    got = bytearray()
    while board.lines:
        assert read(IIR, 1) & 7 == 4  # IIR_RBRF, and that one is pending
        while read(LSR, 1) & 1:
            got.append(read(RHR, 1))
    assert got == b"help\n"
    write(IER, 1, 3)
    assert board.lines and read(IIR, 1) & 7 == 2  # IIR_THRE
    write(IER, 1, 1)
    assert not board.lines

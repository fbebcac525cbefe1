"""The PL390, from the register descriptions of IHI 0048A and DDI 0416."""

import pytest

from rprocfs.hw.arm.gic import SPURIOUS, Gic

DIST, CPU = 0xF900_0000, 0xF900_1000
CTLR, TYPER, ENABLE, DISABLE, PEND, UNPEND, ACTIVE = 0, 4, 0x100, 0x180, 0x200, 0x280, 0x300
PRIORITY, TARGET, CONFIG, SGI = 0x400, 0x800, 0xC00, 0xF00
ICR, PMR, BPR, IAR, EOIR, RPR, HPPIR = 0, 4, 8, 0xC, 0x10, 0x14, 0x18
UART = 53


class Board:
    def __init__(self, number=0):
        self.gic = Gic(DIST, 192, number, 2)
        self[CPU + PMR], self[CPU + ICR], self[DIST + CTLR] = 0xFF, 1, 1
        for irq in (UART, UART + 1):
            self.byte(TARGET + irq, 1 << number)
            self[DIST + ENABLE + 4] = 1 << irq - 32

    def __getitem__(self, address):
        return self.gic.read(address, 4)

    def __setitem__(self, address, value):
        self.gic.write(address, 4, value)

    def byte(self, offset, value):
        self.gic.write(DIST + offset, 1, value)

    def ack(self):
        return self[CPU + IAR]


@pytest.fixture
def board():
    return Board()


def test_a_level_is_pending_until_it_falls(board):
    board.gic.set_line(UART, True)
    assert board.gic.irq
    assert board.ack() == UART
    assert not board.gic.irq
    assert board[DIST + ACTIVE + 4] == 1 << UART - 32
    board[CPU + EOIR] = UART
    assert board.gic.irq  # still high
    board.gic.set_line(UART, False)
    assert not board.gic.irq
    assert board.ack() == SPURIOUS


def test_an_edge_is_pending_until_it_is_acknowledged(board):
    board[DIST + CONFIG + 4 * (UART // 16)] = 2 << 2 * (UART % 16)
    board.gic.set_line(UART, True)
    board.gic.set_line(UART, False)
    assert board.gic.irq
    assert board.ack() == UART
    board[CPU + EOIR] = UART
    assert not board.gic.irq


def test_the_highest_priority_is_first_and_preempts(board):
    board.byte(PRIORITY + UART, 0xA0)
    board.byte(PRIORITY + UART + 1, 0x40)
    board.gic.set_line(UART, True)
    assert board.ack() == UART
    assert board[CPU + RPR] == 0xA0
    board.gic.set_line(UART + 1, True)
    assert board.gic.irq
    assert board.ack() == UART + 1
    assert board[CPU + RPR] == 0x40
    board.gic.set_line(UART + 1, False)
    board[CPU + EOIR] = UART + 1
    assert board[CPU + RPR] == 0xA0
    assert not board.gic.irq
    board[CPU + EOIR] = UART
    assert board[CPU + RPR] == 0xFF


def test_the_same_priority_does_not_preempt_and_the_lower_number_is_first(board):
    board.gic.set_line(UART + 1, True)
    board.gic.set_line(UART, True)
    assert board.ack() == UART
    assert not board.gic.irq
    board.gic.set_line(UART, False)
    board[CPU + EOIR] = UART
    assert board.ack() == UART + 1


def test_the_binary_point_groups_priorities(board):
    board[CPU + BPR] = 7  # no group at all
    board.byte(PRIORITY + UART, 0xA0)
    board.byte(PRIORITY + UART + 1, 0x40)
    board.gic.set_line(UART, True)
    assert board.ack() == UART
    board.gic.set_line(UART + 1, True)
    assert not board.gic.irq
    board[CPU + BPR] = 0
    assert board[CPU + BPR] == 2
    assert board.gic.irq


def test_the_priority_mask(board):
    board.byte(PRIORITY + UART, 0x80)
    board.gic.set_line(UART, True)
    board[CPU + PMR] = 0x80
    assert not board.gic.irq
    assert board[CPU + HPPIR] == UART
    board[CPU + PMR] = 0x88
    assert board.gic.irq


def test_five_bits_of_priority_are_kept(board):
    board.byte(PRIORITY + 100, 0xFF)
    assert board[DIST + PRIORITY + 100] == 0xF8
    assert board[CPU + PMR] == 0xF8


def test_an_interrupt_goes_to_its_targets_only():
    board = Board(number=1)
    board.gic.set_line(UART, True)
    assert board.gic.irq
    board.byte(TARGET + UART, 1)
    assert not board.gic.irq
    assert board[DIST + TARGET] == 0x0202_0202  # those of SGIs say who reads
    assert board[DIST + TYPER] == 0x25


def test_software_interrupts(board):
    board[DIST + ENABLE] = 1 << 3
    board[DIST + SGI] = 2 << 24 | 3
    assert board.ack() == 3
    board[CPU + EOIR] = 3
    board[DIST + SGI] = 1 << 16 | 3  # to CPU 0
    assert board.ack() == 3
    board[CPU + EOIR] = 3
    board[DIST + SGI] = 1 << 24 | 3  # to all others
    board[DIST + SGI] = 2 << 16 | 3  # to CPU 1
    assert not board.gic.irq


def test_pending_by_software(board):
    board[DIST + PEND + 4] = 1 << UART - 32
    assert board.gic.irq
    board[DIST + UNPEND + 4] = 1 << UART - 32
    assert not board.gic.irq


def test_what_is_disabled_is_not_signalled(board):
    board.gic.set_line(UART, True)
    board[DIST + DISABLE + 4] = 1 << UART - 32
    assert not board.gic.irq
    assert board[DIST + PEND + 4] == 1 << UART - 32
    board[DIST + ENABLE + 4] = 1 << UART - 32
    assert board.gic.irq
    board[CPU + ICR] = 0
    assert not board.gic.irq
    board[CPU + ICR] = 1
    board[DIST + CTLR] = 0
    assert not board.gic.irq

"""Inter-processor interrupts, from UG1087, module IPI."""

import pytest

from rprocfs.hw.xilinx.ipi import BASES, BITS, CLEAR, TRIGGER, UNMASK, request

TRIG, OBS, ISR, IMR, IER, IDR = 0, 4, 0x10, 0x14, 0x18, 0x1C
RPU0, RPU1, PMU0, LINUX = 1, 2, 3, 7


def test_this_core_triggers_linux(board):
    base = BASES[RPU0]
    board[base + TRIG] = BITS[LINUX]
    assert board.doorbell.sent == [(TRIGGER, (RPU0, LINUX))]
    assert board[base + OBS] == BITS[LINUX]
    board.rings(CLEAR, LINUX, RPU0)
    assert board[base + OBS] == 0


def test_linux_triggers_this_core(board):
    base = BASES[RPU0]
    assert board[base + IMR] == 0x0F0F_0301
    board.rings(TRIGGER, LINUX, RPU0)
    assert board[base + ISR] == BITS[LINUX]
    assert not board.lines
    board[base + IER] = BITS[LINUX]
    assert board.lines == {65}
    assert board[base + IMR] == 0x0E0F_0301
    board[base + ISR] = BITS[LINUX]
    assert not board.lines
    assert board[base + ISR] == 0
    assert board.doorbell.sent == [(UNMASK, (RPU0, LINUX)), (CLEAR, (RPU0, LINUX))]
    board[base + IDR] = BITS[LINUX]
    assert board[base + IMR] == 0x0F0F_0301


def test_the_second_core_has_a_channel_of_its_own(boards):
    board = boards["split"]
    board[BASES[RPU1] + IER] = BITS[RPU0]
    board.rings(TRIGGER, RPU0, RPU1)
    assert board.lines == {66}
    board[BASES[RPU1] + TRIG] = BITS[RPU0]
    assert board.doorbell.sent == [(TRIGGER, (RPU1, RPU0))]


def test_a_core_triggers_itself(board):
    base = BASES[RPU0]
    board[base + IER] = BITS[RPU0]
    board[base + TRIG] = BITS[RPU0]
    assert board.lines == {65}
    assert board[base + OBS] == BITS[RPU0]
    board[base + ISR] = BITS[RPU0]
    assert board[base + OBS] == 0
    assert board.doorbell.sent == []


def test_what_is_unmasked_is_told_once(board):
    """Also if it is one of many, but not of the agents that are never Linux."""
    base = BASES[RPU0]
    board[base + IER] = BITS[LINUX]
    board[base + IER] = 0xFFFF_FFFF
    told = [(UNMASK, (RPU0, other)) for other in (LINUX, 0, 8, 9, 10)]
    assert board.doorbell.sent == told


def test_the_pmu_takes_a_request_at_once(board):
    """XPm_ and XIpiPsu_PollForAck() wait in a loop for OBS."""
    base = BASES[RPU0]
    board[base + TRIG] = BITS[PMU0] | BITS[LINUX]
    assert board[base + OBS] == BITS[LINUX]
    assert board.doorbell.sent == [(TRIGGER, (RPU0, LINUX))]


def test_what_there_is_no_room_for_is_sent_later(board):
    board.doorbell.room = 0
    board[BASES[RPU0] + TRIG] = BITS[LINUX]
    board.doorbell.room = 1
    board.all.poll()
    assert board.doorbell.sent == [(TRIGGER, (RPU0, LINUX))]


@pytest.mark.parametrize(
    ("sender", "receiver", "address"),
    [  # as in the devicetrees of zynqmp-ipi-mailbox
        (7, 1, 0xFF99_0600), (1, 7, 0xFF99_00C0), (7, 2, 0xFF99_0640), (2, 7, 0xFF99_02C0),
        (0, 4, 0xFF99_05C0), (0, 1, 0xFF99_0400),
    ],
)  # fmt: skip
def test_where_requests_are(sender, receiver, address):
    assert request(sender, receiver) == address


def test_what_waits_for_room_does_not_grow(board):
    base, board.doorbell.room = BASES[RPU0], 0
    board.rings(TRIGGER, LINUX, RPU0)
    for _ in range(10):
        board[base + TRIG] = BITS[LINUX]
        board[base + IER] = BITS[LINUX]
        board[base + IDR] = BITS[LINUX]
    board[base + ISR] = BITS[LINUX]
    board.doorbell.room = 100
    board.all.poll()
    order = [(TRIGGER, (RPU0, LINUX)), (UNMASK, (RPU0, LINUX)), (CLEAR, (RPU0, LINUX))]
    assert board.doorbell.sent == order

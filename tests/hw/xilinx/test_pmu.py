"""The PM API: requests to the PMU, by IPI."""

import struct

import pytest

TRIG, OBS, PMU = 0xFF31_0000, 0xFF31_0004, 1 << 16
REQUEST, RESPONSE = 0xFF99_01C0, 0xFF99_01E0  # of RPU 0 to the PMU
UART_0, TTC_0, DDR, CPU = 33, 24, 55, 8
NO_ACCESS, INVALID_NODE, DOUBLE_REQ = 2002, 2003, 2004


@pytest.fixture
def ask(board):
    """`ask(function, arguments ...)`: the response, its first four words."""

    def ask(*words):
        board.memory.put(REQUEST, struct.pack("<8I", *words, *(8 - len(words)) * (0,)))
        board.memory.put(RESPONSE, b"\xff" * 32)
        board[TRIG] = PMU
        assert not board[OBS] & PMU
        return struct.unpack("<4I", board.memory.code(RESPONSE, 16))

    return ask


def test_version_and_chip(ask):
    assert ask(1) == (0, 1 << 16 | 1, 0, 0)
    assert ask(24) == (0, 0x0473_8093, 3, 0)
    assert ask(63, 13) == (0, 1, 0, 0)
    assert ask(63, 99)[0] == 19


def test_a_function_that_is_not_there(ask):
    assert ask(41)[0] == 4


def test_nodes_are_requested_and_released(ask):
    assert ask(3, UART_0) == (0, 1, 0, 0)
    assert ask(15, UART_0, 1, 100, 2)[0] == NO_ACCESS
    assert ask(13, UART_0, 1, 100, 2)[0] == 0
    assert ask(13, UART_0, 1, 100, 2)[0] == DOUBLE_REQ
    assert ask(15, UART_0, 5, 100, 2)[0] == 0
    assert ask(3, UART_0) == (0, 1, 5, 1)
    assert ask(14, UART_0)[0] == 0
    assert ask(14, UART_0)[0] == 1
    assert ask(13, DDR, 1, 100, 2)[0] == 0  # which a core has from the start
    assert ask(13, 7, 1, 100, 2)[0] == 15  # no slave
    assert ask(3, 79)[0] == 15


def test_processors(ask):
    assert ask(7, 7, 0xFFFF_FFFF, 0, 0)[0] == 0
    assert ask(8, 7, 2)[0] == NO_ACCESS  # itself
    assert ask(8, CPU, 2)[0] == 0
    assert ask(10, CPU, 1, 0, 2)[0] == 0
    assert ask(10, UART_0, 1, 0, 2)[0] == INVALID_NODE
    assert ask(11, 7, TTC_0, 1)[0] == 0


def test_resets(ask):
    assert ask(18, 1050) == (0, 0, 0, 0)
    assert ask(17, 1050, 1)[0] == 0
    assert ask(18, 1050) == (0, 1, 0, 0)
    assert ask(17, 1050, 2)[0] == 0
    assert ask(18, 1050) == (0, 0, 0, 0)
    assert ask(17, 50, 1)[0] == 15


def test_registers(ask, board):
    board[0xFF5E_0074] = 0x0101_0F00
    assert ask(20, 0xFF5E_0074) == (0, 0x0101_0F00, 0, 0)
    assert ask(19, 0xFF5E_0074, 0xFF00, 0x0A55)[0] == 0
    assert board[0xFF5E_0074] == 0x0101_0A00
    assert ask(20, 0xF900_0000)[0] == NO_ACCESS
    assert ask(19, TRIG, 0xFFFF_FFFF, PMU)[0] == 0  # it triggers itself, which is not served


def test_a_shutdown_ends_the_core(ask, board):
    assert ask(12, 2, 0)[0] == 0
    assert board.deaths == []
    assert ask(12, 1, 0)[0] == 0
    assert board.deaths == [("restart by the PM API", "fatal error")]

"""The DMA of the CSU, looped back by the secure stream switch."""

import pytest

DMA, SSS, SOURCE, TARGET = 0xFFC8_0000, 0xFFCA_0008, 0x10_1000, 0x10_2000
SIZE, STS, CTRL, CRC, I_STS, I_EN, BEHIND = 4, 8, 0xC, 0x10, 0x14, 0x18, 0x800
DATA = bytes(range(1, 65))


@pytest.fixture
def dma(board):
    """Both channels are told what to do, the source last."""
    board.memory.put(SOURCE, DATA)

    def start(source=SOURCE, target=TARGET):
        board[DMA + BEHIND], board[DMA + BEHIND + SIZE] = target, len(DATA)
        board[DMA], board[DMA + SIZE] = source, len(DATA) | 1
        return board[DMA + I_STS], board[DMA + BEHIND + I_STS]

    return start


def test_loopback_and_its_interrupt(board, dma):
    board[SSS] = 5
    board[DMA + BEHIND + I_EN] = 2
    assert dma() == (3, 2)
    assert board.memory.code(TARGET, 65) == DATA + b"\0"
    assert (board[DMA + STS], board[DMA + BEHIND + SIZE]) == (1 << 13, 0)
    assert board.lines == {118}
    board[DMA + BEHIND + I_STS] = 2
    assert board.lines == set()
    words = [DATA[at : at + 4] for at in range(0, 64, 4)]
    total = sum(int.from_bytes(word, "little") for word in words)
    assert board[DMA + CRC] == total & 0xFFFF_FFFF


def test_bytes_are_turned_around(board, dma):
    board[SSS] = 5
    board[DMA + CTRL] = board[DMA + CTRL] | 1 << 23
    dma()
    assert board.memory.code(TARGET, 4) == b"\4\3\2\1"


def test_what_is_not_connected_stays_busy(board, dma):
    assert dma() == (0, 0)
    assert board[DMA + STS] & 1
    board[SSS] = 5
    assert not board[DMA + STS] & 1
    assert board.memory.code(TARGET, 64) == DATA


@pytest.mark.parametrize(
    ("arguments", "flags"), [({"source": 0x40}, (4, 0)), ({"target": 0x8000_0000}, (3, 4))]
)
def test_what_it_cannot_reach_is_an_error(board, dma, arguments, flags):
    board[SSS] = 5
    assert dma(**arguments) == flags


def test_no_size_is_done_at_once(board):
    board[DMA + I_EN] = 2
    board[DMA + SIZE] = 0
    assert (board[DMA + I_STS], board.lines) == (3, {118})
    board[DMA + BEHIND + SIZE] = 0
    assert board[DMA + BEHIND + I_STS] == 2


def test_what_is_done_is_counted_until_it_is_cleared(board):
    board[DMA + SIZE] = board[DMA + SIZE] = 0
    assert board[DMA + STS] == 2 << 13
    board[DMA + I_STS] = 2
    assert board[DMA + STS] == 1 << 13
    board[DMA + I_STS] = 2
    assert board[DMA + STS] == 1 << 13


def test_it_pauses(board, dma):
    board[SSS] = 5
    reset = board[DMA + CTRL]
    board[DMA + CTRL] = reset | 1
    assert dma() == (0, 0)
    assert board[DMA + STS] == 1
    board[DMA + CTRL] = reset
    assert board.memory.code(TARGET, 64) == DATA

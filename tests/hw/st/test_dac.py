"""RM0436 chapter 29: the DAC."""

import pytest

DAC, TIM6, DMA, DMAMUX = 0x40017000, 0x40004000, 0x48000000, 0x48002000
CR, SWTRGR, DOR1, DOR2 = 0, 4, 0x2C, 0x30
EN, TEN, DMAEN, TIM6_TRGO = 1, 2, 1 << 12, 5 << 2


def seen(board):
    return [board.all.inputs[f"DAC1/out_voltage{number}_raw"].level for number in (1, 2)]


@pytest.mark.parametrize(
    ("offset", "value", "outputs"),
    [
        (0x08, 0xABC, [0xABC, 0]), (0x0C, 0xABC0, [0xABC, 0]), (0x10, 0xAB, [0xAB0, 0]),
        (0x14, 0xABC, [0, 0xABC]), (0x18, 0xABC0, [0, 0xABC]), (0x1C, 0xAB, [0, 0xAB0]),
        (0x20, 0xDEF_0ABC, [0xABC, 0xDEF]), (0x24, 0xDEF0_ABC0, [0xABC, 0xDEF]),
        (0x28, 0xDEAB, [0xAB0, 0xDE0]),
    ],
)  # fmt: skip
def test_formats(board, offset, value, outputs):
    board[DAC + CR] = EN | EN << 16
    board[DAC + offset] = value
    assert seen(board) == [board[DAC + DOR1], board[DAC + DOR2]] == outputs


def test_off_nothing_comes_out(board):
    board[DAC + 8] = 0x123
    assert seen(board) == [0, 0]
    board[DAC + CR] = EN
    assert seen(board) == [0x123, 0]


def test_software_triggers(board):
    board[DAC + CR] = EN | TEN
    board[DAC + 8] = 0x123
    assert seen(board) == [0, 0]
    board[DAC + SWTRGR] = 3
    assert seen(board) == [0x123, 0]


def test_a_timer_triggers_and_dma_brings_the_next(board):
    """Each trigger brings out what is held, and requests what comes next."""
    board[0x50000000 + 0x048] = 0
    board.ram[:8] = bytes((1, 0, 2, 0, 3, 0, 4, 0))
    board[DMAMUX], stream = 67, DMA + 0x10
    board[stream + 4], board[stream + 8], board[stream + 12] = 4, DAC + 8, 0x10000000
    board[stream] = 1 | 1 << 6 | 1 << 10 | 1 << 11 | 1 << 13
    board[DAC + CR] = EN | TEN | TIM6_TRGO | DMAEN
    board[TIM6 + 0x28], board[TIM6 + 0x2C], board[TIM6 + 4] = 63, 9, 2 << 4
    board[TIM6 + 0x14] = 1
    board[TIM6] = 1
    outputs = []
    for _ in range(5):
        board.pass_us(10)
        outputs += seen(board)[:1]
    assert outputs == [1, 2, 3, 4, 4]


def test_nobody_outside_decides_it(board):
    one = board.all.inputs["DAC1/out_voltage1_raw"]
    assert one.low > one.high

import pytest

RNG2 = 0x4C003000


def test_random_numbers(board):
    assert (board[RNG2 + 4], board[RNG2 + 8]) == (0, 0)
    board[RNG2] = 4
    assert board[RNG2 + 4] == 1
    assert len({board[RNG2 + 8] for _ in range(50)}) > 40


@pytest.mark.parametrize(("at", "irq"), [(RNG2, 134), (0x54003000, 133)])
def test_a_random_number_may_be_an_interrupt(board, at, irq):
    board[at] = 8
    assert board.lines == set()
    board[at] = 12
    assert board.lines == {irq}
    board[at] = 4
    assert board.lines == set()

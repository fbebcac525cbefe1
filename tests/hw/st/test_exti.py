import pytest

EXTI = 0x5000D000


@pytest.mark.parametrize(("line", "irq"), [(0, 6), (4, 10), (5, 23), (15, 127)])
def test_a_line_that_software_triggers(board, line, irq):
    board[EXTI + 0x08] = 1 << line
    assert board.lines == set()
    board[EXTI + 0xC0] = 1 << line
    assert board.lines == {irq}
    board[EXTI + 0x0C] = 1 << line
    assert (board.lines, board[EXTI + 0x0C]) == (set(), 0)

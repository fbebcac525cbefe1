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


RTSR, FTSR, RPR, FPR, EXTICR, IMR = 0x00, 0x04, 0x0C, 0x10, 0x60, 0xC0
BANKS = [("A", 0, 0x50002000), ("C", 2, 0x50004000), ("Z", 11, 0x54004000)]


@pytest.fixture(params=BANKS, ids=lambda bank: bank[0])
def pin(board, request):
    """Pin 6 of a bank: an input, and line 6 of the EXTI with both edges; its interrupt is 64."""
    name, number, at = request.param
    board[at] = 0xFFFFCFFF
    board[EXTI + EXTICR + 4] = number << 16
    board[EXTI + RTSR] = board[EXTI + FTSR] = 1 << 6
    board[EXTI + IMR] = 1 << 6
    return board.all.inputs[f"GPIO{name}/6"]


def test_edges(board, pin):
    pin.drive(1)
    assert (board.lines, board[EXTI + RPR], board[EXTI + FPR]) == ({64}, 1 << 6, 0)
    board[EXTI + RPR] = 1 << 6
    assert board.lines == set()
    pin.drive(1)
    assert board.lines == set()
    pin.drive(0)
    assert (board.lines, board[EXTI + RPR], board[EXTI + FPR]) == ({64}, 0, 1 << 6)
    board[EXTI + FPR] = 1 << 6
    assert board.lines == set()


@pytest.mark.parametrize(("register", "level"), [(RTSR, 1), (FTSR, 0)])
def test_an_edge_that_is_not_selected(board, pin, register, level):
    pin.drive(1 - level)
    board[EXTI + RPR] = board[EXTI + FPR] = 1 << 6
    board[EXTI + register] = 0
    pin.drive(level)
    assert (board.lines, board[EXTI + RPR], board[EXTI + FPR]) == (set(), 0, 0)


def test_masked_it_waits(board, pin):
    board[EXTI + IMR] = 0
    pin.drive(1)
    assert (board.lines, board[EXTI + RPR]) == (set(), 1 << 6)
    board[EXTI + IMR] = 1 << 6
    assert board.lines == {64}


def test_the_same_pin_of_another_bank(board, pin):
    board[0x50009000] = 0
    board.all.inputs["GPIOH/6"].drive(1)
    assert board.lines == set()


def test_an_output_of_the_processor_is_an_edge(board):
    board[EXTI + RTSR] = board[EXTI + IMR] = 1
    board[0x50002000] = 1
    board[0x50002014] = 1
    assert board.lines == {6}


def test_it_ends_a_cstop(board, pin):
    board[0x50000C14] = 1 << 20
    board.deep = True
    pin.drive(1)
    assert board.lines == {64, 145}

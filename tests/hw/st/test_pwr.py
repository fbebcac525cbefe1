PWR = 0x50001000


def test_regulators_are_ready(board):
    board[PWR + 8] = 3
    board[PWR + 12] = 1 << 24 | 1 << 28
    assert (board[PWR + 8], board[PWR + 12]) == (0x30003, 0x35000000)

GPIOH = 0x50009000


def test_pins(board):
    assert board[GPIOH] == 0xFFFFFFFF
    board[GPIOH] = 0xFFFF7FFF & ~0xC
    board[GPIOH + 0xC] = 4
    board[GPIOH + 0x18] = 1 << 7
    assert board[GPIOH + 0x14] == 1 << 7
    assert board[GPIOH + 0x10] == 1 << 7 | 2
    board[GPIOH + 0x18] = 1 << 23
    board[GPIOH + 0x18] = 0x180000 | 0x8
    board[GPIOH + 0x28] = 8
    assert board[GPIOH + 0x14] == 0

HSEM = 0x4C000000


def test_a_semaphore_is_taken_in_one_step(board):
    assert board[HSEM + 0x80 + 4 * 7] == 0x80000200
    assert board[HSEM + 4 * 7] == 0x80000200
    board[HSEM + 4 * 7] = 0x200
    assert board[HSEM + 4 * 7] == 0


def test_or_in_two(board):
    board[HSEM] = 0x80000205
    assert board[HSEM] == 0x80000205
    board[HSEM] = 0x80000206
    assert board[HSEM] == 0x80000205
    board[HSEM] = 0x206
    board[HSEM] = 0x105
    assert board[HSEM] == 0x80000205
    board[HSEM] = 0x205
    assert board[HSEM] == 0


def test_who_frees_it_is_told(board):
    board[HSEM + 0x110] = 1 << 3
    board[HSEM + 0x8C]  # takes it
    board[HSEM + 0xC] = 0x200
    assert (board.lines, board[HSEM + 0x118], board[HSEM + 0x11C]) == ({125}, 8, 8)
    board[HSEM + 0x114] = 8
    assert (board.lines, board[HSEM + 0x118]) == (set(), 0)


def test_all_of_a_core_at_once(board):
    board[HSEM + 0x144] = 0xABCD0000
    board[HSEM] = 0x80000201
    board[HSEM + 0x140] = 0x12340200
    assert board[HSEM]
    board[HSEM + 0x140] = 0xABCD0200
    assert board[HSEM] == 0

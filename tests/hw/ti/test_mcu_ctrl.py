"""The control module of the MCU domain, by SPRUIV7: the core resets its own domain."""

MCU_CTRL, RST_CTRL, KICK = 0x04500000, 0x18170, 0x19008


def unlock(board):
    board[MCU_CTRL + KICK], board[MCU_CTRL + KICK + 4] = 0x68EF3490, 0xD172BC5A


def warm_reset(board):
    """sys_arch_reboot() of Zephyr 4.3 and later."""
    word = board[MCU_CTRL + RST_CTRL]
    board[MCU_CTRL + RST_CTRL] = word & ~0xF00 | 0x600


def test_six_requests_a_warm_reset(board):
    unlock(board)
    assert board[MCU_CTRL + RST_CTRL] >> 8 & 0xF == 0xF
    warm_reset(board)
    assert board.deaths == [("reset through MCU_CTRL_MMR0", "fatal error")]
    assert board[MCU_CTRL + RST_CTRL] >> 8 & 0xF == 0xF


def test_other_values_request_nothing(board):
    unlock(board)
    board[MCU_CTRL + RST_CTRL] = 0xF5F
    board[MCU_CTRL + RST_CTRL + 4] = 0x600
    assert board.deaths == []


def test_a_boot_loader_has_unlocked_it_and_a_wrong_key_locks(board):
    kick = MCU_CTRL + KICK
    assert board[kick] == 1
    board[kick] = 0
    assert board[kick] == 0
    warm_reset(board)
    assert board.deaths == []
    unlock(board)
    warm_reset(board)
    assert (board[kick], len(board.deaths)) == (1, 1)


def test_a_lock_is_that_of_one_partition(board):
    clksel = MCU_CTRL + 0x8060  # CLKSEL of a timer, partition 2
    board[MCU_CTRL + 0x9008] = 0
    board[clksel] = 2
    assert board[clksel] == 0
    warm_reset(board)
    assert len(board.deaths) == 1

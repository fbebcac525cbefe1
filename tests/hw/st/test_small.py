"""HSEM, GPIO, EXTI, PWR, RNG, and what has no model."""

import pytest

from rprocfs.soc.stm32mp1 import RANGES, STM32MP157

HSEM, GPIOH, EXTI, PWR, RNG2 = 0x4C000000, 0x50009000, 0x5000D000, 0x50001000, 0x4C003000


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


@pytest.mark.parametrize(("line", "irq"), [(0, 6), (4, 10), (5, 23), (15, 127)])
def test_a_line_that_software_triggers(board, line, irq):
    board[EXTI + 0x08] = 1 << line
    assert board.lines == set()
    board[EXTI + 0xC0] = 1 << line
    assert board.lines == {irq}
    board[EXTI + 0x0C] = 1 << line
    assert (board.lines, board[EXTI + 0x0C]) == (set(), 0)


def test_regulators_are_ready(board):
    board[PWR + 8] = 3
    board[PWR + 12] = 1 << 24 | 1 << 28
    assert (board[PWR + 8], board[PWR + 12]) == (0x30003, 0x35000000)


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


def test_what_has_no_model_keeps_what_is_written_and_is_named_once(board):
    board.all.write(0x44004002, 1, 0x5A)
    board.all.write(0x44004000, 2, 0x1234)
    assert board[0x44004000] == 0x5A1234
    assert board[0x44004004] == 0
    assert board.debug == ["no model of what is at 0x44004000"]


def test_identity(board):
    assert board[0x50081000] & 0xFFF == 0x500
    assert board[0x50020000] & 7 != 4  # no engineering boot


def test_everything_modelled_is_where_peripherals_are(board):
    pages = list(board.all.pages)
    assert all(any(at <= page < at + size for at, size in RANGES) for page in pages)
    assert all(at % 0x1000 == 0 == size % 0x1000 for at, size in board.all.ranges)


def test_every_register_can_be_touched(board):
    """Whatever is written to the pages with models: no traceback, and reads are words."""
    pages = set(board.all.pages)
    for page in pages:
        for value in (0, 0xFFFFFFFF):
            for offset in range(0, 0x1000, 4):
                board[page + offset] = value
                assert 0 <= board[page + offset] <= 0xFFFFFFFF
        board.pass_us(1)


def test_memory_is_seen_twice():
    find = {bank.da: bank.offset for bank in STM32MP157.banks}
    assert find[0x10000000] == find[0x30000000] == 0
    assert find[0] == find[0x38000000] == 0x60000
    assert STM32MP157.memory_size == 0x70000
    assert STM32MP157.boot("cortex-m4", 1, [0x10000000]).address == 0

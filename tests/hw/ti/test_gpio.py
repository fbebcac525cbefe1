"""The GPIO, by SPRUIV7 and the order in which Zephyr's gpio_davinci.c writes it."""

import pytest

MCU_GPIO0, GPIO0, GPIO1 = 0x04201000, 0x00600000, 0x00601000
DIR, OUT, SET, CLR, IN, SET_RIS, CLR_RIS, SET_FAL, CLR_FAL, INTSTAT = range(0x10, 0x38, 4)
PAIR = 0x28


def test_all_pins_are_inputs_at_first(board):
    assert board[MCU_GPIO0 + DIR] == 0xFFFFFFFF
    board[MCU_GPIO0 + SET] = 1 << 3
    assert board[MCU_GPIO0 + IN] == 0
    assert board[MCU_GPIO0 + OUT] == 1 << 3


def test_an_output_is_set_cleared_and_toggled(board):
    board[MCU_GPIO0 + SET] = 1 << 3
    board[MCU_GPIO0 + DIR] &= ~(1 << 3)
    pin = board.all.inputs["MCU_GPIO0/3"]
    assert (board[MCU_GPIO0 + IN], pin.level) == (1 << 3, 1)
    board[MCU_GPIO0 + OUT] ^= 1 << 3
    assert (board[MCU_GPIO0 + IN], pin.level) == (0, 0)
    board[MCU_GPIO0 + OUT] = 1 << 3 | 1 << 4
    board[MCU_GPIO0 + CLR] = 1 << 4
    assert board[MCU_GPIO0 + OUT] == 1 << 3


@pytest.mark.parametrize("register", [SET, CLR])
def test_set_and_clear_read_what_is_put_out(board, register):
    """A driver that ORs a bit into SET_DATA sets that bit alone."""
    board[MCU_GPIO0 + OUT] = 0x50
    assert board[MCU_GPIO0 + register] == 0x50


def test_an_input_is_driven_from_outside(board):
    board.all.inputs["MCU_GPIO0/23"].drive(1)
    assert board[MCU_GPIO0 + IN] == 1 << 23
    board.all.inputs["MCU_GPIO0/23"].drive(0)
    assert board[MCU_GPIO0 + IN] == 0


def test_edges_that_are_asked_for_are_kept(board):
    pin = board.all.inputs["MCU_GPIO0/5"]
    pin.drive(1)
    assert board[MCU_GPIO0 + INTSTAT] == 0
    board[MCU_GPIO0 + SET_RIS] = 1 << 5
    pin.drive(0)
    assert board[MCU_GPIO0 + INTSTAT] == 0
    pin.drive(1)
    assert board[MCU_GPIO0 + INTSTAT] == 1 << 5
    board[MCU_GPIO0 + INTSTAT] = 1 << 5
    board[MCU_GPIO0 + CLR_RIS], board[MCU_GPIO0 + SET_FAL] = 1 << 5, 1 << 5
    assert [board[MCU_GPIO0 + at] for at in (SET_RIS, CLR_RIS)] == [0, 0]
    assert [board[MCU_GPIO0 + at] for at in (SET_FAL, CLR_FAL)] == [1 << 5, 1 << 5]
    pin.drive(0)
    pin.drive(1)
    assert board[MCU_GPIO0 + INTSTAT] == 1 << 5


@pytest.mark.parametrize(("base", "name", "count"), [
    (MCU_GPIO0, "MCU_GPIO0", 24), (0x80000000 + GPIO0, "GPIO0", 92),
    (0x80000000 + GPIO1, "GPIO1", 52),
])  # fmt: skip
def test_banks_have_their_pins_in_pairs_of_sixteen(board, base, name, count):
    board.all.inputs[f"{name}/{count - 1}"].drive(1)
    pair, bit = divmod(count - 1, 32)
    assert board[base + PAIR * pair + IN] == 1 << bit
    assert f"{name}/{count}" not in board.all.inputs
    assert board.debug == []


def test_pins_that_a_bank_has_not_change_nothing(board):
    board[MCU_GPIO0 + OUT] = 0xFFFFFFFF
    board[MCU_GPIO0 + DIR] = 0
    assert board[MCU_GPIO0 + IN] == (1 << 24) - 1

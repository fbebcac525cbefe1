import pytest

GPIOH, IDR, ODR = 0x50009000, 0x10, 0x14


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


@pytest.fixture
def gpio(board):
    """Bank H; PH3 is an input, PH4 an output, PH5 an open drain, all others are analog."""
    board[GPIOH] = 0xFFFFFFFF & ~0xFC0 | 1 << 8 | 1 << 10
    board[GPIOH + 4] = 1 << 5
    return board


def pin(board, number):
    return board.all.inputs[f"GPIOH/{number}"]


def test_the_outside_drives_an_input(gpio):
    gpio[GPIOH + 0xC] = 1 << 6
    assert gpio[GPIOH + IDR] == 1 << 3
    pin(gpio, 3).drive(0)
    assert gpio[GPIOH + IDR] == 0
    pin(gpio, 3).drive(1)
    assert (gpio[GPIOH + IDR], pin(gpio, 3).level) == (1 << 3, 1)


def test_an_output_is_the_processors(gpio):
    pin(gpio, 4).drive(1)
    assert (gpio[GPIOH + IDR], pin(gpio, 4).level) == (0, 0)
    seen = []
    pin(gpio, 4).watchers.append(seen.append)
    for level in (1, 1, 0):
        gpio[GPIOH + ODR] = level << 4
    assert seen == [1, 0]


def test_an_open_drain_is_anybodys(gpio):
    gpio[GPIOH + ODR] = 1 << 5
    pin(gpio, 5).drive(1)
    assert gpio[GPIOH + IDR] == 1 << 5
    gpio[GPIOH + ODR] = 0
    assert (gpio[GPIOH + IDR], pin(gpio, 5).level) == (0, 0)


def test_an_analog_pin_reads_as_low(gpio):
    pin(gpio, 9).drive(1)
    assert (gpio[GPIOH + IDR], pin(gpio, 9).level) == (0, 1)
    gpio[GPIOH] = gpio[GPIOH] & ~(3 << 18)
    assert gpio[GPIOH + IDR] == 1 << 9


def test_every_pin_of_every_bank_is_an_input(board):
    pins = [name for name in board.all.inputs if name.startswith("GPIO")]
    assert len(pins) == 12 * 16
    assert {"GPIOA/0", "GPIOK/15", "GPIOZ/7"} < set(pins)

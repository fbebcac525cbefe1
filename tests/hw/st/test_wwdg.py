"""RM0436 chapter 43: the window watchdog."""

import pytest

WWDG = 0x4000A000


@pytest.fixture
def dog(board):
    """At 16 MHz / 4096: 256 us a tick."""
    board[0x50000000 + 0x048] = 0
    board[0x50000000 + 0x834] = 2
    board[WWDG] = 0xFF
    return board


def test_it_bites_when_it_is_not_fed(dog):
    dog.pass_us(256 * 63)
    assert (dog[WWDG], dog.deaths) == (0xC0, [])
    dog.pass_us(256)
    assert dog.deaths == [("window watchdog", "watchdog")]


def test_it_does_not_when_it_is(dog):
    for _ in range(5):
        dog.pass_us(256 * 60)
        dog[WWDG] = 0x7F
    assert dog.deaths == []


def test_too_soon_is_wrong_as_well(dog):
    dog[WWDG + 4] = 0x50
    dog.pass_us(256 * 8)
    dog[WWDG] = 0x7F
    assert dog.deaths


def test_it_warns(dog):
    dog[WWDG + 4] = 0x27F
    dog.pass_us(256 * 63)
    assert dog.lines == {0}
    dog[WWDG + 8] = 0
    assert dog.lines == set()


def test_it_sleeps_at_first(board):
    board.pass_us(10**7)
    assert (board.deaths, board[WWDG]) == ([], 0x7F)

"""RM0436 chapters 36 to 43: timers and the window watchdog."""

import pytest

TIM2, TIM6, WWDG = 0x40000000, 0x40004000, 0x4000A000
CR1, DIER, SR, EGR, CNT, PSC, ARR = 0x00, 0x0C, 0x10, 0x14, 0x24, 0x28, 0x2C


@pytest.fixture
def tim(board):
    """TIM6 at 1 MHz, every 10 us."""
    board[0x50000000 + 0x048] = 0  # the HSI: 64 MHz
    board[TIM6 + PSC], board[TIM6 + ARR] = 63, 9
    board[TIM6 + EGR] = 1
    board[TIM6 + SR] = 0
    return board


def test_it_counts(tim):
    tim[TIM6 + CR1] = 1
    seen = []
    for _ in range(12):
        seen.append(tim[TIM6 + CNT])
        tim.pass_us(1)
    assert seen == [*range(10), 0, 1]
    assert tim[TIM6 + SR] == 1


def test_nobody_waits_for_a_timer_without_interrupt(tim):
    tim[TIM6 + CR1] = 1
    assert tim.all.deadline is None
    tim[TIM6 + DIER] = 1
    assert tim.all.deadline == tim.time + 10_000


def test_an_interrupt_until_the_flag_is_cleared(tim):
    tim[TIM6 + DIER] = tim[TIM6 + CR1] = 1
    tim.pass_us(9)
    assert tim.lines == set()
    tim.pass_us(1)
    assert tim.lines == {54}
    tim[TIM6 + SR] = 0xFFFFFFFE
    assert tim.lines == set()


def test_none_is_lost_while_nobody_looks(tim):
    tim[TIM6 + DIER] = tim[TIM6 + CR1] = 1
    tim.pass_us(35)
    taken = 0
    while tim.lines:
        taken += 1
        tim[TIM6 + SR] = 0
        tim.all.poll()
    assert taken == 3


def test_one_pulse(tim):
    tim[TIM6 + DIER], tim[TIM6 + CR1] = 1, 9
    tim.pass_us(10)
    assert (tim.lines, tim[TIM6 + CR1], tim.all.deadline) == ({54}, 8, None)


def test_stopping_keeps_the_count(tim):
    tim[TIM6 + CR1] = 1
    tim.pass_us(4)
    tim[TIM6 + CR1] = 0
    tim.pass_us(4)
    assert tim[TIM6 + CNT] == 4


def test_an_update_that_is_asked_for(tim):
    tim[TIM6 + EGR] = 1
    assert tim[TIM6 + SR] == 1
    tim[TIM6 + SR] = 0
    tim[TIM6 + CR1] = 4
    tim[TIM6 + EGR] = 1
    assert tim[TIM6 + SR] == 0


def test_two_of_them_are_wide(board):
    assert (board[TIM2 + ARR], board[TIM6 + ARR]) == (0xFFFFFFFF, 0xFFFF)


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

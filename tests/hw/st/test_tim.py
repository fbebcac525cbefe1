"""RM0436 chapters 36 to 39: timers."""

import pytest

TIM1, TIM2, TIM3, TIM6 = 0x44000000, 0x40000000, 0x40001000, 0x40004000
CR1, CR2, DIER, SR, EGR, CNT, PSC, ARR = 0x00, 0x04, 0x0C, 0x10, 0x14, 0x24, 0x28, 0x2C
CCMR1, RCR, CCR1, CCR2, CCR3, DCR, DMAR = 0x18, 0x30, 0x34, 0x38, 0x3C, 0x48, 0x4C
UIE, CC1IE, UDE, CC1DE, CC2DE, TDE = 1, 2, 1 << 8, 1 << 9, 1 << 10, 1 << 14
SRAM, DMA, DMAMUX, STREAM = 0x10000000, 0x48000000, 0x48002000, 0x48000010
TO_PERIPHERAL = 1 | 1 << 6 | 1 << 10 | 2 << 11 | 2 << 13  # words, from memory that counts up


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


def slow(board, tim, period, prescaler=63):
    """At 1 MHz, from 64 MHz."""
    board[0x50000000 + 0x048] = 0
    board[tim + PSC], board[tim + ARR] = prescaler, period - 1
    board[tim + EGR] = 1
    board[tim + SR] = 0


def serve(board, request, at, words):
    """DMA1 stream 0 moves *words* from memory to *at*."""
    for index, word in enumerate(words):
        board.ram[4 * index : 4 * index + 4] = word.to_bytes(4, "little")
    board[DMAMUX] = request
    board[STREAM + 4], board[STREAM + 8], board[STREAM + 12] = len(words), at, SRAM
    board[STREAM] = TO_PERIPHERAL


def test_a_channel_compares(board):
    slow(board, TIM3, 10)
    board[TIM3 + CCR1], board[TIM3 + CCR2] = 4, 20
    board[TIM3 + DIER], board[TIM3 + CR1] = CC1IE, 1
    assert board.all.deadline == board.time + 4000
    board.pass_us(4)
    assert (board.lines, board[TIM3 + SR] & 7) == ({29}, 2)
    board[TIM3 + SR] = 0
    assert board.lines == set()
    board.pass_us(6)
    assert (board.lines, board[TIM3 + SR] & 7) == (set(), 1)
    board.pass_us(4)
    assert board.lines == {29}


def test_an_input_does_not_compare(board):
    slow(board, TIM3, 10)
    board[TIM3 + CCMR1], board[TIM3 + CCR1] = 1, 4
    board[TIM3 + CR1] = 1
    board.pass_us(5)
    assert board[TIM3 + SR] & 2 == 0


def test_the_advanced_ones_have_an_interrupt_for_each_kind(board):
    board[TIM1 + DIER] = 0x7F
    for generated, line in ((1, 25), (2, 27), (0x10, 27), (0x20, 26), (0x40, 26)):
        board[TIM1 + EGR] = generated
        assert board.lines == {line}
        board[TIM1 + SR] = 0
        assert board.lines == set()


def test_they_repeat(board):
    slow(board, TIM1, 10)
    board[TIM1 + RCR] = 2
    board[TIM1 + EGR] = 1
    board[TIM1 + SR] = 0
    board[TIM1 + DIER], board[TIM1 + CR1] = UIE, 1
    for _ in range(2):
        board.pass_us(10)
        assert board.lines == set()
    board.pass_us(10)
    assert board.lines == {25}


def test_others_have_no_repetition_counter(board):
    board[TIM3 + RCR] = 2
    assert board[TIM3 + RCR] == 0


def test_an_update_requests_dma(board):
    """RM0436 37.3: UDE; each event is one item, however late the processor looks."""
    slow(board, TIM2, 10)
    serve(board, 22, TIM3 + CCR2, [11, 22, 33])
    board[TIM2 + DIER], board[TIM2 + CR1] = UDE, 1
    seen = []
    for _ in range(4):
        seen.append(board[TIM3 + CCR2])
        board.pass_us(10)
    assert seen == [0, 11, 22, 33]
    assert (board[STREAM], board[DMA] >> 5 & 1, board.lines) == (TO_PERIPHERAL & ~1, 1, set())


def test_none_of_the_requests_is_lost(board):
    slow(board, TIM2, 10)
    serve(board, 22, TIM3 + CCR2, [5] * 100)
    board[TIM2 + DIER], board[TIM2 + CR1] = UDE, 1
    board.pass_us(705)
    assert board[STREAM + 4] == 30


def test_nobody_waits_for_a_request_that_nobody_serves(board):
    slow(board, TIM2, 10)
    board[TIM2 + DIER], board[TIM2 + CR1] = UDE, 1
    board.pass_us(10)
    assert board.all.deadline is None
    serve(board, 22, TIM3 + CCR2, [5, 6])  # the one that was made still stands
    assert (board[TIM3 + CCR2], board[STREAM + 4]) == (5, 1)
    board.pass_us(10)
    assert board[TIM3 + CCR2] == 6


def test_a_channel_requests_dma(board):
    slow(board, TIM2, 10)
    board[TIM2 + CCR1] = 3
    serve(board, 18, TIM2 + CCR1, [7, 2])
    board[TIM2 + DIER], board[TIM2 + CR1] = CC1DE, 1
    board.pass_us(3)
    assert board[TIM2 + CCR1] == 7
    board.pass_us(4)
    assert board[TIM2 + CCR1] == 2


def test_ccds_moves_the_requests_of_channels_to_the_update(board):
    slow(board, TIM2, 10)
    board[TIM2 + CCR2], board[TIM2 + CR2] = 3, 8
    serve(board, 19, TIM3 + CCR1, [7])
    board[TIM2 + DIER], board[TIM2 + CR1] = CC2DE, 1
    board.pass_us(5)
    assert board[TIM3 + CCR1] == 0
    board.pass_us(5)
    assert board[TIM3 + CCR1] == 7


@pytest.mark.parametrize(("event", "request_"), [(0, 15), (1, 11), (4, 14), (5, 17), (6, 16)])
def test_software_requests_dma(board, event, request_):
    """UG, CC1G, CC4G, COMG, TG; UDE, CC1DE, CC4DE, COMDE, TDE."""
    serve(board, request_, TIM3 + CCR1, [7])
    board[TIM1 + EGR] = 1 << event
    assert board[TIM3 + CCR1] == 0
    board[TIM1 + DIER] = 0x100 << event
    board[TIM1 + EGR] = 1 << event
    assert board[TIM3 + CCR1] == 7


def test_a_burst(board):
    """DCR: three registers from ARR on at every update, through DMAR."""
    slow(board, TIM1, 10)
    serve(board, 15, TIM1 + DMAR, [19, 0, 5, 29, 0, 6])
    board[TIM1 + DCR] = 2 << 8 | ARR // 4
    board[TIM1 + DIER], board[TIM1 + CR1] = UDE, 1
    board.pass_us(10)
    assert (board[TIM1 + ARR], board[TIM1 + CCR1], board[STREAM + 4]) == (19, 5, 3)
    board.pass_us(19)
    assert board[STREAM + 4] == 3
    board.pass_us(1)
    assert (board[TIM1 + ARR], board[TIM1 + CCR1], board[STREAM + 4]) == (29, 6, 0)


def test_a_burst_that_is_late(board):
    """The new period counts from the update on that brought it."""
    slow(board, TIM1, 10)
    serve(board, 15, TIM1 + DMAR, [19, 29, 39])
    board[TIM1 + DCR] = ARR // 4
    board[TIM1 + DIER], board[TIM1 + CR1] = UDE, 1
    board.pass_us(35)
    assert (board[TIM1 + ARR], board[TIM1 + CNT]) == (29, 5)


def test_a_burst_of_reads(board):
    """Out of the timer: CCR1 to CCR3."""
    board[TIM1 + CCR1], board[TIM1 + CCR2], board[TIM1 + CCR3] = 1, 2, 3
    board[TIM1 + DCR] = 2 << 8 | CCR1 // 4
    assert [board[TIM1 + DMAR] for _ in range(4)] == [1, 2, 3, 1]


def test_a_burst_never_ends_in_itself(board):
    board[TIM1 + DCR] = DMAR // 4
    board[TIM1 + DMAR] = 0
    assert board[TIM1 + DMAR] == 0


def test_without_the_bit_nothing_is_requested(board):
    slow(board, TIM2, 10)
    serve(board, 22, TIM3 + CCR2, [11])
    board[TIM2 + CR1] = 1
    board.pass_us(20)
    assert board[TIM3 + CCR2] == 0
    board[TIM2 + DIER] = UDE
    board[TIM2 + EGR] = 1
    board[TIM2 + DIER] = 0
    assert board[TIM3 + CCR2] == 11

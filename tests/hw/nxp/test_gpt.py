"""The general purpose timer, by the register descriptions of IMX8MMRM."""

import pytest

GPT1, IRQ = 0x302D0000, 55
CR, PR, SR, IR, OCR1, OCR2, CNT = (GPT1 + at for at in (0, 4, 8, 12, 0x10, 0x14, 0x24))
EN, ENMOD, ROOT, LOW, OSC, FRR, SWR = 1, 2, 1 << 6, 4 << 6, 5 << 6, 1 << 9, 1 << 15


def test_reset_ends(board):
    board[CR], board[OCR1], board[IR] = ENMOD | ROOT | FRR, 5, 1
    board[CR] |= SWR
    assert not board[CR] & SWR
    assert (board[OCR1], board[IR], board[SR]) == (0xFFFFFFFF, 0, 0)


@pytest.mark.parametrize(
    ("source", "prescale", "hertz"),
    [(ROOT, 0, 24e6), (2 * ROOT, 23, 1e6), (LOW, 0, 32768), (OSC, 11 << 12, 2e6), (0, 0, 0)],
)
def test_it_counts_by_its_source(board, source, prescale, hertz):
    board[PR] = prescale
    board[CR] = EN | ENMOD | FRR | source
    board.pass_us(100_000)
    assert board[CNT] == pytest.approx(hertz / 10, abs=1)
    board[CR] &= ~EN
    count = board[CNT]
    board.pass_us(1000)
    assert board[CNT] == count


def test_a_tick_of_a_millisecond_by_restart(board):
    """As fsl_gpt does: restart mode, OCR1 of one period less one."""
    board[PR], board[OCR1] = 0, 24_000 - 1
    board[IR] = 1
    board[CR] = EN | ENMOD | ROOT
    for tick in range(1, 6):
        counts = 24_000 * tick - 1  # the match is one before it begins anew
        assert board.all.deadline == pytest.approx(1000 + counts * 1000 / 24, abs=tick)
        board.pass_us(1000)
        assert IRQ in board.lines
        assert board[SR] & 1
        board[SR] = 1
        assert IRQ not in board.lines


def test_free_running_it_goes_on_behind_a_match(board):
    board[OCR1], board[OCR2], board[IR] = 2400, 4800, 2
    board[CR] = EN | ENMOD | ROOT | FRR
    board.pass_us(150)
    assert board[SR] == 1
    assert IRQ not in board.lines
    board.pass_us(50)
    assert board[SR] == 3
    assert IRQ in board.lines
    board[SR] = 3
    assert board[CNT] == 4800


def test_writing_a_compare_value_loses_no_counts(board):
    board[IR], board[PR] = 1, 6
    board[CR] = EN | ENMOD | ROOT | FRR
    for number in range(1, 1001):
        board[OCR1] = number * 3428  # 999.8 us
        board.pass_us(1000)
        board[SR] = 1
    assert board[CNT] == pytest.approx(24_000_000 / 7, abs=2)


def test_nobody_asking_whole_rounds_pass(board):
    board[OCR1] = 23
    board[CR] = EN | ENMOD | ROOT
    board.pass_us(3_000_000)
    assert board[SR] & 1
    assert board[CNT] < 24


def test_a_tick_waits_until_the_last_one_was_seen(board):
    board[OCR1], board[IR] = 24_000 - 1, 1
    board[CR] = EN | ENMOD | ROOT
    board.pass_us(3000)
    for _ in range(3):
        assert board[SR] & 1
        board[SR] = 1
        board.pass_us(0)
    assert not board[SR] & 1


def test_overflow(board):
    board[CR] = EN | ENMOD | ROOT | FRR
    board[IR] = 1 << 5
    board.pass_us(2**32 / 24 + 1)
    assert board[SR] & 1 << 5


def test_edges_at_its_pins_are_captured(board):
    """gpt_capture: rising edges of pin 2, either edge of pin 1."""
    one, two = (board.all.inputs[f"GPT1/capture{number}"] for number in (1, 2))
    board[IR] = 1 << 4
    board[CR] = EN | ENMOD | ROOT | FRR | 1 << 18 | 3 << 16
    board.pass_us(100)
    two.drive(1)
    assert IRQ in board.lines
    assert board[SR] == 1 << 4
    assert board[GPT1 + 0x20] == pytest.approx(2400, abs=1)
    board[SR] = 1 << 4
    board.pass_us(100)
    two.drive(0)
    one.drive(1)
    assert IRQ not in board.lines
    assert board[SR] == 1 << 3
    board.pass_us(100)
    one.drive(0)
    assert board[GPT1 + 0x1C] == pytest.approx(7200, abs=1)
    board[GPT1 + 0x1C] = 5  # read only
    assert board[GPT1 + 0x1C] == pytest.approx(7200, abs=1)

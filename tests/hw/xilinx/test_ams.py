"""The system monitor: what it measures, how its sequencer ends, alarms."""

import pytest

AMS, PS = 0xFFA5_0000, 0xFFA5_0800
ISR_0, ISR_1, IER_0, IER_1, IDR_1 = (AMS + at for at in (0x10, 0x14, 0x20, 0x24, 0x2C))
CSTS, CONFIG0, CONFIG1, SEQ_CH0 = AMS + 0x40, PS + 0x100, PS + 0x104, PS + 0x120
EOC, EOS = 8, 16


def celsius(raw):
    return raw / 65536 / 0.00196342531 - 280.2309


def test_it_is_ready_after_a_reset(board):
    """The vendor's driver waits for this very word."""
    board[PS + 0x0C] = 0xFFFF
    assert board[CSTS] == 0x0801_0000
    assert board[AMS + 0x44] == 0  # no PL
    assert board[0xFFA5_0C00] == 0


def test_temperature_and_supplies(board):
    assert celsius(board[PS]) == pytest.approx(45, abs=0.05)
    assert celsius(board[PS + 0x214]) == pytest.approx(45, abs=0.05)
    assert board[PS + 4] * 3 / 65536 == pytest.approx(0.85, abs=0.001)
    assert board[PS + 0x18] * 3 / 65536 == pytest.approx(1.8, abs=0.001)
    assert board[AMS + 0x80] * 3 / 65536 == pytest.approx(1.8, abs=0.001)


def test_inputs_and_extremes(board):
    for millidegrees in (60_000, -10_000):
        board.all.inputs["AMS/temp1_input"].drive(millidegrees)
    board.all.inputs["AMS/SUPPLY1_raw"].drive(20_000)
    assert celsius(board[PS]) == pytest.approx(-10, abs=0.05)
    assert celsius(board[PS + 0x80]) == pytest.approx(60, abs=0.05)
    assert celsius(board[PS + 0x90]) == pytest.approx(-10, abs=0.05)
    assert (board[PS + 4], board[PS + 0x84]) == (20_000, 20_000)
    board[PS + 0x0C] = 0xFFFF
    assert celsius(board[PS + 0x80]) == pytest.approx(-10, abs=0.05)


def test_a_sequence_ends_again_and_again(board):
    board[CONFIG1] = 0
    board[CONFIG0] = 1 << 12  # 16 samples
    board[SEQ_CH0] = 0x4501
    board[ISR_1] = 0xFFFF_FFFF
    board[CONFIG1] = 2 << 12
    assert board[ISR_1] == 0
    board.pass_us(5 * 16 * 4)
    assert board[ISR_1] == EOC | EOS
    board[ISR_1] = EOC | EOS
    assert board[ISR_1] == 0
    board.pass_us(5 * 16 * 4)
    assert board[ISR_1] == EOC | EOS


def test_a_single_pass_and_its_interrupt(board):
    board[SEQ_CH0] = 0x100
    board[CONFIG1] = 1 << 12
    board[IER_1] = EOS
    board.pass_us(10)
    assert board.lines == {88}
    board[ISR_1] = EOC | EOS
    assert board.lines == set()
    board.pass_us(1000)
    assert board[ISR_1] == 0
    board[CONFIG1] = 1 << 12
    board.pass_us(10)
    assert board.lines == {88}
    board[IDR_1] = EOS
    assert board.lines == set()


def test_an_alarm(board):
    """Of the temperature, and of a supply that breaks down."""
    board[PS + 0x140] = board[PS] + 1000
    board[PS + 0x144], board[PS + 0x154] = 20_000, 17_000
    board[CONFIG1] = board[CONFIG1] & ~6
    board[ISR_0] = 0xFFFF_FFFF
    board[IER_0] = 0xFFFF_FFFF
    board.pass_us(1000)
    assert board[ISR_0] == 0
    board.all.inputs["AMS/temp1_input"].drive(80_000)
    assert (board[ISR_0], board.lines) == (1, {88})
    board.all.inputs["AMS/SUPPLY1_raw"].drive(10_000)
    assert board[ISR_0] == 3
    board[CONFIG1] = board[CONFIG1] | 6
    board[ISR_0] = 3
    assert (board[ISR_0], board.lines) == (0, set())


def test_an_alarm_that_lasts_comes_again_and_one_that_may_come_costs_nothing(board):
    board[CONFIG1] = board[CONFIG1] & ~2
    board[PS + 0x140] = board[PS] - 1000
    board[IER_0] = 1
    board.pass_us(1000)
    assert board.lines == {88}
    board[ISR_0] = 1
    assert board.lines == set()
    board.pass_us(1000)
    assert board.lines == {88}
    board[PS + 0x140] = 0xFFFF
    board[ISR_0] = 1
    board.pass_us(1000)
    assert board.lines == set()
    assert board.all.deadline is None


def test_limits_can_be_written(board):
    board[PS + 0x144] = 0x55
    assert board[PS + 0x144] == 0x55
    board[PS + 0x0C] = 0xFFFF
    assert board[PS + 0x144] == 0

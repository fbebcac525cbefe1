"""The real-time clock: seconds, the alarm, a time that is set."""

RTC = 0xFFA6_0000
SET, SET_READ, CALIB, CALIB_READ, NOW, TICK, ALARM = (RTC + 4 * at for at in range(7))
STATUS, MASK, ENABLE, DISABLE, CONTROL = (RTC + at for at in (0x20, 0x24, 0x28, 0x2C, 0x40))
SECOND = 1_000_000


def test_reset_values(board):
    assert (board[MASK], board[STATUS], board[CONTROL]) == (3, 0, 1 << 24)
    assert board[CALIB_READ] == 0x7FFF


def test_seconds_pass(board):
    board.pass_us(2.25 * SECOND)
    assert board[NOW] == 2
    assert board[TICK] == 8192
    assert board[STATUS] == 1
    assert board.lines == set()


def test_a_second_interrupts(board):
    board[ENABLE] = 1
    assert board[MASK] == 2
    board.pass_us(0.9 * SECOND)
    assert board.lines == set()
    board.pass_us(0.2 * SECOND)
    assert board.lines == {59}
    board[STATUS] = 1
    assert board.lines == set()
    board.pass_us(SECOND)
    assert board.lines == {59}
    board[DISABLE] = 1
    assert board.lines == set()
    assert board.all.deadline is None


def test_a_time_that_is_set_counts_from_the_next_second_on(board):
    board.pass_us(0.5 * SECOND)
    board[SET] = 1001
    assert (board[SET_READ], board[NOW]) == (1001, 0)
    board.pass_us(0.9 * SECOND)
    assert board[NOW] == 0
    board.pass_us(0.2 * SECOND)
    assert board[NOW] == 1001
    board.pass_us(3 * SECOND)
    assert board[NOW] == 1004


def test_the_alarm(board):
    board[ALARM] = 3
    board[ENABLE] = 2
    board.pass_us(2.5 * SECOND)
    assert board.lines == set()
    board.pass_us(SECOND)
    assert (board[STATUS], board.lines) == (3, {58})
    board[STATUS] = 3
    board.pass_us(5 * SECOND)
    assert (board[STATUS], board.lines) == (1, set())


def test_calibration(board):
    """Half as many ticks a second."""
    board[CALIB] = 0x3FFF
    board.pass_us(2.2 * SECOND)
    assert board[NOW] == 4

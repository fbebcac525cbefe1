import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.arch.armv7m.systick import SysTick
from rprocfs.hw.clock import Clock

CSR, RVR, CVR, CALIB = 0x10, 0x14, 0x18, 0x1C
COUNTFLAG = 1 << 16


class Timer(SysTick):
    """Of 1 MHz and 100 kHz: a cycle is 1 us or 10 us."""

    def __init__(self):
        self.time, self.ticks = 1_000_000_007, 0
        super().__init__(Clock(lambda: self.time), 1_000_000, 100_000, self.count)

    def count(self):
        self.ticks += 1

    def pass_us(self, microseconds):
        self.time += 1000 * microseconds
        passed = False
        while self.advance():
            passed = True
        return passed

    def start(self, reload, csr=7):
        self.write(RVR, 4, reload)
        self.write(CVR, 4, 0)
        self.write(CSR, 4, csr)


@pytest.fixture
def timer():
    return Timer()


def test_it_stands_still_at_first(timer):
    assert (timer.deadline, timer.pass_us(10**9), timer.read(CVR, 4)) == (None, False, 0)


def test_a_period_is_the_reload_value_and_one(timer):
    timer.start(9)
    assert timer.deadline == timer.time + 10_000
    assert [timer.pass_us(1) for _ in range(20)] == ([False] * 9 + [True]) * 2
    assert timer.ticks == 2


def test_the_counter_counts_down(timer):
    timer.start(3)
    seen = []
    for _ in range(9):
        seen.append(timer.read(CVR, 4))
        timer.pass_us(1)
    assert seen == [0, 3, 2, 1, 0, 3, 2, 1, 0]


def test_countflag_is_cleared_by_reading(timer):
    timer.start(9)
    timer.pass_us(10)
    assert [timer.read(CSR, 4) for _ in range(2)] == [7 | COUNTFLAG, 7]


def test_countflag_is_cleared_by_writing_the_counter(timer):
    timer.start(9)
    timer.pass_us(10)
    timer.write(CVR, 4, 5)
    assert (timer.read(CSR, 4), timer.read(CVR, 4)) == (7, 0)


def test_without_tickint_nobody_is_told(timer):
    timer.start(9, csr=5)
    assert (timer.pass_us(10), timer.ticks) == (True, 0)
    assert timer.read(CSR, 4) == 5 | COUNTFLAG


def test_the_reference_clock(timer):
    timer.start(9, csr=3)
    assert timer.deadline == timer.time + 100_000
    assert timer.read(CALIB, 4) == 1000


def test_stopping_keeps_the_counter(timer):
    timer.start(9)
    timer.pass_us(4)
    timer.write(CSR, 4, 0)
    timer.pass_us(100)
    assert (timer.deadline, timer.read(CVR, 4), timer.ticks) == (None, 6, 0)
    timer.write(CSR, 4, 7)
    assert timer.deadline == timer.time + 6000


def test_a_reload_value_of_zero_stops_it_at_the_next_zero(timer):
    timer.start(9)
    timer.write(RVR, 4, 0)
    assert (timer.pass_us(10), timer.deadline, timer.ticks) == (True, None, 1)
    timer.write(RVR, 4, 4)
    assert timer.deadline == timer.time + 5000


def test_a_new_reload_value_counts_from_the_next_period(timer):
    timer.start(9)
    timer.write(RVR, 4, 1)
    timer.pass_us(9)
    assert timer.ticks == 0
    for _ in range(5):
        timer.pass_us(1)
    assert timer.ticks == 3


def test_a_new_reload_value_leaves_the_counter_alone(timer):
    timer.start(9)
    timer.pass_us(2)
    timer.write(RVR, 4, 3)
    assert [timer.read(CVR, 4), timer.pass_us(8), timer.read(CVR, 4)] == [8, True, 0]
    timer.write(RVR, 4, 9)
    assert timer.read(CVR, 4) == 0


def test_periods_that_nobody_looked_at_are_made_up_for(timer):
    timer.start(9)
    timer.pass_us(35)
    assert timer.ticks == 3
    assert timer.deadline - timer.time == 5000


def test_the_next_tick_waits_until_the_one_before_was_taken():
    timer = Timer()
    waiting = []
    timer._waits = lambda: bool(waiting)
    timer.start(9)
    timer.time += 35_000
    assert timer.advance()
    waiting.append(1)
    assert (timer.advance(), timer.read(CVR, 4), timer.ticks) == (False, 1, 1)
    waiting.clear()
    assert [timer.advance() for _ in range(3)] == [True, True, False]
    assert timer.read(CVR, 4) == 5


def test_it_does_not_make_up_for_more_than_a_few_seconds(timer):
    timer.start(9)
    timer.pass_us(10_000_000)
    assert timer.ticks == 1
    assert timer.deadline - timer.time == 10_000


def test_another_frequency(timer):
    timer.start(9)
    timer.pass_us(4)
    timer.set_clock(2_000_000, 200_000)
    assert timer.deadline - timer.time == 3000


@given(st.integers(1, 5000), st.lists(st.integers(0, 20_000), max_size=20))
def test_ticks_keep_their_phase_however_late_one_looks(reload, delays):
    timer = Timer()
    begin = timer.time
    timer.start(reload)
    for delay in delays:
        timer.pass_us(delay)
        assert timer.time < timer.deadline <= timer.time + 1000 * (reload + 1)
        assert (timer.deadline - begin) % (1000 * (reload + 1)) == 0
        elapsed = (timer.time - begin) // 1000 % (reload + 1)
        assert timer.read(CVR, 4) == (reload + 1 - elapsed if elapsed else 0)

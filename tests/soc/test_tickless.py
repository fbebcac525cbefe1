"""A kernel that keeps time by SysTick's wraps, as Zephyr's cortex_m_systick.c does."""

import pytest

from rprocfs.arch.armv7m.nvic import SYSTICK
from rprocfs.arch.armv7m.scs import SystemControlSpace
from rprocfs.hw.clock import Clock
from rprocfs.soc.stm32mp1 import STM32MP157

CSR, RVR, CVR, ICSR = 0xE000E010, 0xE000E014, 0xE000E018, 0xE000ED04
COUNTFLAG, PENDSTCLR = 1 << 16, 1 << 25
HZ = STM32MP157.cores["cortex-m4"].cpu_hz
PERIOD = 20_900


class Kernel(SystemControlSpace):
    """Counts cycles: those until the last wrap that it saw, and what the counter has since.

    Reading it twice around COUNTFLAG tells of one wrap, and nothing of a second one.
    """

    def __init__(self):
        self.time = self.busy = self.cycles = self.wrapped = 0
        clock = Clock(lambda: self.time, lambda: self.busy)
        super().__init__(STM32MP157.cores["cortex-m4"], 0, clock, lambda: None)
        self.load = PERIOD
        for address, value in ((RVR, PERIOD - 1), (CVR, 0), (CSR, 7)):
            self.write(address, 4, value)

    def elapsed(self):
        first, control, second = (self.read(address, 4) for address in (CVR, CSR, CVR))
        if control & COUNTFLAG or (first or self.load) < (second or self.load):
            self.wrapped += self.load
            self.read(CSR, 4)
        return self.load - (second or self.load) + self.wrapped

    @property
    def now(self):
        return self.cycles + self.elapsed()

    def interrupts(self):
        """Handle ticks until there is none; how many there were."""
        count = 0
        while self.systick.advance() or SYSTICK in self.nvic.pending:
            self.nvic.activate(SYSTICK)
            self.elapsed()
            self.cycles += self.wrapped
            self.wrapped = 0
            self.nvic.deactivate(SYSTICK)
            count += 1
        return count

    def program(self, cycles):
        """The next interrupt is to come so many cycles from now."""
        self.cycles += self.elapsed()
        self.wrapped, self.load = 0, cycles
        for address, value in ((RVR, cycles - 1), (CVR, 0), (ICSR, PENDSTCLR)):
            self.write(address, 4, value)

    def pass_us(self, microseconds):
        self.time += 1000 * microseconds

    @property
    def wall(self):
        return self.time * HZ // 10**9


@pytest.fixture
def kernel():
    return Kernel()


@pytest.mark.parametrize("late", [30, 130, 350, 20_000])
def test_no_wrap_is_lost_however_late_the_processor_is(kernel, late):
    for _ in range(20):
        kernel.pass_us(late)
        kernel.interrupts()
        assert abs(kernel.now - kernel.wall) <= kernel.load
    assert kernel.wall - kernel.now < 100 + kernel.wall // 100_000  # periods are whole nanoseconds


@pytest.mark.parametrize("late", [30, 130, 350])
def test_its_time_never_goes_back(kernel, late):
    """Neither while a tick waits that is masked, nor in its handler."""
    seen = []
    for _ in range(20):
        kernel.pass_us(late)
        seen += [kernel.now, kernel.now]
        kernel.pass_us(late)
        seen.append(kernel.now)
        kernel.interrupts()
        seen.append(kernel.now)
    assert seen == sorted(seen)


@pytest.mark.parametrize("late", [7, 350])
def test_a_new_timeout_keeps_the_time(kernel, late):
    """Of periods that are never the same, as a tickless kernel programs them."""
    for number in range(200):
        kernel.pass_us(late)
        kernel.interrupts()
        kernel.program(2_000 + 7_919 * number % 40_000)
        kernel.pass_us(late)
        kernel.interrupts()
    assert abs(kernel.wall - kernel.now) < 400

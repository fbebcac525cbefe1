import itertools

from rprocfs.arch.armv7m.nvic import SYSTICK
from rprocfs.arch.armv7m.scs import SystemControlSpace
from rprocfs.hw.clock import LAG, PATIENCE, Clock, Patience
from rprocfs.soc.vsoc import VSOC1

CSR, RVR, CVR, CYCCNT = 0xE000E010, 0xE000E014, 0xE000E018, 0xE0001004


class Timer:
    def __init__(self, limit=None):
        self.limit = limit


class Space(SystemControlSpace):
    """A tick of 100 us at 25 MHz, and the cycle counter."""

    def __init__(self):
        self.time = self.busy = 0
        clock = Clock(lambda: self.time, lambda: self.busy)
        super().__init__(VSOC1.cores["cortex-m4"], 0, clock, lambda: None)
        for address, value in ((RVR, 2499), (CVR, 0), (CSR, 7), (0xE0001000, 1)):
            self.write(address, 4, value)

    def take(self):
        """Whether there is a tick; it is taken."""
        self.systick.advance()
        taken = SYSTICK in self.nvic.pending
        self.nvic.unpend(SYSTICK)
        return taken

    @property
    def cycles(self):
        return self.read(CYCCNT, 4)


def test_it_is_the_time_of_the_wall():
    time = [5]
    clock = Clock(lambda: time[0])
    clock.limited.append(Timer())
    assert clock() == 5


def test_it_stands_still_at_the_first_limit_but_not_for_ever():
    time, first, second = [100], Timer(80), Timer(60)
    clock = Clock(lambda: time[0])
    clock.limited += [first, second]
    assert clock() == 60
    second.limit = 90
    assert clock() == 80
    time[0] = 80 + LAG
    assert clock() == 80
    time[0] = 91 + LAG
    assert clock() == 91 + LAG


def test_all_timers_agree_after_a_pause():
    space = Space()
    space.time = 10_050_000
    seen = []
    for _ in range(150):
        seen.append(space.cycles)
        if not space.take():
            break
    assert len(seen) == 101
    assert seen[0] == 2500
    assert all(two - one in (0, 1250, 2500) for one, two in itertools.pairwise(seen))
    assert seen == sorted(seen)
    assert space.cycles == 10_050 * 25


def test_a_processor_that_does_not_want_the_tick_is_not_held_up():
    """A busy loop with interrupts off: ticks are lost, as they are to hardware."""
    space = Space()
    space.time = 1_000_000
    space.systick.advance()
    before = space.cycles
    assert not space.systick.advance()
    space.busy = PATIENCE
    while space.systick.advance():
        pass
    assert before == 5000
    assert space.cycles == 25_000


def test_a_counter_without_interrupt_holds_nobody_up():
    space = Space()
    space.write(CSR, 4, 5)
    space.time = 1_030_000
    assert space.cycles == 25_750
    assert space.read(CVR, 4) == 2500 - 750


def test_patience_begins_when_an_event_has_to_wait():
    busy = [5 * PATIENCE]
    patience = Patience(lambda: busy[0])
    patience.renew()
    busy[0] += PATIENCE
    assert patience.lasts()
    busy[0] += PATIENCE - 1
    assert patience.lasts()
    busy[0] += 1
    assert not patience.lasts()
    patience.renew()
    assert patience.lasts()


def test_own_time_is_measured_once_it_is_asked_for():
    clock = Clock(lambda: 0, lambda: 7)
    assert not clock.watched
    assert clock.own() == 7
    assert clock.watched

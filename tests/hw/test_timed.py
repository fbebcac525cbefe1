"""Which of a machine's devices is due."""

from rprocfs.hw.clock import Clock
from rprocfs.hw.timed import Timed


class Device:
    def __init__(self, deadline, limit=None):
        self.deadline, self.limit, self.advanced = deadline, limit, 0

    def advance(self):
        self.advanced += 1
        self.deadline = self.limit = None


def test_time_passes_for_those_that_are_due_only():
    wall = [0]
    clock = Clock(lambda: wall[0])
    timed = Timed(clock)
    soon, later, never = timed.devices = [Device(100, limit=100), Device(200), Device(None)]
    timed.look_ahead()
    assert timed.next == 100
    assert not timed.advance()
    wall[0] = 250
    assert clock() == 100  # time waits for the first, but not for the second
    assert timed.advance()
    assert (soon.advanced, later.advanced, never.advanced) == (1, 0, 0)
    timed.look_ahead()
    assert timed.next == 200
    assert clock() == 250
    assert timed.advance()
    assert (soon.advanced, later.advanced, never.advanced) == (1, 1, 0)
    timed.look_ahead()
    assert timed.next is None
    assert not timed.advance()

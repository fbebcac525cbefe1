import socket

import pytest

from rprocfs.engines.unicorn.halt_poll import (
    LONGEST,
    PREEMPTED,
    SHORTEST,
    YIELD,
    HaltPoll,
)
from rprocfs.engines.unicorn.ports import Closed, Port


class Machine:
    """A clock that goes on by *step* whenever somebody looks, and a socket with a sender."""

    def __init__(self, port, sender):
        self.port, self.sender = port, sender
        self.time, self.step, self.rings_at = 0, 1000, None

    def now(self):
        self.time += self.step
        if self.rings_at is not None and self.time >= self.rings_at:
            self.rings_at = None
            self.sender.send(b"x")
        return self.time

    def sleep(self, halt_poll, seconds=None):
        """How long it took; what came is taken."""
        begin = self.time
        halt_poll.wait((self.port,), seconds)
        self.port.received.clear()
        return self.time - begin

    def rings_soon(self, halt_poll, times=1):
        for _ in range(times):
            self.sender.send(b"x")
            self.sleep(halt_poll)


@pytest.fixture
def machine():
    ours, theirs = socket.socketpair()
    yield Machine(Port(ours.fileno()), theirs)
    ours.close()
    theirs.close()


def test_a_core_that_nobody_woke_soon_sleeps_at_once(machine):
    halt_poll = HaltPoll(machine.now, cpus=2)
    assert machine.sleep(halt_poll, 0.001) <= 3 * machine.step


def test_messages_that_come_soon_are_looked_for(machine):
    halt_poll = HaltPoll(machine.now, cpus=2)
    machine.rings_soon(halt_poll)
    assert halt_poll.nanoseconds == SHORTEST
    machine.rings_soon(halt_poll, 10)
    assert halt_poll.nanoseconds == SHORTEST  # the poll was long enough


def test_a_poll_that_was_too_short_grows(machine):
    halt_poll = HaltPoll(machine.now, cpus=2)
    for _ in range(3):
        machine.rings_at = machine.time + machine.step + halt_poll.nanoseconds
        machine.sleep(halt_poll)
    assert halt_poll.nanoseconds == LONGEST


def test_what_comes_meanwhile_ends_the_poll(machine):
    halt_poll = HaltPoll(machine.now, cpus=2)
    halt_poll.nanoseconds = LONGEST
    machine.rings_at = machine.time + LONGEST // 2
    assert LONGEST // 2 <= machine.sleep(halt_poll) < LONGEST
    assert halt_poll.nanoseconds == LONGEST


def test_a_poll_for_nothing_is_the_last(machine):
    halt_poll = HaltPoll(machine.now, cpus=2)
    machine.rings_soon(halt_poll)
    machine.sleep(halt_poll, 0.001)
    assert halt_poll.nanoseconds == 0


def test_a_message_that_comes_late_is_not_looked_for(machine):
    halt_poll = HaltPoll(machine.now, cpus=2)
    machine.step = LONGEST
    machine.rings_soon(halt_poll)
    assert halt_poll.nanoseconds == 0


def test_a_timer_is_not_late(machine):
    halt_poll = HaltPoll(machine.now, cpus=2)
    halt_poll.nanoseconds = LONGEST
    assert machine.sleep(halt_poll, 10e-6) <= 10_000 + 3 * machine.step


def test_others_that_need_the_cpu_get_it(machine):
    halt_poll = HaltPoll(machine.now, cpus=2)
    halt_poll.nanoseconds = LONGEST
    machine.step = PREEMPTED + 1
    assert machine.sleep(halt_poll, 0.001) <= 3 * machine.step
    machine.step = 1000
    machine.rings_soon(halt_poll, 10)
    assert halt_poll.nanoseconds == 0
    machine.time += YIELD
    machine.rings_soon(halt_poll)
    assert halt_poll.nanoseconds == SHORTEST


def test_on_one_cpu_the_sender_has_it(machine):
    halt_poll = HaltPoll(machine.now, cpus=1)
    machine.rings_soon(halt_poll, 10)
    assert halt_poll.nanoseconds == 0


def test_the_parent_may_end_in_a_poll(machine):
    halt_poll = HaltPoll(machine.now, cpus=2)
    halt_poll.nanoseconds = LONGEST
    machine.sender.close()
    with pytest.raises(Closed):
        machine.sleep(halt_poll)

"""Doorbells and softirqs: which thread takes what."""

import os
import select
import threading

import pytest

from rprocfs.engines.io_thread import IoThread
from rprocfs.lib import softirq
from rprocfs.lib.irq import RINGS_PER_WINDOW, Irqs

SAFETY = 60


class Bell:
    """A doorbell of an I/O thread that writes down who takes it."""

    def __init__(self, irqs, *, handled=True):
        self.io = IoThread("test-home", irqs)
        self.io.acquire()
        self.ours, self.theirs = os.pipe()
        self.takers, self.rang, self.handled = [], threading.Semaphore(0), handled
        self.io.call(lambda: irqs.request(self.ours, self.take, self.io))

    def take(self):
        os.read(self.ours, 1)
        self.takers.append(threading.current_thread())
        self.rang.release()
        return self.handled

    def ring(self):
        os.write(self.theirs, b"!")

    def at_home(self):
        """What is posted to the I/O thread so far is done."""
        self.io.call(lambda: None)

    def close(self):
        self.io.call(lambda: self.io.irqs.free(self.ours))
        self.io.release()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def irqs():
    return Irqs()


@pytest.fixture
def bell(irqs):
    made = Bell(irqs)
    yield made
    made.close()


@pytest.fixture
def epoll(irqs):
    with select.epoll() as made:
        yield made
        irqs.release(made)


def take_one(irqs, epoll):
    for fd, _ in epoll.poll(SAFETY):
        irqs.handle(fd)


def test_a_doorbell_is_taken_at_home(irqs, bell):
    bell.ring()
    assert bell.rang.acquire(timeout=SAFETY)
    assert bell.takers[0].name == "test-home"
    assert irqs.news


def test_a_thread_takes_it_over_and_gives_it_back(irqs, bell, epoll):
    irqs.take(epoll)
    bell.at_home()
    bell.ring()
    take_one(irqs, epoll)
    irqs.release(epoll)
    bell.ring()
    assert bell.rang.acquire(timeout=SAFETY)
    assert bell.rang.acquire(timeout=SAFETY)
    assert [taker is threading.current_thread() for taker in bell.takers] == [True, False]


def test_what_rang_on_the_way_is_not_lost(irqs, bell, epoll):
    stop = threading.Event()
    bell.io.call_later(0, lambda: stop.wait(SAFETY))  # home is busy
    bell.ring()
    irqs.take(epoll)
    stop.set()
    while not bell.takers:  # by either of the two
        for fd, _ in epoll.poll(0.01):
            irqs.handle(fd)


def test_one_that_rings_for_nothing_goes_home(irqs, epoll):
    bell = Bell(irqs, handled=False)
    irqs.take(epoll)
    bell.at_home()
    for _ in range(RINGS_PER_WINDOW):
        bell.ring()
        take_one(irqs, epoll)
    bell.at_home()
    assert set(bell.takers) == {threading.current_thread()}
    bell.ring()
    for _ in range(RINGS_PER_WINDOW + 1):
        assert bell.rang.acquire(timeout=SAFETY)
    assert bell.takers[-1].name == "test-home"
    bell.close()


def test_one_that_is_freed_is_forgotten_and_its_handler_is_over(irqs, bell, epoll):
    irqs.take(epoll)
    bell.at_home()
    begun, go_on, done = threading.Event(), threading.Event(), []

    def slow():
        begun.set()
        assert go_on.wait(SAFETY)
        done.append(os.read(bell.ours, 1))
        return True

    irqs._lines[bell.ours].handler = slow
    bell.ring()
    taker = threading.Thread(target=take_one, args=(irqs, epoll))
    taker.start()
    assert begun.wait(SAFETY)
    freed = threading.Thread(target=lambda: bell.io.call(lambda: irqs.free(bell.ours)))
    freed.start()
    assert not done
    go_on.set()
    freed.join(SAFETY)
    assert done == [b"!"]
    taker.join(SAFETY)
    assert not irqs._lines
    bell.ring()
    assert epoll.poll(0) == []


def test_softirqs_run_at_the_end_on_the_same_thread():
    seen = []

    def serve():
        pending = softirq.enter()
        assert softirq.schedule(lambda: seen.append(threading.current_thread()))
        assert softirq.schedule(lambda: softirq.schedule(lambda: seen.append("then")))
        assert not seen
        softirq.run(pending)

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join(SAFETY)
    assert seen == [thread, "then"]


def test_a_thread_without_an_end_schedules_nothing():
    assert not softirq.schedule(pytest.fail)


def test_what_a_softirq_raises_is_logged(caplog):
    seen = []

    def serve():
        pending = softirq.enter()
        softirq.schedule(lambda: 1 / 0)
        softirq.schedule(lambda: seen.append("went on"))
        softirq.run(pending)

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join(SAFETY)
    assert seen == ["went on"]
    assert "ZeroDivisionError" in caplog.text

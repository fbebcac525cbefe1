"""Parked requests and workers: who wakes whom, and every request is answered once."""

import errno
import threading
import time
import weakref

import pytest

from rprocfs.fs.wait import Task, WaitQueue, WouldBlock
from rprocfs_fuse.waiting.blocking import wait_for
from rprocfs_fuse.waiting.parked import Call, ParkingLot
from rprocfs_fuse.waiting.workers import Workers


class Answers(dict):
    """unique -> payload or errno; an answer that comes twice is an error."""

    def __call__(self, unique, answer):
        assert unique not in self
        self[unique] = answer


class Box:
    """Blocks until it is full; remembers how often it was tried."""

    def __init__(self, timeout=None, expired=None):
        self.queue = WaitQueue()
        self.values = []
        self.tries = 0
        self.timeout, self.expired = timeout, expired

    def take(self):
        self.tries += 1
        if not self.values:
            raise WouldBlock(self.queue, self.timeout, self.expired)
        return self.values.pop(0)


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def lot(answers):
    made = ParkingLot(answers, answers, lambda call: made.attempt(call))
    made.start()
    yield made
    made.close(errno.ENOTCONN)


def begin(lot, unique, run, **kwargs):
    lot.begin(Call(lot, unique, run, bytes, **kwargs))


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_woken(lot, answers):
    box = Box()
    begin(lot, 1, box.take)
    assert answers == {}
    box.values.append(b"x")
    box.queue.wake_up()
    until(lambda: answers == {1: b"x"})
    assert len(box.queue) == 0
    assert lot.calls == {}


def test_woken_for_nothing(lot, answers):
    box = Box()
    begin(lot, 1, box.take)
    tries = box.tries
    box.queue.wake_up()
    until(lambda: box.tries > tries and len(box.queue) == 1 and lot.calls)
    assert answers == {}


def test_filled_before_it_listened(lot, answers):
    """The wake-up between the attempt and the listening is not lost."""
    box = Box()

    def take():
        value = box.values.pop() if box.values else None
        if value is None:
            box.values.append(b"x")
            box.queue.wake_up()
            raise WouldBlock(box.queue)
        return value

    begin(lot, 1, take)
    assert answers == {1: b"x"}


def test_woken_while_it_is_tried(lot, answers):
    """A wake-up during an attempt that then fails makes another attempt."""
    queue, tries = WaitQueue(), []

    def run():
        tries.append(1)
        if len(tries) < 5:
            queue.wake_up()
            time.sleep(0.01)
            raise WouldBlock(queue)
        return b"x"

    begin(lot, 1, run)
    until(lambda: answers == {1: b"x"})


def test_the_queue_may_change(lot, answers):
    boxes = [Box(), Box()]
    turn = []

    def run():
        return boxes[1 if turn else 0].take()

    begin(lot, 1, run)
    turn.append(1)
    boxes[0].queue.wake_up()
    until(lambda: len(boxes[1].queue) == 1)
    assert len(boxes[0].queue) == 0
    boxes[1].values.append(b"y")
    boxes[1].queue.wake_up()
    until(lambda: answers == {1: b"y"})


def test_interrupt(lot, answers):
    box = Box()
    begin(lot, 1, box.take)
    assert lot.interrupt(1)
    assert not lot.interrupt(1)
    assert answers == {1: errno.EINTR}
    assert len(box.queue) == 0


def test_a_signal_during_an_attempt_counts_when_it_would_block(lot, answers):
    box = Box()
    call = Call(lot, 1, lambda: (call.task.interrupt(), box.take())[1], bytes)
    lot.begin(call)
    assert answers == {1: errno.EINTR}
    assert len(box.queue) == 0


def test_nonblocking(lot, answers):
    begin(lot, 1, Box().take, nonblock=True)
    assert answers == {1: errno.EAGAIN}


def test_expires_with_what_it_says(lot, answers):
    box = Box(0.05, lambda: 3)
    begin(lot, 1, box.take)
    until(lambda: answers == {1: bytes(3)})
    assert len(box.queue) == 0


def test_wake_ups_do_not_postpone_the_end(lot, answers):
    box = Box(0.1, lambda: 1)
    start = time.monotonic()
    begin(lot, 1, box.take)
    while not answers:
        box.queue.wake_up()
        time.sleep(0.005)
        assert time.monotonic() - start < 20
    assert answers == {1: bytes(1)}


def test_expires_with_an_error(lot, answers):
    def expired():
        raise OSError(errno.EHOSTDOWN, "")

    begin(lot, 1, Box(0.01, expired).take)
    begin(lot, 2, Box(0.01).take)
    until(lambda: answers == {1: errno.EHOSTDOWN, 2: errno.ETIMEDOUT})


def test_an_operation_that_fails(lot, answers):
    def run():
        raise OSError(errno.EXDEV, "")

    begin(lot, 1, run)
    assert answers == {1: errno.EXDEV}


def test_close_answers_everyone(answers):
    lot = ParkingLot(answers, answers, print)
    lot.start()
    box = Box()
    for unique in range(100):
        begin(lot, unique, box.take)
    lot.close(errno.ENOTCONN)
    assert answers == dict.fromkeys(range(100), errno.ENOTCONN)
    assert len(box.queue) == 0


def test_every_value_goes_to_one_call_in_a_storm(lot, answers):
    """Wakers, interrupts and new calls at once: nothing is lost, nothing answered twice."""
    box, number = Box(), 400
    lock = threading.Lock()

    def take():
        with lock:
            return box.take()

    def fill():
        for value in range(number):
            with lock:
                box.values.append(b"%d" % value)
            box.queue.wake_up()

    def interrupt():
        for unique in range(0, number, 7):
            lot.interrupt(unique)

    fillers = [threading.Thread(target=function) for function in (fill, interrupt)]
    for thread in fillers:
        thread.start()
    for unique in range(number):
        begin(lot, unique, take)
    for thread in fillers:
        thread.join()
    until(lambda: len(answers) == number)
    values = [answer for answer in answers.values() if answer != errno.EINTR]
    assert len(values) == len(set(values))
    assert len(values) + len(box.values) == number


def test_workers_are_used_again():
    workers, seen = Workers("test"), []
    for _ in range(5):
        done = threading.Event()

        def job(done=done):
            seen.append(threading.get_ident())
            done.set()

        workers.submit(job)
        assert done.wait(20)
        until(lambda: workers._idle == 1)
    assert len(set(seen)) == 1
    assert workers.close(5)


def test_workers_grow_and_end_when_idle():
    workers = Workers("test", linger=0.05)
    barrier = threading.Barrier(5)
    for _ in range(4):
        workers.submit(barrier.wait)
    assert len(workers._threads) == 4
    barrier.wait(20)
    until(lambda: not workers._threads)
    assert workers._idle == 0
    assert workers.close(0)


def test_workers_that_do_not_end():
    workers, gate = Workers("test"), threading.Event()
    workers.submit(gate.wait)
    assert not workers.close(0.05)
    gate.set()
    assert workers.close(5)


def test_waiting_in_a_thread():
    box = Box()
    timer = threading.Timer(0.05, lambda: (box.values.append(b"x"), box.queue.wake_up()))
    timer.start()
    assert wait_for(box.take) == b"x"
    timer.join()
    assert len(box.queue) == 0


def test_waiting_in_a_thread_is_ended():
    task = Task()
    task.interrupt()
    with pytest.raises(InterruptedError):
        wait_for(Box().take, lambda: errno.EINTR if task.signal_pending else 0)
    assert wait_for(Box(0.01, lambda: 7).take) == 7


def test_an_idle_worker_keeps_nothing_of_its_jobs():
    class Subject:
        def work(self):
            done.set()

    workers, done = Workers("test"), threading.Event()
    for _ in range(2):  # on a new thread, and on one that waits
        done.clear()
        subject = Subject()
        alive = weakref.ref(subject)
        workers.submit(subject.work)
        del subject
        assert done.wait(10)
        deadline = time.monotonic() + 10
        while alive() is not None:
            assert time.monotonic() < deadline
    assert workers.close(10)

import errno
import threading
import time

import pytest

from rprocfs.fs.wait import Mutex, Task, WaitQueue


def test_wakers_are_called_once_and_in_order():
    queue, seen = WaitQueue(), []
    first, second = (lambda: seen.append(1)), (lambda: seen.append(2))
    queue.add(first)
    queue.add(second)
    queue.wake_up()
    queue.wake_up()
    assert seen == [1, 2]
    assert len(queue) == 0


def test_a_removed_waker_is_not_called():
    queue, seen = WaitQueue(), []
    waker = seen.append
    queue.add(waker)
    queue.remove(waker)
    queue.remove(waker)
    queue.wake_up()
    assert seen == []


def test_a_waker_may_add_itself_again():
    queue, seen = WaitQueue(), []

    def waker():
        seen.append(len(seen))
        queue.add(waker)

    queue.add(waker)
    queue.wake_up()
    queue.wake_up()
    assert seen == [0, 1]


def _waiting(mutex, count):
    deadline = time.monotonic() + 5
    while len(mutex._queue) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_mutex_is_handed_on_in_order_of_arrival():
    mutex, order, threads = Mutex(), [], []
    mutex.lock()
    for number in range(5):

        def take(number=number):
            with mutex:
                order.append(number)

        threads.append(threading.Thread(target=take))
        threads[-1].start()
        _waiting(mutex, number + 2)
    mutex.unlock()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]
    assert not mutex.locked()


@pytest.mark.parametrize("early", [True, False])
def test_an_interrupted_task_gets_eintr_and_the_lock_stays_sound(early):
    mutex, task, result = Mutex(), Task(), []
    mutex.lock()

    def victim():
        with task.running():
            try:
                mutex.lock_interruptible()
            except InterruptedError as failure:
                result.append(failure.errno)

    if early:
        task.interrupt()
    thread = threading.Thread(target=victim)
    thread.start()
    if not early:
        _waiting(mutex, 2)
        task.interrupt()
    thread.join(20)
    assert result == [errno.EINTR]
    mutex.unlock()
    mutex.lock_interruptible()
    mutex.unlock()


def test_a_signal_does_not_take_away_a_free_lock():
    mutex, task = Mutex(), Task()
    task.interrupt()
    with task.running():
        mutex.lock_interruptible()
        assert Task.current() is task
    assert Task.current() is None
    mutex.unlock()


def test_an_uninterruptible_lock_waits_on():
    mutex, task, got = Mutex(), Task(), threading.Event()
    mutex.lock()

    def patient():
        with task.running(), mutex:
            got.set()

    thread = threading.Thread(target=patient)
    thread.start()
    _waiting(mutex, 2)
    task.interrupt()
    assert not got.wait(0.05)
    mutex.unlock()
    thread.join(20)
    assert got.is_set()

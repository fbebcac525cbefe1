import os
import threading

import pytest

from rprocfs.engines.io_thread import READY_PER_WINDOW, IoThread


@pytest.fixture
def io():
    io = IoThread("test-io")
    io.acquire()
    yield io
    io.release()


@pytest.fixture
def pipe():
    ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    yield ends
    for end in ends:
        os.close(end)


def named(name):
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_the_thread_exists_while_it_is_used():
    io = IoThread("short-lived")
    assert named("short-lived") == []
    io.acquire()
    (first,) = named("short-lived")
    io.acquire()
    io.release()
    assert named("short-lived") == [first]
    io.release()
    assert named("short-lived") == []
    io.acquire()
    assert named("short-lived") not in ([], [first])
    io.release()


def test_a_call_is_made_on_the_thread(io):
    assert io.call(threading.current_thread).name == "test-io"
    assert io.call(lambda: io.call(lambda: 7)) == 7


def test_a_call_raises_what_it_raises(io):
    def fail():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        io.call(fail)
    assert io.call(lambda: 1) == 1


def test_the_last_user_may_be_on_the_thread():
    io = IoThread("suicidal")
    io.acquire()
    (thread,) = named("suicidal")
    io.call(io.release)
    thread.join(20)
    assert not thread.is_alive()


def test_a_readable_descriptor_is_told_of(io, pipe):
    seen = threading.Event()

    def readable():
        os.read(pipe[0], 10)
        io.unwatch(pipe[0])
        seen.set()

    io.call(lambda: io.watch(pipe[0], readable))
    os.write(pipe[1], b"x")
    assert seen.wait(20)


def test_a_callback_that_raises_is_logged_and_called_again(io, pipe, caplog):
    calls = threading.Semaphore(0)

    def readable():
        os.read(pipe[0], 1)
        calls.release()
        raise ValueError("not the thread's business")

    io.call(lambda: io.watch(pipe[0], readable))
    os.write(pipe[1], b"xy")
    for _ in range(2):
        assert calls.acquire(timeout=20)
    io.call(lambda: io.unwatch(pipe[0]))
    assert caplog.text.count("ValueError: not the thread's business") == 2


def test_a_flood_leaves_room_for_others(io, pipe):
    """A descriptor that is always ready is served at most so often in a window."""
    quiet = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    flood, served = [], threading.Event()
    enough = threading.Event()

    def flooding():
        flood.append(1)
        if len(flood) > 3 * READY_PER_WINDOW:
            enough.set()

    def answer():
        os.read(quiet[0], 1)
        served.set()

    os.write(pipe[1], b"x")
    io.call(lambda: (io.watch(pipe[0], flooding), io.watch(quiet[0], answer)))
    assert enough.wait(20)
    os.write(quiet[1], b"x")
    assert served.wait(20)
    io.call(lambda: (io.unwatch(pipe[0]), io.unwatch(quiet[0])))
    for end in quiet:
        os.close(end)


def test_later_means_in_order_of_time_and_on_the_thread(io):
    seen, done = [], threading.Event()

    def note(text):
        seen.append((text, threading.current_thread().name))
        if len(seen) == 3:
            done.set()

    io.call_later(0.05, lambda: note("last"))
    io.call_later(0.01, lambda: note("first"))
    io.call(lambda: io.call_later(0.03, lambda: note("second")))
    assert done.wait(20)
    assert seen == [("first", "test-io"), ("second", "test-io"), ("last", "test-io")]


def test_what_fails_later_stops_nothing_else(io, caplog):
    done = threading.Event()
    io.call_later(0, lambda: 1 / 0)
    io.call_later(0.01, done.set)
    assert done.wait(20)
    assert "ZeroDivisionError" in caplog.text

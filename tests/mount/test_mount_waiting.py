"""Callers that wait, and what ends it: signals, time, the end of the mount."""

import contextlib
import errno
import os
import signal
import subprocess
import threading
import time

import pytest

from rprocfs_fuse import transport
from tests.mount import real

SOON = 20.0


def until(condition, timeout=30.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.005)


def readers_of(sample):
    """How many wait for a message."""
    return len(sample.queue.wait_queue)


@contextlib.contextmanager
def command(*words, **kwargs):
    process = subprocess.Popen(words, stdout=subprocess.PIPE, **kwargs)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_cat_and_takes_no_message(mounted, sample, number):
    with command("cat", mounted.at("dev/queue")) as cat:
        until(lambda: readers_of(sample))
        start = time.monotonic()
        cat.send_signal(number)
        assert cat.wait(10) == -number
        assert time.monotonic() - start < SOON
    sample.queue.put(b"for somebody else")
    with mounted.open("dev/queue", os.O_RDONLY) as file:
        assert file.read(100) == b"for somebody else"


def test_only_the_signalled_reader_ends(mounted, sample):
    with (
        command("cat", mounted.at("dev/queue")) as first,
        command("head", "-c", "5", mounted.at("dev/queue")) as second,
    ):
        until(lambda: readers_of(sample) == 2)
        first.terminate()
        assert first.wait(10) == -signal.SIGTERM
        sample.queue.put(b"hello")
        assert second.stdout.read() == b"hello"


def test_timeout_command(mounted):
    start = time.monotonic()
    done = subprocess.run(["timeout", "0.2", "cat", mounted.at("dev/queue")], check=False)
    assert done.returncode == 124
    assert time.monotonic() - start < SOON


class Interrupted(Exception):
    pass


def test_a_handler_that_raises_ends_the_read(mounted, sample):
    def handler(*_):
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, handler)
    main = threading.get_ident()
    timer = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGUSR1))
    try:
        with mounted.open("dev/queue", os.O_RDONLY) as file:
            timer.start()
            with pytest.raises(Interrupted):
                file.read(10)
            assert readers_of(sample) == 0
            sample.queue.put(b"x")
            assert file.read(10) == b"x"
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


def test_a_handler_that_returns_lets_the_read_go_on(mounted, sample):
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    main = threading.get_ident()
    timers = [
        threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGUSR1)),
        threading.Timer(0.3, sample.queue.put, (b"after",)),
    ]
    try:
        with mounted.open("dev/queue", os.O_RDONLY) as file:
            for timer in timers:
                timer.start()
            assert file.read(10) == b"after"
        assert seen == [1]
    finally:
        for timer in timers:
            timer.join()
        signal.signal(signal.SIGUSR1, before)


def test_a_signal_ends_a_store_that_sleeps(mounted, sample):
    sample.gate.lock()
    with command("sh", "-c", f"echo go > {mounted.at('slow')}") as writer:
        until(lambda: len(sample.gate._queue) == 2)
        writer.terminate()
        assert writer.wait(SOON) == -signal.SIGTERM
    sample.gate.unlock()
    assert sample.stores == []


def test_a_signal_ends_a_write_that_waits_for_room(mounted, sample):
    with mounted.open("dev/queue", os.O_WRONLY) as file:
        for _ in range(4):
            file.write(b"full")
        with command("sh", "-c", f"echo more > {mounted.at('dev/queue')}") as writer:
            until(lambda: readers_of(sample))
            writer.kill()
            assert writer.wait(SOON) == -signal.SIGKILL
    assert list(sample.queue.messages) == [b"full"] * 4


def test_a_close_that_does_not_end_is_waited_for_once(mounted, sample):
    sample.gate.lock()
    try:
        mounted.open("dev/parting", os.O_RDONLY).close()
        start = time.monotonic()
        for _ in range(20):
            with mounted.open("rw", os.O_RDONLY) as file:
                assert file.read(10) == b"first\n"
        assert time.monotonic() - start < SOON
    finally:
        sample.gate.unlock()


def blocked_readers(path, number):
    """Threads that read, and the errno that ended each."""
    ended = []

    def read():
        fd = os.open(path, os.O_RDONLY)
        try:
            os.read(fd, 10)
        except OSError as problem:
            ended.append(problem.errno)
        finally:
            with contextlib.suppress(OSError):  # where close(2) makes a request of its own
                os.close(fd)

    readers = [threading.Thread(target=read) for _ in range(number)]
    for reader in readers:
        reader.start()
    return readers, ended


@pytest.mark.parametrize(("kind", "number"), [("devfuse", 500), ("fusepy", 40)])
def test_stop_ends_everyone_who_waits(sample, mountpoint, kind, number):
    mounted = transport.mount(sample.tree, mountpoint, transport.MountOptions(kind))
    with mounted:
        readers, ended = blocked_readers(mountpoint / "dev/queue", number)
        until(lambda: readers_of(sample) == number, 60)  # they share an interpreter with us
        ours = [t for t in threading.enumerate() if t.name.startswith("rprocfs-")]
        assert len(ours) <= 2
        start = time.monotonic()
    took = time.monotonic() - start
    for reader in readers:
        reader.join(30)
    assert set(ended) == {errno.ENOTCONN}
    assert len(ended) == number
    assert took < SOON
    assert sample.queue.released == number


def test_who_waits_costs_nothing(sample, mountpoint):
    with transport.mount(sample.tree, mountpoint):
        readers, _ = blocked_readers(mountpoint / "dev/queue", 100)
        until(lambda: readers_of(sample) == 100, 60)
        before = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - before < 0.1
    for reader in readers:
        reader.join(20)


def test_an_open_file_after_the_end(sample, mountpoint, kind):
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(kind)):
        file = real.Real(mountpoint, kind).open("dev/queue", os.O_RDWR)
    with pytest.raises(OSError) as caught:
        file.write(b"x")
    with contextlib.suppress(OSError):  # where close(2) makes a request of its own
        file.close()
    assert caught.value.errno in (errno.ENOTCONN, errno.ECONNABORTED)
    assert sample.queue.released == 1


def test_stop_interrupts_what_sleeps(sample, mountpoint, kind):
    sample.gate.lock()
    codes = []

    def write():
        try:
            (mountpoint / "slow").write_text("go")
        except OSError as problem:
            codes.append(problem.errno)

    writer = threading.Thread(target=write)
    with transport.mount(sample.tree, mountpoint, transport.MountOptions(kind)):
        writer.start()
        until(lambda: len(sample.gate._queue) == 2)
    writer.join(10)
    sample.gate.unlock()
    assert len(codes) == 1
    assert sample.stores == []

"""flock(2) on files that are another inode each time that they are opened."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time

import pytest

PATHS = ["dev/queue", "dev/lazy", "slow", "rw"]


@pytest.fixture(params=PATHS)
def pair(request, mounted):
    """Two open files of one node."""
    fds = [os.open(mounted.at(request.param), os.O_RDWR | os.O_NONBLOCK) for _ in range(2)]
    yield fds
    for fd in fds:
        try:
            os.close(fd)
        except OSError:
            continue


def _refused(fd, kind):
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError as refusal:
        assert refusal.errno == errno.EAGAIN
        return True
    return False


def test_exclusive_and_shared(pair):
    one, other = pair
    assert not _refused(one, fcntl.LOCK_EX)
    assert not _refused(one, fcntl.LOCK_EX)
    assert _refused(other, fcntl.LOCK_SH)
    assert _refused(other, fcntl.LOCK_EX)
    assert not _refused(one, fcntl.LOCK_SH)
    assert not _refused(other, fcntl.LOCK_SH)
    assert _refused(one, fcntl.LOCK_EX)
    fcntl.flock(other, fcntl.LOCK_UN)
    fcntl.flock(other, fcntl.LOCK_UN)
    assert not _refused(one, fcntl.LOCK_EX)


def test_the_last_close_unlocks(pair):
    one, other = pair
    assert not _refused(one, fcntl.LOCK_EX)
    copy = os.dup(one)
    os.close(one)
    assert _refused(other, fcntl.LOCK_EX)
    os.close(copy)
    deadline = time.monotonic() + 5
    while _refused(other, fcntl.LOCK_EX):  # close(2) does not wait for its end
        assert time.monotonic() < deadline


WAITER = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
print("waiting", flush=True)
fcntl.flock(fd, fcntl.LOCK_EX)
print("locked", flush=True)
"""


@pytest.mark.parametrize("path", PATHS)
def test_waiting_for_a_lock(mounted, path):
    fd = os.open(mounted.at(path), os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
    waiters = [
        subprocess.Popen(
            [sys.executable, "-c", WAITER, mounted.at(path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for waiter in waiters:
        assert waiter.stdout.readline() == "waiting\n"
    time.sleep(0.1)
    waiters[0].send_signal(signal.SIGTERM)
    assert waiters[0].wait(20) == -signal.SIGTERM
    assert waiters[1].poll() is None
    os.close(fd)
    assert waiters[1].communicate(timeout=20) == ("locked\n", None)
    waiters[0].stdout.close()

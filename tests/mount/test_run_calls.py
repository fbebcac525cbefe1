"""System calls that are answered: a caller that is gone, or waits no more, is left alone."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rprocfs.fs.wait import WaitQueue, WouldBlock
from rprocfs_fuse.run import namespace, seccomp
from rprocfs_fuse.run.seccomp import Continue
from rprocfs_fuse.run.server import Server

ROOT = Path(__file__).parents[2]
TIMEOUT = 60
#: Filters itself, hands the listener over, and does what it is told: *calls* interrupted calls.
CALLER = """
import ctypes, os, signal, socket, sys
from rprocfs_fuse.run import seccomp
number, door, calls = int(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), int(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
arch, _ = seccomp.native()
listener = seccomp.install(seccomp.program(arch, [seccomp.Pick(number)]))
socket.send_fds(door, [b"l"], [listener] if listener is not None else [])
os.close(listener)
signal.signal(signal.SIGUSR1, lambda *_: None)
buffer = ctypes.create_string_buffer(16)
for _ in range(calls):
    libc.syscall(number, 3, buffer, 16)
    door.send(b"%d %r" % (ctypes.get_errno(), buffer.raw))
    door.recv(1)
"""


@pytest.fixture
def caller():
    """Starts the caller; its process, its end of the conversation, its listener."""
    native = seccomp.native()
    if native is None:
        pytest.skip("no filter for this machine")
    number = native[1]["syslog"]
    processes = []

    def start(calls):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(TIMEOUT)
        with theirs:
            argv = [sys.executable, "-c", CALLER, str(number), str(theirs.fileno()), str(calls)]
            process = subprocess.Popen(
                argv, pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"},
            )  # fmt: skip
        processes.append((process, ours))
        return process, ours, socket.recv_fds(ours, 1, 1)[1][0], number

    yield start
    for process, ours in processes:
        ours.close()
        process.kill()
        process.wait()


def test_a_call_that_was_interrupted_is_not_written_into(caller):
    """Its memory may be another's by then: a task's number is given to the next one."""
    process, door, listener, number = caller(1)
    found = []
    done = threading.Event()

    def answer(call):
        process.send_signal(signal.SIGUSR1)
        said = door.recv(100)
        for access in (lambda: call.read(call.args[1], 8), lambda: call.write(call.args[1], b"x")):
            try:
                found.append(access())
            except (Continue, OSError) as refused:
                found.append(type(refused))
        found.append(said)
        done.set()
        raise Continue

    server = Server(listener, {number: answer})
    try:
        assert done.wait(TIMEOUT)
    finally:
        server.close()
    assert found == [Continue, Continue, b"4 %r" % bytes(16)]


def test_calls_that_were_interrupted_are_forgotten(caller):
    process, door, listener, number = caller(50)
    queue, calls, asked = WaitQueue(), [], threading.Semaphore(0)

    def answer(call):
        calls.append(call.id)
        asked.release()
        raise WouldBlock(queue)

    server = Server(listener, {number: answer})
    try:
        for _ in range(50):
            for _ in range(2):  # it may have come in between
                assert asked.acquire(timeout=TIMEOUT)
            process.send_signal(signal.SIGUSR1)
            assert door.recv(100).startswith(b"4 ")
            door.send(b"g")
        assert len(set(calls)) == 50
        assert len(server._waiting) <= 1
    finally:
        server.close()


def test_a_call_that_is_held_holds_no_other(caller):
    """Nor what else the server waits for."""
    _, door, listener, number = caller(1)
    entered, let_go, news = threading.Semaphore(0), threading.Event(), threading.Event()
    begin, end = os.pipe()

    def answer(_call):
        entered.release()
        assert let_go.wait(TIMEOUT)
        return 7

    def heard():
        os.read(begin, 1)
        news.set()
        return True

    server = Server(listener, {number: answer}, {begin: heard})
    try:
        assert entered.acquire(timeout=TIMEOUT)
        os.write(end, b"x")
        assert news.wait(TIMEOUT)
        let_go.set()
        assert door.recv(100).startswith(b"0 ")
    finally:
        let_go.set()
        server.close()
        os.close(begin)
        os.close(end)
    assert not [thread for thread in threading.enumerate() if "rprocfs" in thread.name]


#: Filters itself, hands over a mount namespace and the listener, and enters it when told to.
LATE = """
import ctypes, os, signal, socket, sys
from rprocfs_fuse import linux
from rprocfs_fuse.run import namespace, seccomp
door = socket.socket(fileno=int(sys.argv[1]))
outside = namespace.open_mounts()
linux.unshare(linux.CLONE_NEWNS)
inside = namespace.open_mounts()
libc = ctypes.CDLL(None, use_errno=True)
assert libc.setns(outside, linux.CLONE_NEWNS) == 0
arch, _ = seccomp.native()
listener = seccomp.install(seccomp.program(arch, []))
socket.send_fds(door, [b"l"], [inside, listener])
os.close(listener)
door.recv(1)
libc.setns(inside, linux.CLONE_NEWNS)
signal.pause()
"""


def test_whoever_was_overlooked_is_looked_for_again(monkeypatch):
    """It was not there at the first look, as who forks on and on may not be."""
    if os.geteuid() or seccomp.native() is None:
        pytest.skip("not root, or no filter for this machine")
    monkeypatch.setattr(namespace, "_ROUNDS", 1000)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(TIMEOUT)
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", LATE, str(theirs.fileno())], pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"},
        )  # fmt: skip
        try:
            mounts, listener = socket.recv_fds(ours, 1, 2)[1]
            later = threading.Timer(0.1, ours.send, [b"g"])
            later.start()
            namespace.end(mounts, listener)
            later.join()
            assert process.wait(TIMEOUT) == -signal.SIGKILL
            os.close(mounts)
            os.close(listener)
        finally:
            process.kill()
            process.wait()

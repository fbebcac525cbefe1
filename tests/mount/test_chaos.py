"""`scripts/chaos`, for a minute and a half in CI and for seconds elsewhere."""

import errno
import importlib
import importlib.util
import io
import os
import re
import signal
import subprocess
import sys
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from tests.mount.conftest import needs_fuse

#: A process whose parent waits for it in state D, as vfork(2) does; both for a minute at most.
IN_STATE_D = """
import ctypes, time
CLONE_VFORK, SIGCHLD = 0x4000, 17
number = {"x86_64": 56, "aarch64": 220}[__import__("platform").machine()]
ctypes.CDLL(None).syscall(number, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)
time.sleep(60)
"""

CHAOS = Path(__file__).parents[2] / "scripts" / "chaos"
ROUNDS = [(60, 10, ["--seed", "1"]), (30, 5, [])]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("ci", "seconds", "more"), ROUNDS, ids=["fixed seed", "random seed"])
def test_chaos(ci, seconds, more):
    """Its first line, which a failure shows, has the seed."""
    needs_fuse()
    seconds = ci if os.environ.get("CI") else seconds
    command = [sys.executable, CHAOS, "--seconds", str(seconds), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.fixture
def processes(monkeypatch):
    monkeypatch.syspath_prepend(CHAOS.with_name("chaos.d"))
    yield importlib.import_module("processes")
    sys.modules.pop("processes")


def test_what_hangs_is_named(processes):
    """With what it waits for."""
    with subprocess.Popen([sys.executable, "-c", IN_STATE_D], start_new_session=True) as process:
        try:
            deadline = time.monotonic() + 60
            while not processes.uninterruptible():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            (found,) = processes.hung(0.3)
            assert f"/proc/{process.pid}/task/" in found
            assert "state D" in found
            assert re.search(r"in \w+, system call (56|220) ", found), found
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert not processes.hung(0)


class Undying:
    """A process that SIGKILL does not end: this one, which is not killed."""

    pid = os.getpid()

    def __init__(self):
        self.stdout = io.BytesIO(b"...")

    def kill(self):
        """It does not help."""

    def wait(self, timeout):
        """Never comes back in time."""
        raise subprocess.TimeoutExpired("client", timeout)


class Dead:
    """The board of a daemon that has ended."""

    mount = Path("board0")

    def usage(self):
        """There is no such process."""
        raise ProcessLookupError(errno.ESRCH, "No such process")

    def wait(self, done, _complaint):
        """It asks once."""
        done()

    quiet = complaints = close = lambda _self: None


@pytest.fixture
def chaos(processes):
    loader = SourceFileLoader("chaos", str(CHAOS))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("chaos", loader))
    loader.exec_module(module)
    return module


def test_a_client_that_does_not_die_is_named_among_the_rest(chaos, capsys, monkeypatch):
    """With what it waits for; the other checks are made, also on a daemon that is gone."""
    monkeypatch.setattr(chaos.processes, "hung", list)
    monkeypatch.setattr(chaos.processes, "descendants", list)
    clients = chaos.Clients([], 0, None)
    clients._kill([Undying(), Undying()])
    assert clients.count == 600
    found = chaos.judge([Dead()], clients, [{}], [1000], [0], 1)
    assert found[0].count(f"a client cannot be killed: /proc/{os.getpid()}") == 2
    assert found[1:] == ["board0: [Errno 3] No such process", "board0: the daemon is gone"]
    assert capsys.readouterr().out.splitlines() == [
        "all: clients can be killed, and nothing else ends: FAILED",
        "all: no process or thread hangs in state D",
        "board0: nothing left: FAILED",
        "board0: RSS 1000 to 0 KiB: FAILED",
        "board0: unmounted, daemon ended",
        "board0: no traceback, no report of lockdep",
        "all: no process remains",
    ]

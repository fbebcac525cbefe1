"""`scripts/chaos`, for a minute and a half in CI and for seconds elsewhere."""

import importlib
import os
import re
import signal
import subprocess
import sys
import time
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

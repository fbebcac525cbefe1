"""What every test is held to: it leaves no thread, process, file descriptor or mount behind."""

import gc
import os
import shutil
import subprocess
import threading
import time
from functools import partial
from pathlib import Path

import pytest

pytest_plugins = ["tests.lockdep", "tests.sshd", "tests.watchdog"]


def _threads():
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def _descriptors():
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
    return {(fd, where) for fd, where in found.items() if not where.startswith("/proc/")}


def _children():
    found = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found.update((task / "children").read_text().split())
        except OSError:
            continue
    return found


def _mounts(base):
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    # Those of this run: others may be mounting and unmounting meanwhile.
    return {line.split()[4] for line in lines if "rprocfs" in line and f"{base}/" in line}


_KINDS = {
    "threads": _threads,
    "descriptors": _descriptors,
    "processes": _children,
}


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path_factory):
    kinds = {**_KINDS, "mounts": partial(_mounts, tmp_path_factory.getbasetemp())}
    before = {kind: look() for kind, look in kinds.items()}
    yield
    gc.collect()  # objects that only refer to each other are no leak
    deadline = time.monotonic() + 3
    while True:
        left = {kind: look() - before[kind] for kind, look in kinds.items()}
        if not any(left.values()):
            return
        if time.monotonic() > deadline:
            pytest.fail(f"left behind: { {kind: what for kind, what in left.items() if what} }")
        time.sleep(0.02)


@pytest.fixture
def dtc():
    """Runs dtc on bytes; fails on any warning, unless *warnings* may be."""
    if shutil.which("dtc") is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("no dtc (Debian: device-tree-compiler)")

    def run(source, into, data, *, warnings=False, sort=False):
        command = ["dtc", *(["-s"] if sort else []), "-I", source, "-O", into, "-"]
        done = subprocess.run(command, check=False, input=data, capture_output=True, timeout=20)
        assert done.returncode == 0, done.stderr.decode()
        assert warnings or done.stderr == b""
        return done.stdout

    return run

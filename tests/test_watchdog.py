"""A test that nothing else ends is ended, and fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mount.conftest import needs_fuse

ROOT = Path(__file__).parents[1]
#: A file of the mount is closed by what holds the interpreter's lock, and waits for the server.
HANGS = """
import os

from rprocfs_fuse import transport
from tests.mount.sample import Sample

def test_hangs(tmp_path):
    directory = tmp_path / "a mount"
    directory.mkdir()
    with transport.mount(Sample().tree, directory, transport.MountOptions("fusepy")):
        fd = os.open(directory / "rw", os.O_RDWR)
        close = [(os.POSIX_SPAWN_CLOSE, fd)]
        pid = os.posix_spawn("/bin/true", ["true"], {}, file_actions=close)
        os.waitpid(pid, 0)

def test_the_next(tmp_path):
    pass
"""


def test_a_hang_in_the_kernel(tmp_path):
    needs_fuse()
    if os.geteuid():
        pytest.skip("only root has the control filesystem of FUSE for sure")
    (tmp_path / "test_it.py").write_text(HANGS)
    words = ["-q", "-p", "no:cacheprovider", "-p", "tests.watchdog", "-o", "timeout=1"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, f"--basetemp={tmp_path}/temp", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/mount"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "test_it.py::test_hangs: hung (" in done.stdout
    assert "a mount was aborted" in done.stdout

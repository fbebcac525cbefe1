import shutil
import subprocess

import pytest


@pytest.fixture
def dtc():
    """Runs dtc on bytes or text; fails on any warning."""
    if shutil.which("dtc") is None:
        pytest.skip("no dtc (Debian: device-tree-compiler)")

    def run(source, into, data):
        command = ["dtc", "-I", source, "-O", into, "-"]
        done = subprocess.run(command, check=False, input=data, capture_output=True, timeout=20)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stderr == b""
        return done.stdout

    return run

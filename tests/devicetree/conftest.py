import shutil
import subprocess

import pytest


@pytest.fixture
def dtc():
    """Runs dtc on bytes; fails on any warning, unless *warnings* may be."""
    if shutil.which("dtc") is None:
        pytest.skip("no dtc (Debian: device-tree-compiler)")

    def run(source, into, data, *, warnings=False):
        command = ["dtc", "-I", source, "-O", into, "-"]
        done = subprocess.run(command, check=False, input=data, capture_output=True, timeout=20)
        assert done.returncode == 0, done.stderr.decode()
        assert warnings or done.stderr == b""
        return done.stdout

    return run

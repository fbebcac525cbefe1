"""`scripts/chaos`, for a minute and a half in CI and for seconds elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mount.conftest import needs_fuse

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

"""What is looked for in the saved context of a core."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from rprocfs.engines.unicorn.engine import library
from rprocfs.engines.unicorn.libunicorn import Unicorn
from rprocfs.engines.unicorn.state import State, Unknown
try:
    state = State(Unicorn(library(), sys.argv[1]))
    state.set_ctrl(5)
    state.align(True)
    found = bool(state.rbar[7] == 0 and state.fault() == (0, 0, False))
except Unknown:
    found = None
print(found, flush=True)
os._exit(0)  # an instance that is alive at the end brings Python down
"""


@pytest.mark.parametrize(
    ("core", "found"),
    [("cortex-m3", "True"), ("cortex-m4", "True"), ("cortex-m7", "True"), ("cortex-r5f", "None")],
)
def test_it_is_found_where_there_is_one(core, found):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, core], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == found

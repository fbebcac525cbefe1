"""Every case recorded on a kernel, under rprocfs run, against the kernel's transcripts."""

import os
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / "tests" / "oracle"
#: Half a minute each.
RUNS = {
    "devfuse": [],
    "fusepy": ["--transport", "fusepy"],
    "6.1": ["--kernel", "6.1"],
}


def _missing():
    if os.geteuid():
        return "not root"
    if not os.path.exists("/dev/fuse"):
        return "/dev/fuse is missing"
    programs = [name for name in ("cc", "dmesg", "timeout") if shutil.which(name) is None]
    return f"{', '.join(programs)} missing" if programs else None


@pytest.mark.parametrize("arguments", RUNS.values(), ids=RUNS)
def test_every_case(arguments):
    if missing := _missing():
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"{missing}: the recorded cases are not run")
    command = [sys.executable, str(ROOT / "scripts" / "oracle"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.endswith(" passed, 0 failed")
    assert int(last.split()[0]) == len(list((ORACLE / "cases").glob("*.sh")))


def test_deviations_are_few():
    """At most three in a hundred cases: more would be another filesystem."""
    table = tomllib.loads((Path(__file__).parent / "deviations.toml").read_text())["deviation"]
    assert all(rule["reason"] and rule["kernel"] for rule in table)
    cases = [case.stem for case in (ORACLE / "cases").glob("*.sh")]
    globs = [glob for rule in table for glob in rule["cases"]]
    deviating = [case for case in cases if any(fnmatch(case, glob) for glob in globs)]
    assert 0 < len(deviating) <= 0.03 * len(cases)

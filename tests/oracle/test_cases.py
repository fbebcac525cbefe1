"""Every case recorded on a kernel, under rprocfs run, against the kernel's transcripts."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from rprocfs.kernel import DEFAULT, FEATURES, find_kernel

ROOT = Path(__file__).parents[2]
ORACLE = ROOT / "tests" / "oracle"
#: Half a minute each.
RUNS = {
    "devfuse": [],
    "fusepy": ["--transport", "fusepy"],
    "6.1": ["--kernel", "6.1"],
    "7.3": ["--kernel", "7.3"],
    "7.3-fusepy": ["--kernel", "7.3", "--transport", "fusepy"],
}
#: What drivers of boards do, and where it is tested: the cases have the simulated processor only.
OF_DRIVERS = {
    "xlnx-r5-no-recovery": "test_xlnx_r5.py", "xlnx-r5-node-status": "test_xlnx_r5_attach.py",
    "xlnx-r5-region-resource": "test_xlnx_r5.py", "xlnx-r5-auto-boot": "test_xlnx_r5_attach.py",
    "xlnx-r5-attach-on-recovery": "test_xlnx_r5_attach.py", "k3-r5-sequence": "test_ti_k3.py",
}  # fmt: skip
SEEN = [feature for feature in FEATURES if feature.name not in OF_DRIVERS]
#: On both sides of every row of the table of kernels.
RELEASES = ("6.1.176", "6.1", "6.12.107", "6.12", "6.18", "7.1", "7.2", "7.3", "next")


def _missing():
    if os.geteuid():
        return "not root"
    if not os.path.exists("/dev/fuse"):
        return "/dev/fuse is missing"
    programs = [name for name in ("cc", "dmesg", "timeout") if shutil.which(name) is None]
    return f"{', '.join(programs)} missing" if programs else None


def _oracle(*arguments):
    """The last line of `scripts/oracle`, in which nothing failed."""
    if missing := _missing():
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"{missing}: the recorded cases are not run")
    command = [sys.executable, str(ROOT / "scripts" / "oracle"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.endswith(" passed, 0 failed")
    return int(last.split()[0])


@pytest.mark.parametrize("arguments", RUNS.values(), ids=RUNS)
def test_every_case(arguments):
    assert _oracle(*arguments) == len(list((ORACLE / "cases").glob("*.sh")))


@pytest.mark.parametrize("release", RELEASES)
def test_what_kernels_do_differently(release):
    assert _oracle("--features", "--kernel", release) == len(SEEN)


@pytest.mark.parametrize("name", OF_DRIVERS)
def test_a_feature_of_a_driver_is_tested_there(name):
    """As a kernel that has it, and as one that does not."""
    (feature,) = (feature for feature in FEATURES if feature.name == name)
    test = (ROOT / "tests" / "drivers" / OF_DRIVERS[name]).read_text()
    named = [find_kernel(text) for text in re.findall(r'find_kernel\("([0-9.]+)"\)', test)]
    assert {kernel.has(feature) for kernel in (DEFAULT, *named)} == {False, True}


@pytest.mark.parametrize("feature", SEEN, ids=lambda feature: feature.name)
def test_a_feature_can_be_seen(feature):
    """Its case prints something else with it than without it, and both are run."""
    case = ORACLE / "features" / f"{feature.name}.with.txt"
    assert case.read_text() != case.with_suffix("").with_suffix(".without.txt").read_text()
    assert {find_kernel(release).has(feature) for release in RELEASES} == {False, True}


def test_the_page_names_cases_that_are_there():
    page = (ROOT / "docs" / "reference" / "kernel.md").read_text()
    named = {n for group in re.findall(r"\((\d{3}[\d, to\n]*)\)", page)
             for n in re.findall(r"\d{3}", group)}  # fmt: skip
    assert len(named) > 40
    assert named <= {case.name[:3] for case in (ORACLE / "cases").glob("*.sh")}


def test_deviations_are_few():
    """At most three in a hundred cases: more would be another filesystem."""
    table = tomllib.loads((Path(__file__).parent / "deviations.toml").read_text())["deviation"]
    assert all(rule["reason"] and rule["kernel"] for rule in table)
    cases = [case.stem for case in (ORACLE / "cases").glob("*.sh")]
    globs = [glob for rule in table for glob in rule["cases"]]
    deviating = [case for case in cases if any(fnmatch(case, glob) for glob in globs)]
    assert 0 < len(deviating) <= 0.03 * len(cases)

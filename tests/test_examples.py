"""The examples without a package: their tests pass, as a user runs them."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.mount.conftest import needs_fuse
from tests.sessions import ROOT

EXAMPLES = sorted(
    path.parent.name
    for path in (ROOT / "examples").glob("*/tests")
    if not (path.parent / "pyproject.toml").exists()
)


def test_there_are_some():
    assert {"shell-script", "serial-service"} <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_tests_pass(name, tmp_path):
    needs_fuse()
    shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    plugin = ["-p", "no:rprocfs", "-p", "rprocfs_fuse.testing.plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin], cwd=tmp_path / name,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_each_example_says_what_it_is_and_is_listed():
    listed = re.findall(
        r"^\| \[(\S+)\]\(\1\)", (ROOT / "examples/README.md").read_text(), re.MULTILINE
    )
    there = [path for path in (ROOT / "examples").iterdir() if path.is_dir()]
    assert sorted(listed) == sorted(path.name for path in there)
    for path in there:
        assert (path / "README.md").exists(), path

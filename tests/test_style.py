"""The linters, with the configuration of pyproject.toml."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _tool(name):
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed: pip install .[test]")
    return found


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--no-cache", "."],
        ["ruff", "format", "--no-cache", "--check", "."],
        ["mypy"],
    ],
    ids=" ".join,
)
def test_clean(command, tmp_path):
    if command[0] == "mypy":
        command = [*command, "--cache-dir", str(tmp_path)]
    done = subprocess.run(
        [_tool(command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_else_is_at_the_top():
    """A file that was downloaded there, say: what is at the top level is fixed."""
    built = {"build", "dist", "rprocfs.egg-info"}
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert names - built == {
        "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "docs",
        "examples", "mount", "pyproject.toml", "rprocfs", "scripts", "tests",
    }  # fmt: skip

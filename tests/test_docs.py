"""The documentation: it builds without a warning, and what it shows is run as it stands there.

A ``console`` block is typed into one shell a page, in an empty directory; ``...`` in its
output stands for anything. A ``code-block`` with a caption is a file of that name.
"""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rprocfs_fuse.mountpoint import find_mount, unmount
from tests.mount.conftest import needs_fuse

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if "```console" in path.read_text()
)
BLOCK = re.compile(
    r"^```(console|\{code-block\} \w+)\n(?::caption: (\S+)\n\n?)?(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PREAMBLE = "exec 2>&1\nmark() { local status=$?; printf '\\001'; return $status; }\n"
TOOLS = {
    "rprocfs": "-m rprocfs",
    "pytest": "-m pytest -p no:rprocfs -p rprocfs_fuse.testing.plugin",
}


def _commands(block):
    """The commands of a block, each with what it prints."""
    found = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif line.startswith("> ") and not found[-1][1]:
            found[-1][0] += line[2:]
        else:
            found[-1][1] += line
    return found


def _parse(page):
    files, commands = {}, []
    for kind, caption, text in BLOCK.findall((DOCS / page).read_text()):
        if kind == "console":
            commands += _commands(text)
        elif caption:
            files[caption] = text
    return files, commands


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows(page, tmp_path):
    needs_fuse()
    files, commands = _parse(page)
    here = tmp_path / "here"
    for name, text in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
        (here / name).chmod(0o755)
    here.mkdir(exist_ok=True)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, words in TOOLS.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (tools / name).chmod(0o755)
    script = PREAMBLE + "".join(f"mark\n{command}" for command, _ in commands)
    try:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=here,
            env=os.environ
            | {
                "PATH": f"{tools}:{os.environ['PATH']}",
                "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}",
                "LC_ALL": "C",
                "PYTEST_ADDOPTS": "-p no:cacheprovider",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        _check_unmounted(here)
    _, *outputs = done.stdout.split("\001")
    checker = doctest.OutputChecker()
    for (command, expected), printed in zip(commands, outputs, strict=False):
        output = printed and printed.rstrip("\n") + "\n"
        assert checker.check_output(expected, output, doctest.ELLIPSIS), f"$ {command}{output}"
    assert len(outputs) == len(commands), done.stdout


def _check_unmounted(here):
    left = [str(path) for path in here.iterdir() if find_mount(str(path))]
    for path in left:
        unmount(path, lazy=True)
    assert not left, "the page does not unmount what it mounts"


def test_it_builds(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "-q"]
    done = subprocess.run(
        [*command, "-d", tmp_path / "doctrees", DOCS, tmp_path / "html"],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "html/reference/files.html").read_text()
    assert "recovery" in reference

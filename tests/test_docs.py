"""The documentation: it builds without a warning, and what it shows is run as it stands there."""

import os
import subprocess
import sys

import pytest

from tests import sessions
from tests.mount.conftest import needs_fuse
from tests.sessions import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(
    str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if "```console" in path.read_text()
)
TOOLS = {
    "rprocfs": "-m rprocfs",
    "pytest": "-m pytest -p no:rprocfs -p rprocfs_fuse.testing.plugin",
}


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows(page, tmp_path):
    needs_fuse()
    files, blocks = sessions.parse((DOCS / page).read_text())
    here, tools = tmp_path / "here", tmp_path / "bin"
    here.mkdir()
    tools.mkdir()
    for name, text in files.items():
        (here / name).write_text(text)
        (here / name).chmod(0o755)
    for name, words in TOOLS.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (tools / name).chmod(0o755)
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}",
        "PYTEST_ADDOPTS": "-p no:cacheprovider" + ("" if "labgrid" in page else " -p no:labgrid"),
    }
    sessions.play([command for block in blocks for command in block], here, environment)


def test_the_keys_of_a_board_file_are_there_to_be_read():
    """docs/reference/board.md is in the repository; building the documentation writes it."""
    script = "import generate, sys; sys.stdout.write(generate.board())"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=DOCS, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": f"{DOCS}:{ROOT}:{ROOT / 'mount'}"},
    )  # fmt: skip
    same = (DOCS / "reference/board.md").read_text() == done.stdout
    assert same, "docs/reference/board.md is old: build the documentation, and commit it"


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

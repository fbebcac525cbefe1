"""The documentation: it builds without a warning, and what it shows is run as it stands there."""

import os
import re
import subprocess
import sys

import pytest
import yaml

from tests import sessions
from tests.mount.conftest import needs_fuse
from tests.sessions import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(
    str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if "```console" in path.read_text()
)
NEWCOMER = "first-ci-job.md"
TOOLS = {
    "rprocfs": "-m rprocfs",
    "pytest": "-m pytest -p no:rprocfs -p rprocfs_fuse.testing.plugin",
}


@pytest.mark.parametrize("page", [page for page in PAGES if page != NEWCOMER])
def test_what_a_page_shows(page, tmp_path):
    needs_fuse()
    here, commands = _follow(page, tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, words in TOOLS.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (tools / name).chmod(0o755)
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'mount'}",
        "PYTEST_ADDOPTS": "-p no:cacheprovider" + ("" if "labgrid" in page else " -p no:labgrid"),
    }
    sessions.play(commands, here, environment)


def _follow(page, tmp_path):
    """A directory with the files that the page says to save, and the commands of the page."""
    files, blocks = sessions.parse((DOCS / page).read_text())
    here = tmp_path / "here"
    here.mkdir()
    for name, text in files.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
        (here / name).chmod(0o755)
    return here, [command for block in blocks for command in block]


@pytest.mark.timeout(700)
def test_what_a_newcomer_does(tmp_path):
    """From the clone on, of what is committed here, with nothing of this environment."""
    here, commands = _follow(NEWCOMER, tmp_path)
    away = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{ROOT}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/rprocfs/rprocfs",
        "PATH": _path_without_ours(),
        "PYTHONPATH": "",
        "PIP_QUIET": "2",  # some machines have settings that it warns of
    }
    sessions.play(commands, here, away, limit=600)


def _path_without_ours():
    ours = os.path.dirname(sys.executable)
    return os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != ours)


def test_what_a_newcomer_installs_is_what_a_bare_machine_of_ci_gets():
    text = (DOCS / NEWCOMER).read_text()
    wanted = re.findall(r"apt-get install (?:-y )?(.*)", text)
    ours = [(ROOT / "scripts" / name).read_text() for name in ("test", "venv")]
    there = {word for script in ours for word in script.split()} | {"git"}
    assert len(wanted) == 2
    assert {word for line in wanted for word in line.split()} <= there


def test_the_job_of_a_newcomer_runs_the_script_that_was_tried():
    files, _ = sessions.parse((DOCS / NEWCOMER).read_text())
    steps = yaml.safe_load(files[".github/workflows/firmware.yml"])["jobs"]["boot"]["steps"]
    assert steps[-1] == {"run": "./ci"}
    (action,) = (step["uses"] for step in steps if "rprocfs/" in step.get("uses", ""))
    directory = action.partition("@")[0].removeprefix("rprocfs/rprocfs/")
    assert (ROOT / directory / "action.yml").exists()


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

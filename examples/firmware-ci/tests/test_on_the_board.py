"""on-the-board with images that boot, crash, are refused, and run too little."""

import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
IMAGES = files("rprocfs") / "firmware"
READY = "announced rpmsg-raw"


@pytest.fixture
def job(tmp_path):
    """Run the script, with this environment's rprocfs; the command that ended."""
    rprocfs = tmp_path / "rprocfs"
    rprocfs.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rprocfs "$@"\n')
    rprocfs.chmod(0o755)

    def run(*words):
        path = f"{tmp_path}:{os.environ['PATH']}"
        return subprocess.run(
            [HERE / "on-the-board", *words], cwd=tmp_path, env=os.environ | {"PATH": path},
            capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with firmware; its image has lines."""
    path = tmp_path_factory.mktemp("project") / "app"
    command = [sys.executable, "-m", "rprocfs", "firmware", "new", path]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["make", "-s", "-C", path], check=True)
    return path


def test_an_image_of_a_real_board(job):
    done = job("stm32mp157", IMAGES / "stm32mp1-echo.elf", "the M4 runs at")
    assert done.returncode == 0, done.stderr
    assert "the M4 runs at" in done.stdout.splitlines()[-1]


def test_lines_that_ran(job, project, tmp_path):
    words = (project / "board.toml", project / "firmware.elf", READY)
    done = job(*words, "30")
    assert done.returncode == 0, done.stderr
    assert "main.c" in done.stdout
    assert "SF:" in (tmp_path / "lcov.info").read_text()
    assert job(*words, "100").returncode == 1


def test_a_crash_has_its_line(job, project):
    source = (project / "main.c").read_text()
    broken = source.replace("vsoc_heartbeat(500);", "*(volatile int *)0xfffffff0 = 0;")
    line = 1 + broken[: broken.index("0xfffffff0")].count("\n")
    (project / "broken.c").write_text(broken)
    makefile = (project / "Makefile").read_text()
    makefile = makefile.replace("main.c", "broken.c").replace("firmware.elf", "broken.elf")
    make = ["make", "-s", "-C", project, "-f", "-", "broken.elf"]
    subprocess.run(make, input=makefile, text=True, check=True)
    done = job(project / "board.toml", project / "broken.elf", READY)
    assert done.returncode == 1
    assert f"/broken.c:{line}\n" in done.stdout
    assert done.stderr == "rprocfs: the processor crashed\n"


def test_an_image_for_another_processor(job):
    done = job("stm32mp157", IMAGES / "echo-rv32.elf", READY)
    assert done.returncode == 1
    assert "refused with EINVAL" in done.stdout


def test_the_workflow_runs_the_script():
    text = (HERE / ".github/workflows/firmware.yml").read_text()
    assert re.search(r"^ +- run: \./on-the-board stm32mp157 ", text, re.MULTILINE)

"""boot-m4 on boards that have an m4, that have it elsewhere, and that have none."""

from importlib.resources import files
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "boot-m4"
IMAGES = files("rprocfs") / "firmware"
M4_IS_SECOND = """
[[remoteproc]]
compatible = "rprocfs,sim"
label = "dsp"

[[remoteproc]]
compatible = "rprocfs,cortex-m4"
label = "m4"
"""
NO_M4 = '[[remoteproc]]\ncompatible = "rprocfs,sim"\nlabel = "dsp"\n'


@pytest.fixture
def boot_m4(rproc_run):
    """Run the script; the command that ended."""
    return lambda image: rproc_run([SCRIPT, image], capture_output=True, text=True)


def test_it_boots(boot_m4, rproc):
    assert boot_m4("echo.elf").stdout == "m4 is running\n"
    assert rproc.channel("rpmsg-raw").request(b"hello") == b"hello"


def test_one_that_runs_already(boot_m4, rproc):
    rproc.boot("trace.elf")
    assert boot_m4("echo.elf").returncode == 0
    rproc.expect("echo: started")


@pytest.mark.rproc_board(toml=M4_IS_SECOND, firmware=IMAGES)
def test_another_number(boot_m4, rproc_board):
    assert boot_m4("echo.elf").returncode == 0
    assert rproc_board.rproc("m4").state == "running"
    assert rproc_board.rproc("dsp").state == "offline"


@pytest.mark.rproc_board(toml=NO_M4)
def test_no_m4(boot_m4):
    done = boot_m4("echo.elf")
    assert (done.returncode, done.stderr) == (2, "boot-m4: there is no m4\n")


def test_it_says_why_not(boot_m4):
    done = boot_m4("missing.elf")
    assert done.returncode == 1
    assert "missing.elf does not boot: " in done.stderr
    assert done.stderr.endswith("Boot failed: -2\n")

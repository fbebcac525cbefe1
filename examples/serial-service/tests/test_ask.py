"""ask.py on an STM32MP157 whose firmware echoes what comes on /dev/ttyRPMSG0."""

import sys
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[1] / "ask.py"

pytestmark = pytest.mark.rproc_board("stm32mp157")


@pytest.fixture
def ask(rproc_board, rproc_run):
    """Run the service; the command that ended."""

    def run(lines):
        rproc_board.wait_for("dev/ttyRPMSG0")
        command = [sys.executable, SERVICE, "/dev/ttyRPMSG0"]
        return rproc_run(command, input=lines, capture_output=True, timeout=60)

    return run


def test_lines_are_answered(rproc, ask):
    rproc.boot("stm32mp1-echo.elf")
    done = ask(b"one\n" + b"x" * 400 + b"\n" + bytes([3, 17, 19, 255]) + b"\n")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"one\n" + b"x" * 400 + b"\n" + bytes([3, 17, 19, 255]) + b"\n"


def test_firmware_that_is_booted_again(rproc, ask):
    for _ in range(2):
        rproc.boot("stm32mp1-echo.elf")
        assert ask(b"hello\n").stdout == b"hello\n"
        rproc.stop()


def test_without_firmware_there_is_no_port(rproc, rproc_run):
    assert rproc.state == "offline"
    done = rproc_run(
        [sys.executable, SERVICE, "/dev/ttyRPMSG0"], input=b"", capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert b"No such file or directory" in done.stderr

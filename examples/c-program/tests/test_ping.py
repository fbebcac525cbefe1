"""ping.c on a board whose firmware echoes what comes to the address 0x401."""

import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "ping.c"


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("ping") / "ping"
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", path, SOURCE], check=True)
    return path


@pytest.fixture
def ping(program, rproc_run):
    """Run the program; the command that ended."""
    return lambda *words: rproc_run([program, *words], capture_output=True, text=True, timeout=60)


@pytest.fixture
def booted(rproc, rproc_board):
    rproc.boot("echo.elf")
    rproc_board.wait_for("dev/rpmsg_ctrl0")
    rproc_board.wait_for("dev/rpmsg0")  # the driver's, of the channel rpmsg-raw
    return rproc_board


def test_the_firmware_answers(booted, ping):
    done = ping("0x401", "hello", "60")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


def test_the_endpoint_is_gone_afterwards(booted, ping):
    for _ in range(3):
        assert ping("0x401", "hello", "60").returncode == 0
    assert [node.name for node in booted.path.glob("dev/rpmsg[0-9]*")] == ["rpmsg0"]


def test_no_answer(rproc, rproc_board, ping):
    """This image waits for words that it knows."""
    rproc.boot("crash.elf")
    rproc_board.wait_for("dev/rpmsg_ctrl0")
    done = ping("0x400", "hang", "1")
    assert (done.returncode, done.stderr) == (3, "ping: no answer\n")


def test_no_firmware_no_endpoint(ping):
    done = ping("0x401", "hello", "60")
    assert (done.returncode, done.stderr) == (1, "/dev/rpmsg_ctrl0: No such file or directory\n")


def test_wrong_words(ping):
    done = ping("0x401")
    assert (done.returncode, done.stderr) == (2, "usage: ping ADDRESS TEXT [SECONDS]\n")

"""Programs written for the kernel's headers only, on boards whose firmware is real."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rprocfs.testing.images import IMAGES
from rprocfs_fuse.testing.board import RprocBoard
from tests.examples import SCALE
from tests.mount.conftest import needs_fuse

HERE = Path(__file__).parent
R0 = "sys/class/remoteproc/remoteproc0"
BOARD = """
firmware-directory = "{firmware}"

[[remoteproc]]
compatible = "{compatible}"
firmware-name = "{name}"
{more}
"""
#: As many as there are sizes, twice; RPROCFS_EXAMPLES=100 makes it 100,000.
COUNT = 1000 * SCALE


@pytest.fixture
def start(tmp_path):
    """Boots a board and waits for a node."""
    needs_fuse()
    boards = []

    def start_board(node, **words):
        file = tmp_path / "board.toml"
        file.write_text(BOARD.format(**words))
        board = RprocBoard("--board", str(file))
        boards.append(board)
        (board.path / R0 / "state").write_text("start")
        deadline = time.monotonic() + 20
        while not (board.path / node).exists():
            assert time.monotonic() < deadline, board.dmesg()
            time.sleep(0.01)
        return board

    yield start_board
    for board in boards:
        board.close()


@pytest.fixture(params=["unicorn", "qemu"])
def echo(request, start):
    """A Cortex-M4 that echoes at 0x401."""
    if request.param == "qemu" and shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")
    firmware = Path(sys.modules["rprocfs"].__file__).parent / "firmware"
    board = start(
        "dev/rpmsg0", firmware=firmware, compatible="rprocfs,cortex-m4", name="echo.elf",
        more=f'engine = "{request.param}"',
    )  # fmt: skip
    assert (board.path / "dev/rpmsg_ctrl0").exists()
    return board


@pytest.fixture(params=["c", "python"])
def program(request, tmp_path):
    """The command line of a program."""
    if request.param == "python":
        return [sys.executable, HERE / "rpmsg_stress.py"]
    binary = tmp_path / "rpmsg_stress"
    command = ["cc", "-Wall", "-Wextra", "-Werror", "-O2", "-o", binary, HERE / "rpmsg_stress.c"]
    subprocess.run(command, check=True)
    return [binary]


@pytest.mark.parametrize("how", ["poll", "epoll"])
def test_messages_of_every_size(echo, program, how):
    done = echo.run(
        [*program, str(COUNT), "0x401", how],
        capture_output=True, text=True, timeout=60 + COUNT // 500,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"{COUNT} messages\n", "")


@pytest.fixture
def bench(tmp_path):
    binary = tmp_path / "rpmsg_bench"
    source = HERE / "rpmsg_bench.c"
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-O2", "-o", binary, source], check=True)
    return binary


@pytest.mark.parametrize("how", ["block", "poll"])
@pytest.mark.parametrize("size", [1, 496])
def test_round_trips_as_benchmarks_do_them(echo, bench, size, how):
    for node in ("/dev/rpmsg_ctrl0",) * 2:  # the endpoint of the first run is gone
        done = echo.run(
            [bench, node, str(COUNT), str(size), how],
            capture_output=True, text=True, timeout=60 + COUNT // 100,
        )  # fmt: skip
        assert done.stdout.startswith(f"messages {COUNT} failures 0 us "), done.stderr
        assert (done.returncode, done.stderr) == (0, "")


def test_a_serial_port(start, tmp_path):
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "good.elf").write_bytes(IMAGES["good.elf"].make())
    board = start(
        "dev/ttyRPMSG0", firmware=firmware, compatible="rprocfs,sim", name="good.elf",
        more='services = "rpmsg-tty@1025"',
    )  # fmt: skip
    program = [sys.executable, HERE / "serial_echo.py", "/dev/ttyRPMSG0"]
    done = board.run(program, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("serial: ok\n", "")

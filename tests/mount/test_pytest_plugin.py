"""The plugin as its users use it: in test files of their own, run by pytest."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rprocfs.cli import main
from rprocfs_fuse.testing.board import BoardError, RprocBoard
from tests.drivers.r5_debuggee import debuggee
from tests.mount.test_mount_command import BOARD, ENVIRONMENT

__all__ = ["debuggee"]  # a fixture that is elsewhere
R0 = "sys/class/remoteproc/remoteproc0"
CONFTEST = 'pytest_plugins = ["rprocfs_fuse.testing.plugin"]\n'


@pytest.fixture
def pytester(tmp_path):
    """Run a test file; what pytest printed."""

    def run(text, *words, before=()):
        (tmp_path / "conftest.py").write_text(CONFTEST)
        (tmp_path / "test_it.py").write_text(text)
        pytest_words = ["-m", "pytest", "-q", "-p", "no:rprocfs", *words, str(tmp_path)]
        done = subprocess.run(
            [*before, sys.executable, *pytest_words],
            env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.stdout

    return run


def test_a_board_and_a_script(pytester, tmp_path):
    (tmp_path / "boot.sh").write_text(
        f"#!/bin/sh\ncd /{R0}\necho echo.elf >firmware\necho start >state\n"
    )
    output = pytester(
        f"""
        def test_boot(rproc_board, rproc_run):
            rproc_run(["sh", "boot.sh"], check=True)
            assert (rproc_board.path / "{R0}/state").read_text() == "running\\n"
            assert "is now up" in rproc_board.dmesg()

        def test_another_board(rproc_board):
            assert (rproc_board.path / "{R0}/state").read_text() == "offline\\n"
    """.replace("\n        ", "\n")
    )
    assert "2 passed" in output


def test_the_marker(pytester, tmp_path):
    (tmp_path / "board.toml").write_text(BOARD.replace('"sim"', '"other"'))
    (tmp_path / "images").mkdir()
    (tmp_path / "images/mine").touch()
    output = pytester(
        f"""
        import pytest

        @pytest.mark.rproc_board("board.toml", firmware="images", options="kernel=6.1")
        def test_file(rproc_board, rproc_run):
            assert (rproc_board.path / "{R0}/name").read_text() == "other\\n"
            assert rproc_run(["ls", "/lib/firmware"], capture_output=True).stdout == b"mine\\n"

        @pytest.mark.rproc_board(toml='''{BOARD}''')
        def test_text(rproc_board):
            assert (rproc_board.path / "{R0}/name").read_text() == "sim\\n"
    """.replace("\n        ", "\n")
    )
    assert "2 passed" in output


def test_what_a_failure_shows(pytester):
    output = pytester(
        """
        import pytest

        def test_fails(rproc_board):
            assert False

        @pytest.mark.rproc_board("missing.toml")
        def test_no_board(rproc_board):
            pass
    """.replace("\n        ", "\n")
    )
    assert "Kernel log of the board" in output
    assert "remoteproc remoteproc0: m4 is available" in output
    assert "rproc_board: rprocfs: " in output
    assert "missing.toml: No such file or directory" in output
    assert "1 failed, 1 error" in output


def test_what_a_failure_shows_of_a_processor(pytester):
    output = pytester(
        """
        def test_talks(rproc):
            rproc.boot("echo.elf")
            assert rproc.channel("rpmsg-raw").request(b"hello") == b"hello"
            rproc.expect("ready", timeout=0.1)
    """.replace("\n        ", "\n")
    )
    assert "RprocTimeout: waited 0.1 s for 'ready' on kernel, trace of remoteproc0" in output
    assert "- Processor remoteproc0 -" in output
    assert "state: running\nfirmware: echo.elf\ntrace0: echo: started\n" in output
    assert "trace0: echo: bytes 0x5\n" in output
    assert "1 failed" in output


@pytest.mark.parametrize("board", ["imx8mp", "zynqmp"])
def test_a_marker_with_the_name_of_a_ready_board(pytester, board):
    output = pytester(
        f"""
        import pytest

        @pytest.mark.rproc_board("{board}")
        def test_name(rproc, rproc_board):
            assert rproc.name == "remoteproc0"
            assert rproc.state in ("offline", "running", "detached")
            model = rproc_board.path / "proc/device-tree/model"
    """.replace("\n        ", "\n")
    )
    assert "1 passed" in output


TWO = """
def test_one(rproc_board):
    pass

def test_two(rproc_board):
    pass

def test_without():
    pass
"""


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ([], "1 passed, 1 skipped, 1 error"),
        (["-o", "rproc_board_missing=skip"], "1 passed, 2 skipped"),
    ],
)
def test_no_board_can_be_made(pytester, words, counts):
    if os.geteuid():
        pytest.skip("takes root, to hide /dev/fuse")
    hide = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec"
    output = pytester(
        TWO, *words, "-rsE", before=["unshare", "-m", "sh", "-c", f'{hide} "$@"', "sh"]
    )
    assert counts in output
    assert output.count("/dev/fuse: missing: load the kernel's module") >= 1


#: As long as any, and like no other: a command inside has another number outside.
SLEEP = f"sleep 1000.{os.getpid()}"


def _runs():
    """Does SLEEP: neither gone nor a zombie."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().split(b"\0")[:2] == SLEEP.encode().split():
                return True
        except OSError:
            continue
    return False


@pytest.fixture
def inside():
    with RprocBoard() as board:
        yield board


def test_a_command_inside_is_a_subprocess(inside, tmp_path):
    done = inside.run(["cat"], input=b"hello", capture_output=True)
    assert (done.args, done.returncode, done.stdout) == (["cat"], 0, b"hello")
    done = inside.run("pwd; echo $X; kill $$", shell=True, cwd=tmp_path, env={"X": "y"},
                      stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert (done.returncode, done.stdout) == (-15, f"{tmp_path}\ny\n")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        inside.run(["false"], check=True)
    assert failed.value.cmd == ["false"]
    done = inside.run(["missing"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (127, "missing: No such file or directory\n")


def test_a_command_that_takes_too_long_is_killed_with_its_children(inside, tmp_path):
    with pytest.raises(subprocess.TimeoutExpired) as expired:
        inside.run(f"{SLEEP} & touch {tmp_path}/started; wait", shell=True, timeout=0.5)
    assert expired.value.cmd.startswith("sleep")
    assert (tmp_path / "started").exists()
    deadline = time.monotonic() + 5
    while _runs():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_end_of_a_board_ends_what_is_inside(tmp_path):
    with RprocBoard() as board:
        board.run(f"setsid {SLEEP} >{tmp_path}/log 2>&1 &", shell=True)
        deadline = time.monotonic() + 5
        while not _runs():
            assert time.monotonic() < deadline
    assert not _runs()


def test_a_board_that_cannot_be(tmp_path):
    with pytest.raises(BoardError, match="No such file"):
        RprocBoard("--board", str(tmp_path / "missing.toml"))


def test_eight_boards_side_by_side():
    def use(number):
        with RprocBoard() as board:
            board.run(f"cd /{R0}; echo echo.elf >firmware; echo start >state", shell=True)
            (board.path / R0 / "coredump").write_text("enabled" if number % 2 else "inline")
            barrier.wait(30)
            return (board.path / R0 / "state").read_text(), (
                board.path / R0 / "coredump"
            ).read_text()

    barrier = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(use, range(8)))
    assert found == [("running\n", "inline\n"), ("running\n", "enabled\n")] * 4


def test_a_board_that_is_closed_while_a_command_runs(tmp_path):
    with RprocBoard() as board, ThreadPoolExecutor(1) as pool:
        script = f"touch {tmp_path}/runs; sleep 1000"
        running = pool.submit(board.run, script, shell=True, stderr=subprocess.DEVNULL)
        while not (tmp_path / "runs").exists():
            time.sleep(0.02)
        board.close()
        assert running.result(20).returncode == 126
        with pytest.raises(BoardError, match="closed"):
            board.run(["true"])


def test_the_coverage_of_all_tests(pytester, tmp_path):
    (tmp_path / "images").mkdir()
    image = Path(__file__).parents[1] / "debuginfo/crash.elf"
    (tmp_path / "images/crash.elf").write_bytes(image.read_bytes())
    (tmp_path / "rproc-cov").mkdir()
    (tmp_path / "rproc-cov/old.json").write_text("of an earlier run")
    output = pytester(
        """
        import pytest

        @pytest.mark.rproc_board(firmware="images")
        @pytest.mark.parametrize("number", range(2))
        def test_boot(rproc, number):
            rproc.boot("crash.elf")
            rproc.expect("crash: started", source="trace")
    """.replace("\n        ", "\n"),
        "--rproc-cov",
        f"--rootdir={tmp_path}",
    )
    assert "2 passed" in output
    assert "coverage of firmware" in output
    assert re.search(
        "^/src/scripts/firmware/crash.c +[0-9]+ +[0-9]+ +[0-9]+%", output, re.MULTILINE
    )
    record = (tmp_path / "rproc-cov/lcov.info").read_text()
    assert "\nFNDA:2,main\n" in record


@pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="no compiler for Cortex-R")
def test_the_coverage_of_a_cortex_r5f(pytester, debuggee, tmp_path, capsys):
    """Of an image of each core, in ARM and in Thumb state, until it ends in a data abort."""
    (tmp_path / "images").mkdir()
    for core, state in ((0, "arm"), (1, "thumb")):
        shutil.copy(debuggee(core, state), tmp_path / f"images/core{core}.elf")
    output = pytester(
        """
        import pytest

        @pytest.mark.rproc_board("zcu102", firmware="images")
        @pytest.mark.parametrize("core", range(2))
        def test_boot(rproc_board, core):
            place = rproc_board.path / f"sys/class/remoteproc/remoteproc{core}"
            (place / "firmware").write_text(f"core{core}.elf")
            (place / "state").write_text("start")
            while (place / "state").read_text() == "running\\n":
                pass
    """.replace("\n        ", "\n"),
        "--rproc-cov",
        f"--rootdir={tmp_path}",
    )
    assert "2 passed" in output, output
    assert re.search(r"^\S+/debuggee_r5.c +[0-9]+ +[0-9]+ +[0-9]+%", output, re.MULTILINE), output
    assert "\nFNDA:6,twice\n" in (tmp_path / "rproc-cov/lcov.info").read_text()
    assert main(["cover", str(tmp_path / "rproc-cov")]) == 0
    assert "debuggee_r5.c" in capsys.readouterr().out

"""``rprocfs gdb`` on a mount, with a debugger that does what it is told."""

import subprocess
import sys

import pytest

from rprocfs.board import open_board
from rprocfs.cli import main
from rprocfs.commands.gdb import find, image
from rprocfs.errors import CommandError
from rprocfs.system import bundled_firmware
from rprocfs_fuse import transport
from tests.drivers.gdb_session import NEEDS_GDB
from tests.mount import conftest

mountpoint = conftest.mountpoint
M4 = '[[remoteproc]]\ncompatible = "rprocfs,cortex-m4"\nlabel = "m4"\nengine = "unicorn"\n'
SIM = '[[remoteproc]]\ncompatible = "rprocfs,sim"\nlabel = "sim"\n'


@pytest.fixture
def board(mountpoint, tmp_path):
    file = tmp_path / "board.toml"
    file.write_text(f'{M4}firmware-name = "echo.elf"\n{SIM}')
    with (
        open_board(str(file), firmware=str(bundled_firmware())) as system,
        transport.mount(system.tree, str(mountpoint), transport.MountOptions("devfuse")),
    ):
        yield mountpoint


def gdb(*words):
    command = [sys.executable, "-m", "rprocfs", "gdb", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@NEEDS_GDB
def test_it_debugs_and_leaves_nothing(board):
    rproc = board / "sys/class/remoteproc/remoteproc0"
    script = ["-nx", "-batch", "-iex", "set remotetimeout 120", "-ex", "info registers pc"]
    done = gdb("--mount", board, "--halt", "m4", "--", *script)
    assert done.returncode == 0, done.stderr
    assert "pc             0x2100" in done.stdout, done.stderr
    assert (rproc / "state").read_text() == "running\n"
    assert (rproc / "gdb").read_text() == "\n"
    assert (rproc / "gdb_halt").read_text() == "0\n"
    done = gdb("--mount", board, "remoteproc0", "--", "-nx", "-batch", "-ex", "quit 3")
    assert done.returncode == 3


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("m5",), "no processor m5, there are remoteproc0 (m4), remoteproc1 (sim)"),
        (("sim",), "sim has no file gdb: its driver executes nothing, or the mount is strict"),
        (("m4",), "m4 is offline: --halt boots it"),
        (("--elf", "/no.elf", "m4"), "/no.elf: no such file"),
        (("--gdb", "no-gdb", "m4"), "no-gdb is not installed"),
    ],
)
def test_complaints(board, words, complaint):
    tool = () if "--gdb" in words else ("--gdb", "true")
    done = gdb("--mount", board, *tool, *words)
    assert (done.returncode, done.stderr) == (1, f"rprocfs: {complaint}\n")
    assert (board / "sys/class/remoteproc/remoteproc0/gdb").read_text() == "\n"


def test_no_mount(tmp_path):
    with pytest.raises(CommandError, match="no board here"):
        find(tmp_path, "m4")


def test_the_symbols_are_those_of_the_firmware(tmp_path):
    rproc = tmp_path / "sys/class/remoteproc/remoteproc0"
    rproc.mkdir(parents=True)
    (rproc / "firmware").write_text("a.elf\n")
    assert image(tmp_path, rproc) == ""
    file = tmp_path / "lib/firmware/a.elf"
    file.parent.mkdir(parents=True)
    file.touch()
    assert image(tmp_path, rproc) == str(file)


def test_help(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["gdb", "--help"])
    assert "exit status: that of gdb; 1" in capsys.readouterr().out

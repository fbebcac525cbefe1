"""``rprocfs board check``, and what mount and run say of a board that is not as it should be."""

import json
import socket

import pytest

from rprocfs.cli import main
from tests.mount.conftest import needs_fuse
from tests.mount.test_mount_command import rprocfs

SIM = "[[remoteproc]]\ncompatible = 'rprocfs,sim'\n"
M4 = "[[remoteproc]]\ncompatible = 'rprocfs,cortex-m4'\n"
REFUSED = "rproc-sim rproc-sim.0: memory x: must be ADDRESS:SIZE"


@pytest.fixture
def check(tmp_path, capsys):
    """Check a text or a blob: the exit status and the complaints."""

    def run(content):
        path = tmp_path / "board"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        status = main(["board", "check", "--json", str(path)])
        report = json.loads(capsys.readouterr().out)
        assert report["good"] is (status == 0)
        return status, [text.removeprefix(str(path)) for text in report["complaints"]]

    return run


def test_all_mistakes(check):
    text = f"x = 1\n{SIM}labl = 'a'\nphandle = 'b'\n{SIM}\n[[rule]]\nmode = 'rw'\n[soc]\nx = ''\n"
    assert check(text) == (
        1,
        [
            ":1: x: unknown key",
            ":4: remoteproc[0].labl: unknown key, did you mean label?",
            ":5: remoteproc[0].phandle: must be a number",
            ":12: soc.x: unknown key",
            ":9: rule[0].node: there must be either node or subsystem",
        ],
    )


def test_all_processors_that_fail(check):
    text = f"{SIM}label = 'a'\nmemory = 'x'\n{SIM}label = 'b'\n{M4}engine = 'none'\nlabel = 'c'\n"
    assert check(text) == (
        1, [f"a: {REFUSED}", "c: rproc-cortex-m rproc-cortex-m.0: no engine none"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("gdb = 'x'", "gdb x: has to be :PORT, or an absolute and shorter path"),
        ("gdb-halt = true", "gdb-halt: needs gdb, or nothing lets it go on"),
        ("console-log = '/no/such/log'", "console-log /no/such/log: No such file or directory"),
    ],
)
def test_no_key_is_left_out(check, key, complaint):
    status, complaints = check(f"{M4}label = 'm4'\n{key}\n")
    assert (status, complaints) == (1, [f"m4: rproc-cortex-m rproc-cortex-m.0: {complaint}"])


def test_nothing_is_left_or_taken(check, tmp_path):
    log, path = tmp_path / "log", tmp_path / "m4.gdb"
    with socket.socket(socket.AF_UNIX) as debugger:
        debugger.bind(str(path))
        assert check(f"{M4}engine = 'qemu'\ngdb = '{path}'\nconsole-log = '{log}'\n") == (0, [])
        assert path.is_socket()
    assert not log.exists()


def test_an_empty_board(check):
    assert check("") == (1, [": no processor, describe one with [[remoteproc]]"])


def test_a_devicetree_without_a_processor(check, dtc):
    source = b'/dts-v1/; / { x { compatible = "acme,dsp"; }; };'
    status, (complaint,) = check(dtc("dts", "dtb", source))
    assert status == 1
    assert complaint.startswith(": no processor, no node that is okay has a compatible of ")


@pytest.fixture
def board(tmp_path):
    path = tmp_path / "board.toml"
    path.write_text(f"{SIM}label = 'a'\nmemory = 'x'\n{SIM}label = 'b'\n")
    return str(path)


def test_mount_says_what_fails(board, tmp_path):
    needs_fuse()
    where = tmp_path / "mnt"
    where.mkdir()
    said = rprocfs("mount", "--board", board, str(where))
    assert rprocfs("umount", str(where)) == (0, "")
    assert said == (0, f"rprocfs: a: {REFUSED}\n")


def test_run_says_what_fails(board):
    needs_fuse()
    assert rprocfs("run", "--board", board, "--", "true") == (0, f"rprocfs: a: {REFUSED}\n")


@pytest.mark.parametrize(
    ("options", "text"), [("ro", "rprocfs: the board has no processor\n"), ("configfs", "")]
)
def test_run_without_a_processor(tmp_path, options, text):
    needs_fuse()
    (tmp_path / "board.toml").touch()
    words = ["run", "-o", options, "--board", f"{tmp_path}/board.toml", "--", "true"]
    assert rprocfs(*words) == (0, text)


def test_the_first_mistake_and_how_many_more(tmp_path):
    path = tmp_path / "board.toml"
    path.write_text("x = 1\ny = 2\n")
    said = f"rprocfs: {path}:1: x: unknown key (1 more: rprocfs board check {path})\n"
    assert rprocfs("run", "--board", str(path), "--", "true") == (1, said)

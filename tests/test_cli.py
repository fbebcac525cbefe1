"""What all commands have in common."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rprocfs.cli import COMMANDS as COMMANDS_OF_OURS
from rprocfs.cli import parser
from rprocfs.system import bundled_firmware

ROOT = Path(__file__).parents[1]
COMMANDS = [
    ["firmware", "list"],
    ["board", "list"],
    ["check", "--json", f"{bundled_firmware()}/echo.elf"],
]


def _start(*words, **how):
    return subprocess.Popen([sys.executable, "-m", "rprocfs", *words], **how)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_nobody_reads_on(words):
    reading, writing = os.pipe()
    os.close(reading)
    with _start(*words, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        assert process.communicate(timeout=20)[1] == b""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("words", [[], ["nonsense"], ["mount"], ["run", "--nonsense"]])
def test_wrong_usage(words):
    with _start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, error = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, b"")
    assert error.startswith(b"usage: rprocfs")


def _packages(tmp_path, *entries):
    """An environment in which a package has these entry points: (group, name, value)."""
    about = tmp_path / "acme-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    (about / "entry_points.txt").write_text("".join(f"[{g}]\n{n} = {v}\n" for g, n, v in entries))
    (tmp_path / "acme.py").write_text(
        "def hello(subparsers):\n"
        "    subparsers.add_parser('hello').set_defaults(run=lambda _: print('hello') or 0)\n"
    )
    return os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}:{ROOT / 'mount'}"}


def _run(*words, **how):
    with _start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how) as process:
        out, error = process.communicate(timeout=20)
    return process.returncode, out.decode(), error.decode()


def test_a_command_of_another_package(tmp_path):
    env = _packages(tmp_path, ("rprocfs.commands", "hello", "acme:hello"))
    assert _run("hello", env=env) == (0, "hello\n", "")


def test_a_mistyped_entry_point_of_a_command(tmp_path):
    env = _packages(tmp_path, ("rprocfs.commands", "hello", "acme:helo"))
    complaint = "entry point hello = acme:helo of acme: module 'acme' has no attribute 'helo'"
    assert _run("hello", env=env) == (1, "", f"rprocfs: {complaint}\n")
    assert _run("board", "list", env=env)[0] == 0
    assert _run("--help", env=env)[0] == 0


@pytest.mark.parametrize(
    ("group", "board", "place"),
    [
        ("drivers", "[[remoteproc]]\ncompatible = 'acme,dsp'\n", ":2: remoteproc[0].compatible"),
        ("modules", "modules = ['acme,dsp']\n", ":1: modules[0]"),
    ],
)
def test_a_mistyped_entry_point_of_a_board(tmp_path, group, board, place):
    env = _packages(tmp_path, (f"rprocfs.{group}", "acme,dsp", "akme:Dsp"))
    file = tmp_path / "board.toml"
    file.write_text(board)
    complaint = "entry point acme,dsp = akme:Dsp of acme: No module named 'akme'"
    for words in (["board", "check", str(file)], ["run", "--board", str(file), "--", "true"]):
        assert _run(*words, env=env) == (1, "", f"rprocfs: {file}{place}: {complaint}\n")


def test_what_the_short_help_says_is_what_the_commands_say():
    (subparsers,) = (a for a in parser()._actions if isinstance(a.choices, dict))
    assert {a.dest: a.help for a in subparsers._choices_actions} == {
        name: text for name, (_, text) in COMMANDS_OF_OURS.items()
    }


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_nothing_is_loaded_that_is_not_needed(word):
    script = (
        "import sys; from rprocfs.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print(sorted(name for name in sys.modules if name in\n"
        "    ('importlib.metadata', 'rprocfs.system', 'rprocfs_fuse', 'ctypes', 'subprocess')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, word], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"

"""rprocfs boot: one image, and a verdict."""

import struct
from pathlib import Path

import pytest

from rprocfs.cli import main
from rprocfs.testing.elf import ElfImage, Section, Segment
from rprocfs.testing.rsc_table import resource_table

FIRMWARE = Path(__file__).parents[2] / "rprocfs" / "firmware"
RAM = 0x21000000


@pytest.fixture
def board(tmp_path):
    path = tmp_path / "board.toml"
    path.write_text('[[remoteproc]]\ncompatible = "rprocfs,cortex-m3"\nengine = "unicorn"\n')
    return str(path)


def test_it_ends_when_the_text_appears(board, capsys):
    image = str(FIRMWARE / "echo.elf")
    assert (
        main(["boot", "--board", board, "--expect", "echo: started", "--timeout", "20", image]) == 0
    )
    said = capsys.readouterr().out.splitlines()
    assert "kernel   remoteproc remoteproc0: remote processor cortex-m0 is now up" in said
    assert said[-1] == "trace    echo: started"


def test_the_time_is_up(board, capsys):
    image = str(FIRMWARE / "echo.elf")
    assert main(["boot", "--board", board, "--expect", "nothing", "--timeout", "0.2", image]) == 1
    assert capsys.readouterr().err == "rprocfs: 'nothing' did not appear in 0.2 s\n"
    assert main(["boot", "--board", board, "--timeout", "0.2", image]) == 0


def test_it_crashes(board, tmp_path, capsys):
    """An undefined instruction, and no handler for it."""
    code = struct.pack("<4IH", RAM + 0x1000, RAM + 0x11, 0, 0, 0xDE00)
    image = tmp_path / "crash.elf"
    table = Section(".resource_table", data=resource_table([]))
    image.write_bytes(ElfImage([Segment(RAM, code)], [table]).build())
    assert main(["boot", "--board", board, "--timeout", "20", str(image)]) == 1
    said = capsys.readouterr()
    assert "crash detected in cortex-m0: type fatal error" in said.out
    assert said.err == "rprocfs: the processor crashed\n"


def test_it_does_not_boot(board, tmp_path, capsys):
    image = tmp_path / "text"
    image.write_bytes(b"no image " * 20)
    assert main(["boot", "--board", board, str(image)]) == 1
    said = capsys.readouterr()
    assert "Image is corrupted (bad magic)" in said.out
    assert "does not boot on cortex-m0: Image is corrupted (bad magic) (rprocfs check" in said.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nowhere.elf"], "rprocfs: nowhere.elf: no such file\n"),
        (["/"], "rprocfs: /: not a file\n"),
    ],
)
def test_no_image(words, complaint, capsys):
    assert main(["boot", *words]) == 1
    assert capsys.readouterr().err == complaint


def test_no_processor_of_that_name(board, capsys):
    image = str(FIRMWARE / "echo.elf")
    assert main(["boot", "--board", board, "--processor", "r5", image]) == 1
    assert capsys.readouterr().err == (
        "rprocfs: the board has no processor r5, there are cortex-m0\n"
    )

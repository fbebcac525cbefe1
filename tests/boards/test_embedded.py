"""A devicetree inside of a board file: ``devicetree = "data:;base64,..."``."""

import base64

import pytest

from rprocfs.board import load_board, open_board
from rprocfs.board.embedded import decode, encode
from rprocfs.board.show import PATH
from rprocfs.errors import CommandError
from rprocfs.testing.userspace import Userspace


@pytest.fixture
def blob():
    return load_board("stm32mp157").devicetree.blob


def write(path, *lines):
    path.write_text("\n".join(lines))
    return str(path)


def test_it_is_the_board_of_its_devicetree(blob, tmp_path):
    path = write(tmp_path / "board.toml", f'devicetree = "{encode(blob)}"')
    board = load_board(path)
    assert board.devicetree.blob == blob
    assert board.processors == load_board("stm32mp157").processors


def test_another_board_can_extend_it(blob, tmp_path):
    write(tmp_path / "base.toml", f'devicetree = "{encode(blob)}"')
    path = write(tmp_path / "mine.toml", 'extends = "base.toml"', "[[remoteproc]]", 'label = "m4"',
                 'firmware-name = "mine.elf"')  # fmt: skip
    assert load_board(path).processors[0]["firmware-name"] == "mine.elf"


def test_what_a_mount_shows_has_it(blob, tmp_path):
    path = write(tmp_path / "board.toml", f'devicetree = "{encode(blob)}"', "[[remoteproc]]",
                 'label = "m4"', "detached = false")  # fmt: skip
    with open_board(path) as system:
        text = Userspace(system.tree).cat("/" + PATH)
    (tmp_path / "elsewhere").mkdir()
    shown = load_board(write(tmp_path / "elsewhere/again.toml", text))
    assert shown.processors[0]["device-name"] == "ahb/10000000.m4"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("data:text/plain,x", r":1: devicetree: must begin with data:;base64,$"),
        ("data:;base64,!!!", r":1: devicetree: is no base64$"),
        ("data:;base64,", r":1: devicetree: the data is no flattened devicetree$"),
        (encode(b"\xd0\x0d\xfe\xed"), r"board.toml: devicetree: too short for a devicetree"),
    ],
)
def test_what_makes_no_sense(name, complaint, tmp_path):
    with pytest.raises(CommandError, match=complaint):
        load_board(write(tmp_path / "board.toml", f'devicetree = "{name}"'))


def test_decode_is_the_opposite():
    assert decode(encode(bytes(range(256)))) == bytes(range(256))
    with pytest.raises(ValueError, match="base64"):
        decode("data:;base64," + base64.b64encode(b"x").decode() + "\u20ac")

"""``extends``, ``board show NAME`` and what every ready board says of itself."""

import pytest

from rprocfs.board import load_board, open_board
from rprocfs.board.ready import ready_boards
from rprocfs.cli import main
from rprocfs.errors import CommandError
from rprocfs.testing.userspace import Userspace


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.toml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


BASE = """
[[remoteproc]]
compatible = "rprocfs,sim"
label = "first"

[[remoteproc]]
compatible = "rprocfs,sim"
label = "second"
memory-region = ["ring", "pool"]

[[reserved-memory]]
label = "ring"
da = 0x1000
size = 0x1000

[[reserved-memory]]
label = "pool"
da = 0x3000
size = 0x1000

[soc]
machine = "Base"
family = "F"

[aliases]
main = "first"
"""
CHANGES = """
extends = "base.toml"

[[remoteproc]]
label = "second"
firmware-name = "second.elf"

[[remoteproc]]
label = "extra"
compatible = "rprocfs,sim"

[[reserved-memory]]
label = "pool"
size = 0x80000

[soc]
machine = "Mine"

[aliases]
second = "second"
"""


def test_what_is_not_said_is_the_other_boards(write):
    base, board = load_board(write(BASE, "base.toml")), load_board(write(CHANGES))
    assert [p["label"] for p in board.processors] == [
        *(p["label"] for p in base.processors),
        "extra",
    ]
    assert board.processors[0] == base.processors[0]
    changed = dict(board.processors[1])
    assert changed.pop("firmware-name") == "second.elf"
    assert {r["label"] for r in changed["memory-region"]} == {
        r["label"] for r in base.processors[1]["memory-region"]
    }
    assert board.regions["pool"]["size"] == 0x80000
    assert board.soc == {**base.soc, "machine": "Mine"}
    assert board.aliases == {**base.aliases, "second": "second"}


def test_it_finds_the_images_of_the_board_that_comes_along(write):
    board = load_board(write('extends = "zynqmp"\n'))
    assert board.firmware_lower == load_board("zynqmp").firmware_lower != ()
    assert load_board(write(BASE)).firmware_lower == ()


def test_the_firmware_of_a_board_with_a_devicetree(write):
    path = write('extends = "zynqmp"\n[[remoteproc]]\nlabel = "ffe90000.r5f"\n'
                 'firmware-name = "second.elf"\n')  # fmt: skip
    with open_board(path) as system:
        shell = Userspace(system.tree)
        files = [shell.cat(f"/sys/class/remoteproc/remoteproc{n}/firmware") for n in range(2)]
    assert files == ["rproc-ffe00000.r5f-fw\n", "second.elf\n"]


def test_of_a_board_with_a_devicetree(write):
    path = write('extends = "am62x"\n[[remoteproc]]\nlabel = "5000000.m4fss"\nauto-boot = false\n')
    with open_board(path) as system:
        shell = Userspace(system.tree)
        assert shell.cat("/sys/class/remoteproc/remoteproc0/name") == "5000000.m4fss\n"
        assert shell.cat("/sys/class/remoteproc/remoteproc0/state") == "offline\n"
        assert shell.exists("/sys/firmware/devicetree/base/model")


def test_a_chain_of_files(write):
    write('extends = "zynqmp"\nfirmware-directory = "images"\n[soc]\nrevision = "v9"\n', "a.toml")
    board = load_board(write('extends = "a.toml"\n[soc]\nmachine = "B"\n', "b.toml"))
    assert (board.soc["revision"], board.soc["machine"]) == ("v9", "B")
    assert board.firmware_directory.endswith("/images")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('extends = "no-such"\n', "no-such: No such file or directory"),
        ('extends = "mine.toml"\n', "more than 8 files, or a circle"),
        ("extends = 7\n", "mine.toml:1: extends: must be"),
        ('extends = "zynqmp"\n\n[[remoteproc]]\nlable = "x"\n', "mine.toml:4: remoteproc[0].lable"),
        ('extends = "base.toml"\n[[remoteproc]]\nlabel = "new"\n', "compatible is missing"),
        (
            'extends = "zynqmp"\n[[remoteproc]]\nlabel = "new"\n',
            "the devicetree has no processor new, there are ffe00000.r5f, ffe90000.r5f",
        ),
    ],
)
def test_mistakes(write, text, complaint):
    write(BASE, "base.toml")
    with pytest.raises(CommandError) as caught:
        load_board(write(text))
    assert complaint in str(caught.value)


@pytest.mark.parametrize("name", ready_boards())
def test_the_file_of_a_board_that_comes_along(name, write, capsys):
    assert main(["board", "show", name]) == 0
    shown = write(capsys.readouterr().out)
    found, ready = load_board(shown), load_board(name)
    assert found.processors == ready.processors
    assert (found.soc, found.aliases, found.rules) == (ready.soc, ready.aliases, ready.rules)


@pytest.mark.parametrize("name", ready_boards())
def test_what_soc_it_is(name):
    with open_board(name) as system:
        shell = Userspace(system.tree)
        said = [shell.cat(f"/sys/devices/soc0/{file}").strip() for file in ("family", "machine")]
        assert all(said)


def test_devices_are_files_seen_from_the_file_that_names_them(write, tmp_path):
    """Of the one that is extended, from there."""
    processor = '[[remoteproc]]\ncompatible = "st,stm32mp1-m4"\nlabel = "m4"\n'
    (tmp_path / "lower").mkdir()
    lower = write(
        f'{processor}devices = ["UART5=a.py:A", "UART7 = /b.py:B", "wrong"]\n', "lower/a.toml"
    )
    expected = [f"UART5={tmp_path}/lower/a.py:A", "UART7 =/b.py:B", "wrong"]
    assert load_board(lower).processors[0]["devices"] == expected
    upper = write(f'extends = "lower/a.toml"\n{processor}auto-boot = true\n', "b.toml")
    assert load_board(upper).processors[0]["devices"] == expected
    own = write(f'extends = "lower/a.toml"\n{processor}devices = ["UART5=c.py:C"]\n', "c.toml")
    assert load_board(own).processors[0]["devices"] == [f"UART5={tmp_path}/c.py:C"]


@pytest.mark.parametrize("value", ["7", "[7]", '"UART5=a.py:A"'])
def test_devices_that_are_no_list_are_said(write, value):
    processor = '[[remoteproc]]\ncompatible = "st,stm32mp1-m4"\nlabel = "m4"\n'
    lower = write(f"{processor}devices = {value}\n", "lower.toml")
    for board in (lower, write('extends = "lower.toml"\n', "upper.toml")):
        with pytest.raises(CommandError, match="devices: must be"):
            load_board(board)

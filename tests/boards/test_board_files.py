import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rprocfs.board import load_board, open_board
from rprocfs.board.devicetree import write_dtb
from rprocfs.cli import main
from rprocfs.errors import CommandError
from rprocfs.remoteproc.core import rproc_get_by_phandle
from rprocfs.remoteproc.rproc import rproc_put
from rprocfs.testing.userspace import Userspace

SIM = "[[remoteproc]]\ncompatible = 'rprocfs,sim'\n"
REGION = "[[reserved-memory]]\nlabel = 'ram'\nda = 0x1000\nsize = 0x1000\n"


def _write(tmp_path, text):
    path = tmp_path / "board.toml"
    path.write_text(text)
    return str(path)


def test_reserved_memory(tmp_path):
    board = load_board(_write(tmp_path, f"{SIM}memory-region = ['ram']\n{REGION}"))
    region = {"label": "ram", "pa": 0x1000, "da": 0x1000, "size": 0x1000}
    assert board.processors[0]["memory-region"] == (region,)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{SIM}memory-region = 'ram'\n", "remoteproc[0].memory-region: must be a list of strings"),
        (f"{SIM}memory-region = [1]\n", "remoteproc[0].memory-region: must be a list of strings"),
        (
            f"{SIM}memory-region = ['rma']\n{REGION}",
            "remoteproc[0].memory-region: no [[reserved-memory]] is called 'rma', "
            "did you mean ram?",
        ),
        ("[[reserved-memory]]\n", "reserved-memory[0]: label is missing"),
        (f"{REGION}sizes = 1\n", "reserved-memory[0].sizes: unknown key, did you mean size?"),
        (REGION.replace("0x1000", "'x'"), "reserved-memory[0].da: must be a number"),
        (REGION.replace("0x1000", "-1"), "reserved-memory[0].da: must be 32 bits"),
        (REGION.replace("0x1000", "0x100000000"), "reserved-memory[0].da: must be 32 bits"),
        (REGION * 2, "reserved-memory[1].label: ram is there already"),
        ("reserved-memory = [1]\n", "reserved-memory: must be tables"),
        (f"{SIM}device-name = '../x'\n", "remoteproc[0].device-name: must be a path below"),
        (f"{SIM}device-name = ''\n", "remoteproc[0].device-name: must be a path below"),
        (f"{SIM}device-name = 'a b'\n", "remoteproc[0].device-name: must be a path below"),
        (
            f"{SIM}device-name = 'm4'\n{SIM}device-name = 'm4/x'\n",
            "remoteproc[0].device-name: m4 is a bus of another processor",
        ),
        (
            f"{SIM}device-name = 'a/m4'\n{SIM}device-name = 'b/m4'\n",
            "remoteproc[1].device-name: m4 is that of remoteproc[0]",
        ),
        (
            f"{SIM}phandle = 7\n{SIM}phandle = 7\n",
            "remoteproc[1].phandle: 7 is that of remoteproc[0]",
        ),
    ],
)
def test_what_makes_no_sense(tmp_path, text, complaint):
    with pytest.raises(CommandError) as caught:
        load_board(_write(tmp_path, text))
    assert f"board.toml: {complaint}" in re.sub(r"\.toml:\d+:", ".toml:", str(caught.value))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("stm32mp175", "did you mean the board stm32mp157?"),
        ("/dev/zero", "describe no board"),
        ("no\0file", "no name of a file"),
        ("/", "Is a directory"),
    ],
)
def test_no_such_board(name, complaint):
    with pytest.raises(CommandError) as caught:
        load_board(name)
    assert complaint in str(caught.value)


SOURCE = """
/dts-v1/;
/ {
    #address-cells = <1>;
    #size-cells = <1>;
    chosen { rprocfs,firmware-directory = "images"; rprocfs,modules = "virtio_console"; };
    dsp: dsp { compatible = "acme,dsp", "rprocfs,sim"; memory = "any"; };
    off { compatible = "rprocfs,sim"; status = "disabled"; };
    other { dsp = <&dsp>; };
};
"""


def test_a_devicetree_is_a_board(dtc, tmp_path):
    path = tmp_path / "board.dtb"
    path.write_bytes(dtc("dts", "dtb", SOURCE.encode()))
    board = load_board(str(path))
    assert board.firmware_directory == str(tmp_path / "images")
    assert board.modules == ("virtio_console",)
    with open_board(str(path)) as system:
        shell = Userspace(system.tree)
        assert shell.ls("/sys/class/remoteproc") == ["remoteproc0"]
        assert shell.cat("/sys/class/remoteproc/remoteproc0/name") == "dsp\n"
        assert shell.cat_bytes("/sys/firmware/devicetree/base/off/status") == b"disabled\0"
        assert shell.cat_bytes("/sys/firmware/fdt") == path.read_bytes()
        phandle = board.devicetree.root.find("/other").u32("dsp")
        rproc = rproc_get_by_phandle(system.remoteproc, phandle)
        assert rproc.label == "dsp"
        rproc_put(rproc)


def test_without_a_devicetree_nothing_shows_one(tmp_path):
    with open_board(_write(tmp_path, SIM)) as system:
        shell = Userspace(system.tree)
        assert not shell.exists("/sys/firmware")
        assert not shell.exists("/sys/devices/platform/rproc-sim.0/of_node")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('memory = "any"', "memory = <1>", "/dsp: memory: must be a string"),
        ("memory =", "memroy =", "/dsp: memroy: unknown property, did you mean memory?"),
        ('"virtio_console"', '"virtio_consol"', "did you mean virtio_console?"),
        ('"disabled"', "[01]", "/off: status: must be a string"),
    ],
)
def test_a_devicetree_that_makes_no_sense(dtc, tmp_path, before, after, complaint):
    path = tmp_path / "board.dtb"
    source = SOURCE.replace(before, after, 1).encode()
    assert source != SOURCE.encode()
    path.write_bytes(dtc("dts", "dtb", source, warnings=True))
    with pytest.raises(CommandError) as caught:
        load_board(str(path))
    assert f"{path}: " in str(caught.value)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "line",
    ["phandle = 0", "phandle = 0xffffffff"],
)
def test_what_no_devicetree_says(tmp_path, capsys, line):
    assert main(["board", "dtb", _write(tmp_path, f"{SIM}{line}\n"), "-o", "/dev/null"]) == 1
    error = capsys.readouterr().err
    assert "no devicetree says this" in error
    assert error.count("\n") == 1


def test_a_damaged_devicetree(tmp_path, capsys):
    path = tmp_path / "board.dtb"
    path.write_bytes(write_dtb([], None, [])[:50])
    assert main(["board", "dtb", str(path)]) == 1
    assert f"{path}: cut off" in capsys.readouterr().err


@pytest.fixture(scope="module")
def blob():
    board = load_board("stm32mp157")
    return write_dtb(board.processors, board.firmware_directory, board.modules)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_devicetree_that_was_tampered_with_is_a_board_or_an_error(data, blob, tmp_path_factory):
    content = bytearray(blob)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(
            st.sampled_from([0, 1, 0x2F, 0x2E, 0x40, 0x7F, 0xFF, content[at] ^ 1])
        )
    path = tmp_path_factory.getbasetemp() / "tampered.dtb"
    path.write_bytes(content)
    try:
        with open_board(str(path)) as system:
            assert Userspace(system.tree).exists("/sys/firmware/devicetree/base")
    except CommandError as failure:
        assert "\n" not in str(failure)


def test_a_file_goes_before_a_board_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_board("am62x").processors[0]["label"] == "5000000.m4fss"
    (tmp_path / "am62x").write_text(f"{SIM}label = 'mine'\n")
    assert load_board("am62x").processors[0]["label"] == "mine"

import json
import re
import shutil
import struct
import subprocess
from pathlib import Path
from xml.dom import minidom

import pytest

from rprocfs.check.command import render
from rprocfs.cli import main
from rprocfs.system import bundled_firmware
from rprocfs.testing.images import IMAGES

ROOT = Path(__file__).parents[2]
ECHO = f"{bundled_firmware()}/echo.elf"


@pytest.fixture
def image(tmp_path):
    def make(name):
        path = tmp_path / name
        path.write_bytes(IMAGES[name].make())
        return str(path)

    return make


def check(capsys, *arguments):
    status = main(["check", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_good_image(capsys):
    status, out, err = check(capsys, ECHO)
    assert (status, err) == (0, "")
    assert f"{ECHO}: boots on m4 (rprocfs,cortex-m4)\n" in out
    for words in (
        "ELF32 little endian ARM, entry 0x2100",
        "0  0x21000000  r-x  ",
        "resource table  at 0x2100",
        "carveout log      da 0x21100000  pa any  len 0x1000",
        "  vring 1         da 0x21201000  align 16  num 32",
        "vring 0: notifyid any -> 0",
    ):
        assert words in out, out
    assert "\x1b" not in out


def test_a_refused_image(capsys, image):
    status, out, err = check(capsys, image("good.elf"))
    assert (status, err) == (1, "")
    assert "refused with ENOMEM by m4 (rprocfs,cortex-m4), at the resource table's entries" in out
    status, out, _ = check(capsys, "--processor", "sim", image("vdev-3vrings.elf"))
    assert status == 1
    assert "error EINVAL  too many vrings: 3\n  means: A vdev has more than two vrings." in out


def test_json(capsys, image):
    status, out, _ = check(capsys, "--json", "--processor", "sim", image("carve-dup.elf"))
    report = json.loads(out)
    assert status == 1
    assert (report["boots"], report["errno"], report["processor"]) == (False, "ENOMEM", "sim")
    assert [f["message"] for f in report["findings"] if f["errno"]] == [
        "Carveout already associated to resource table"
    ]
    assert report["table"]["parts"][0]["fields"]["da"] == 0x10000000
    assert report["log"][-1].endswith("Failed to process resources: -12")
    assert json.loads(check(capsys, "--json", ECHO)[1])["findings"] == []


@pytest.mark.parametrize(
    ("word", "value", "complaint", "kinds"),
    [
        (0, 2, "unsupported fw ver: 2", {"carveout", "trace", "vdev", "vring"}),
        (1, 4096, "resource table incomplete", {"carveout", "trace", "vdev", "vring"}),
    ],
)
def test_a_table_whose_header_is_refused_is_drawn(capsys, tmp_path, word, value, complaint, kinds):
    data = bytearray(Path(ECHO).read_bytes())
    at = data.index(struct.pack("<4I", 1, 3, 0, 0)) + 4 * word
    data[at : at + 4] = struct.pack("<I", value)
    (tmp_path / "odd.elf").write_bytes(data)
    status, out, _ = check(capsys, "--json", str(tmp_path / "odd.elf"))
    report = json.loads(out)
    assert status == 1
    assert complaint in [finding["message"] for finding in report["findings"]]
    assert {part["kind"] for part in report["table"]["parts"]} >= kinds


def test_a_table_without_a_whole_header_is_shown(capsys, image):
    _, out, _ = check(capsys, "--processor", "sim", image("rsc-headerless.elf"))
    assert "resource table  at 0x10000100, 15 bytes" in out
    assert "refused: rsc table is truncated" in out


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_can_be_shown(capsys, image, name):
    status, out, _ = check(capsys, "--json", "--processor", "sim", path := image(name))
    report = json.loads(out)
    assert status == (0 if report["boots"] else 1)
    lines = list(render(report, coloured=True))
    assert path in lines[0]
    warned = any(finding["severity"] == "warning" for finding in report["findings"])
    boots = "\x1b[33mboots" if warned else "\x1b[32mboots"
    assert (boots if report["boots"] else "\x1b[31mrefused") in lines[0]


def test_a_board_of_ones_own(capsys, image, tmp_path):
    board = tmp_path / "board.toml"
    board.write_text(
        '[[remoteproc]]\ncompatible = "rprocfs,sim"\nlabel = "dsp"\nauto-boot = true\n'
        '[[remoteproc]]\ncompatible = "rprocfs,sim"\ndetached = true\nlabel = "on"\n'
    )
    path = image("tcm.elf")
    assert check(capsys, "--board", str(board), path)[0] == 0
    status, out, _ = check(capsys, "--board", str(board), "--processor", "on", path)
    assert status == 0
    assert "boots on on" in out


def test_it_touches_nothing_of_a_processor_that_runs(capsys, tmp_path):
    board, log, gdb = (tmp_path / name for name in ("board.toml", "log", "gdb"))
    gdb.touch()
    board.write_text(
        f'[[remoteproc]]\ncompatible = "rprocfs,cortex-m4"\nconsole-log = "{log}"\ngdb = "{gdb}"\n'
    )
    assert check(capsys, "--board", str(board), ECHO)[0] == 0
    assert gdb.exists()
    assert not log.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["/nonexistent.elf"], "/nonexistent.elf: no such file"),
        (["/"], "/: not a file"),
        (["--processor", "r5", ECHO], "no processor r5, there are m4, sim"),
        (["--board", "/nonexistent.toml", ECHO], "/nonexistent.toml: No such file or directory"),
    ],
)
def test_what_cannot_be_checked(capsys, arguments, complaint):
    assert check(capsys, *arguments) == (2, "", f"rprocfs: {complaint}\n")


def test_a_processor_that_does_not_work(capsys, tmp_path):
    board = tmp_path / "board.toml"
    board.write_text('[[remoteproc]]\ncompatible = "rprocfs,cortex-m4"\nengine = "steam"\n')
    status, _, err = check(capsys, "--board", str(board), ECHO)
    assert status == 2
    assert "no engine steam" in err


def test_a_file_that_an_update_would_hide(capsys, tmp_path, image):
    """What is checked is the file that was named."""
    (tmp_path / "updates").mkdir()
    (tmp_path / "updates" / "tcm.elf").write_bytes(b"something else")
    assert check(capsys, "--processor", "sim", image("tcm.elf"))[0] == 0


@pytest.mark.skipif(shutil.which("cc") is None, reason="no compiler for this host")
def test_a_native_program(tmp_path, capsys):
    kit, scripts = ROOT / "rprocfs/kit", ROOT / "scripts/firmware"
    sources = [kit / "native.c", kit / "rpmsg.c", kit / "log.c", scripts / "echo.c"]
    subprocess.run(["cc", "-I", kit, "-o", tmp_path / "echo", *sources], check=True)
    (tmp_path / "board.toml").write_text(
        '[[remoteproc]]\ncompatible = "rprocfs,native"\nallow-native = true\n'
    )
    assert main(["check", "--board", str(tmp_path / "board.toml"), str(tmp_path / "echo")]) == 0
    out = capsys.readouterr().out
    assert "in no memory" not in out
    loaded = int(re.search(r"loaded by segment (\d+)", out)[1])
    assert re.search(rf"^  {loaded}  0x[0-9a-f]+  rw-  .*: left to the driver$", out, re.MULTILINE)


def test_names_do_not_command_the_terminal(tmp_path, capsys):
    image = IMAGES["good.elf"].make().replace(b"trace:sim", b"\x1b[2J\nxyz\x9b")
    assert b"\x1b[2J" in image
    (tmp_path / "esc.elf").write_bytes(image)
    status, out, err = check(capsys, "--processor", "sim", str(tmp_path / "esc.elf"))
    assert status == 0
    assert r"\x1b[2J\nxyz" in out
    assert all(char.isprintable() or char == "\n" for char in out + err)
    _, out, _ = check(capsys, "--json", "--processor", "sim", str(tmp_path / "esc.elf"))
    assert all(char.isprintable() or char == "\n" for char in out)


def test_warnings_are_failures_where_that_is_asked_for(capsys, image):
    path = image("trace-outside.elf")
    assert check(capsys, "--processor", "sim", path)[0] == 0
    status, out, _ = check(capsys, "--processor", "sim", "--strict", path)
    assert status == 1
    assert "boots on sim (rprocfs,sim), with " in out.splitlines()[0]
    assert check(capsys, "--strict", ECHO)[0] == 0


def test_the_memory_map(capsys, tmp_path):
    svg = tmp_path / "map.svg"
    status, out, _ = check(capsys, "--svg", str(svg), ECHO)
    assert status == 0
    assert re.search(
        r"^  ram  +0x21000000 to 0x21ff0000  \[.{32}\]  0x9d3 used, ", out, re.MULTILINE
    )
    assert "vdev0vring0   0x21200000 to 0x21201000  [" + "r" * 32 + "]" in out
    texts = "".join(minidom.parse(str(svg)).documentElement.toxml())
    for words in ("segment 0: 0x887 bytes at 0x21000000", "table", "vdev0vring1", "0x9d3 used"):
        assert words in texts


def test_a_map_that_cannot_be_written(capsys):
    status, _, err = check(capsys, "--svg", "/nonexistent/map.svg", ECHO)
    assert (status, err) == (2, "rprocfs: /nonexistent/map.svg: No such file or directory\n")


def test_a_map_of_names_that_are_markup(capsys, tmp_path):
    data = IMAGES["good.elf"].make().replace(b"fwmem\0\0\0\0\0", b"<x a='&'>\0")
    (tmp_path / "odd.elf").write_bytes(data)
    svg = tmp_path / "map.svg"
    check(capsys, "--processor", "sim", "--svg", str(svg), str(tmp_path / "odd.elf"))
    assert "&lt;x a='&amp;'&gt;" in svg.read_text()
    minidom.parse(str(svg))

"""rprocfs cover: from boots to lines."""

import json
import logging
from collections import Counter
from pathlib import Path

import pytest

from rprocfs.base.observe import Observe
from rprocfs.cli import main
from rprocfs.coverage.report import Source, read
from rprocfs.coverage.store import Store
from rprocfs.testing.driver_table import R0, RPMSG, Bench, Images
from rprocfs.testing.userspace import write
from tests.engines.host import ROOT
from tests.engines.installed import NEEDS_QEMU

IMAGE = ROOT / "tests/debuginfo/crash.elf"
CRASH_C = "/src/scripts/firmware/crash.c"
M3 = {"compatible": "rprocfs,cortex-m3"}


def boot(directory, recorded, *ways):
    """One daemon, which boots anew for each way to crash."""
    with Bench(
        M3, Images(IMAGE, ("rpmsg-crash",), ""), directory, observe=Observe(coverage=str(recorded))
    ) as bench:
        bench.shell.echo(f"{R0}/recovery", "disabled")
        for way in ways:
            bench.start()
            handle = bench.shell.open(f"{RPMSG}/{bench.channels()[0]}/endpoint")
            write(handle, way.encode())
            bench.wait(lambda: bench.state == "crashed")
            handle.release()
            bench.stop()


def line(text):
    lines = (ROOT / "scripts/firmware/crash.c").read_text().splitlines()
    return next(number for number, has in enumerate(lines, 1) if text in has)


def test_boots_of_several_daemons_add_up(tmp_path, capsys):
    recorded = tmp_path / "recorded"
    for number, ways in enumerate([("undef", "undef"), ("read",)]):
        (tmp_path / str(number)).mkdir()
        boot(tmp_path / str(number), recorded / str(number), *ways)
        assert len(list((recorded / str(number)).glob("*.elf"))) == 1
    both = [str(path) for path in sorted(recorded.iterdir())]
    lines = read(sorted(recorded.iterdir()))[CRASH_C].lines
    assert lines[line('trace("crash: started')] == 3
    assert lines[line('__asm__ volatile("udf #1")')] == 2
    assert lines[line("(void)REG(NOWHERE)")] == 1
    assert lines[line("REG(NOWHERE) = 1")] == 0
    assert lines[line('return rpmsg_send(dst, src, "unknown", 7)')] == 0

    tracefile = tmp_path / "lcov.info"
    words = ["cover", "--map", "/src/=", "--lcov", str(tracefile), *both]
    assert main(words) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["FILE", "LINES", "HIT", "COVER", "MISSED"]
    assert said[-1].startswith("TOTAL ")
    assert any(row.startswith("scripts/firmware/crash.c ") for row in said)
    record = tracefile.read_text().split("SF:scripts/firmware/crash.c\n")[1]
    assert f"\nFN:{line('int main(void)') + 1},main\n" in f"\n{record}"
    assert "\nFNDA:3,main\n" in record
    assert f"\nDA:{line('crash: started')},3\n" in record
    assert "\nend_of_record\n" in record

    assert main([*words[:1], "--fail-under", "100", *both]) == 1
    assert "is less than 100%" in capsys.readouterr().err


def test_nothing_was_recorded(tmp_path, capsys):
    assert main(["cover", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"rprocfs: {tmp_path}: no boot was recorded here (-o coverage={tmp_path})\n"
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not what -o coverage= writes"),
        ('{"image": "x"}', "not what -o coverage= writes"),
        ('{"image": "x", "differences": [[1]]}', "not what -o coverage= writes"),
        ('{"image": "x", "differences": []}', "x.elf: No such file or directory"),
    ],
)
def test_damaged_files(content, complaint, tmp_path, capsys):
    (tmp_path / "x.json").write_text(content)
    assert main(["cover", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert complaint in err
    assert err.count("\n") == 1


def test_an_image_without_dwarf(tmp_path, capsys):
    bare = (ROOT / "rprocfs/firmware/echo.elf").read_bytes()
    Store(str(tmp_path), "m3").add(bare, "echo.elf", [(0x2100_0000, 1), (0x2100_0010, -1)])
    assert main(["cover", str(tmp_path)]) == 1
    assert "no DWARF: build the firmware with -g" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--map", "x"], ["--fail-under", "101"], ["--fail-under", "x"]])
def test_wrong_usage(words, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["cover", *words, str(tmp_path)])
    assert ended.value.code == 2


def test_a_store_that_cannot_write_says_so_once(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    store = Store(str(tmp_path / "file"), "m3")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            store.add(b"image", "app.elf", [(0, 1)])
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_label_is_no_path(tmp_path):
    Store(str(tmp_path), "../m 3").add(b"image", "app.elf", [(0, 1), (2, -1)])
    (file,) = tmp_path.glob("*.json")
    assert file.name.endswith("-.._m_3.json")
    about = json.loads(file.read_text())
    assert (about["name"], about["boots"]) == ("app.elf", 1)
    assert about["differences"] == [[0, 1], [2, -1]]
    assert Path(about["image"]).name == about["image"]


def test_what_was_missed():
    source = Source(Counter({1: 0, 2: 1, 5: 0, 7: 0, 8: 3, 9: 0}))
    assert source.missed() == [(1, 1), (5, 7), (9, 9)]
    assert source.hit == 2
    assert Source().missed() == []


@NEEDS_QEMU
def test_an_engine_that_counts_nothing(tmp_path, caplog):
    images = Images(IMAGE, ("rpmsg-crash",), "")
    observe = Observe(coverage=str(tmp_path / "recorded"))
    m3 = M3 | {"engine": "qemu"}
    with Bench(m3, images, tmp_path, observe=observe) as bench:
        bench.start()
    assert not (tmp_path / "recorded").exists()
    assert "its engine counts nothing for coverage=, unicorn does" in caplog.text

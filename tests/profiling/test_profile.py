"""rprocfs profile: from samples to functions."""

import logging
import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest

from rprocfs.base.observe import Observe
from rprocfs.cli import main
from rprocfs.debuginfo.image import DebugInfo
from rprocfs.engines.ring import SAMPLES
from rprocfs.profiling.flame_graph import flame_graph
from rprocfs.profiling.stacks import folded, table
from rprocfs.profiling.store import SampleStore
from rprocfs.testing.driver_table import R0, RPMSG, Bench, Images
from rprocfs.testing.userspace import write
from tests.engines.host import ROOT

IMAGE = ROOT / "tests/debuginfo/crash.elf"
M3 = {"compatible": "rprocfs,cortex-m3"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Short answers, each a few hundred instructions, and then a loop without an end."""
    directory = tmp_path_factory.mktemp("profile")
    out = directory / "out"
    images, observe = Images(IMAGE, ("rpmsg-crash",), ""), Observe(profile=str(out))
    with Bench(M3, images, directory, observe=observe) as bench:
        bench.shell.echo(f"{R0}/recovery", "disabled")
        bench.start()
        handle = bench.open(f"{RPMSG}/{bench.channels()[0]}/endpoint")
        for _ in range(200):
            write(handle, b"what?")
            bench.wait(lambda: handle.poll() & 1)
            handle.read(100, 0)
        write(handle, b"hang")
        bench.wait(lambda: any(f.stat().st_size > 1 << 18 for f in out.glob("*.samples")))
    return out


def test_functions_and_stacks(recorded, tmp_path, capsys):
    svg, text = tmp_path / "flames.svg", tmp_path / "stacks.txt"
    assert main(["profile", "--svg", str(svg), "--folded", str(text), str(recorded)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == ["SELF", "TOTAL", "FUNCTION"]
    assert rows[1].split()[2] == "hang"
    shares = {row.split()[2]: float(row.split()[1].rstrip("%")) for row in rows[1:]}
    assert shares["main"] > 99
    assert shares["hang"] > 50
    stacks = dict(line.rsplit(" ", 1) for line in text.read_text().splitlines())
    assert int(stacks["reset;main;rpmsg_receive;command;hang"]) > 100
    # Bursts that are shorter than a slice are sampled where they work, not where they wait.
    assert any("rpmsg_receive" in stack and "hang" not in stack for stack in stacks)
    drawn = ET.fromstring(svg.read_text())
    titles = [title.text for title in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0].startswith("all: ")
    assert any(re.match(r"hang: \d+ samples, \d+\.\d%", title) for title in titles)


def test_nothing_was_recorded(tmp_path, capsys):
    assert main(["profile", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"rprocfs: {tmp_path}: no samples were taken (-o profile={tmp_path})\n"
    )


def sample(pc, lr=0, sp=0x2100_2000):
    return SAMPLES.slot.pack(*[0] * 13, sp, lr, pc, 0x0100_0000, 0, b"", b"")


def test_damaged_samples(tmp_path, capsys):
    store = SampleStore(str(tmp_path), "m3")
    store.begin(IMAGE.read_bytes())
    hang = next(f for f in DebugInfo(IMAGE.read_bytes()).functions if f.name == "hang")
    store.add(sample(hang.begin) + sample(0xFFFF_FFFE, 0xFFFF_FFFD) + b"half a sample")
    assert main(["profile", str(tmp_path)]) == 0
    rows = [row.split() for row in capsys.readouterr().out.splitlines()[1:]]
    assert sorted(rows) == [["50.0%", "50.0%", "??"], ["50.0%", "50.0%", "hang"]]


@pytest.mark.parametrize("image", [None, b"text"])
def test_an_image_that_is_none(image, tmp_path, capsys):
    (tmp_path / "x-1-m3.samples").write_bytes(sample(0))
    if image is not None:
        (tmp_path / "x.elf").write_bytes(image)
    assert main(["profile", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"rprocfs: {tmp_path}/x.elf: ")
    assert err.count("\n") == 1


def test_a_directory_that_cannot_be_is_said_once(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    store = SampleStore(str(tmp_path / "file"), "m3")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            store.begin(b"image")
            store.add(b"samples")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


STACKS = Counter({("main", "work"): 3, ("main", "<exception>", "tick"): 1})


def test_the_table():
    assert list(table(STACKS)) == [
        "   SELF   TOTAL  FUNCTION",
        "  75.0%   75.0%  work",
        "  25.0%   25.0%  tick",
        "   0.0%  100.0%  main",
    ]
    assert list(folded(STACKS)) == ["main;<exception>;tick 1", "main;work 3"]


def test_the_names_of_functions_are_text():
    drawn = ET.fromstring(flame_graph(Counter({("<b>&amp;", "a"): 1}), "x < y"))
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["x < y", "all", "<b>&amp;", "a"]

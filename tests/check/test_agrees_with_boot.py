"""The report and a boot agree: on the verdict, and on where everything is in the coredump."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.base.kmsg import Level
from rprocfs.board import load_board
from rprocfs.board.description import Board
from rprocfs.board.open import kernel_version
from rprocfs.check.command import Target, make_report
from rprocfs.kernel import KERNELS
from rprocfs.system import System
from rprocfs.testing.driver_table import DEBUG, R0
from rprocfs.testing.elf import ElfImage, Section, Segment
from rprocfs.testing.rsc_table import carveout, resource_table, trace, vdev, vring
from rprocfs.testing.userspace import Userspace
from tests.examples import examples

BASES = (0x0, 0x1000, 0x10000, 0x20000000, 0x20010000, 0x30000000)
ANY = 0xFFFFFFFF

addresses = st.builds(
    lambda base, offset: max(0, base + offset),
    st.sampled_from(BASES),
    st.sampled_from((-0x40, 0, 0x40, 0x200, 0xFC0, 0xFF0, 0x1000)),
)
lengths = st.sampled_from((0x20, 0x40, 0x100, 0x1000, 0x1040))


@st.composite
def boards(draw):
    """A processor with memories that may touch, and some that are seen twice."""
    banks = []
    for base in draw(st.lists(st.sampled_from(BASES), min_size=1, max_size=4, unique=True)):
        alias = draw(st.sampled_from(("", "=0x40000000")) if not banks else st.just(""))
        banks.append(f"{base:#x}{alias}:{draw(st.sampled_from((0x1000, 0x2000))):#x}")
    region = {"label": "shared", "da": 0x50000000, "pa": 0x60000000, "size": 0x2000}
    return Board(
        (
            {
                "compatible": "rprocfs,sim",
                "label": "dsp",
                "memory": " ".join(banks),
                "memory-region": draw(st.sampled_from(((), (region,)))),
                "lenient": draw(st.booleans()),
            },
        ),
        kernel=draw(st.sampled_from([kernel.release for kernel in KERNELS])),
    )


@st.composite
def tables(draw):
    """Entries at addresses that may be memory, or may not."""
    das = st.sampled_from((ANY, 0x1000, 0x20000800, 0x50000000, 0x70000000))
    rings = [vring(num=draw(st.sampled_from((2, 16))), da=draw(das)) for _ in range(2)]
    entries = [vdev(vrings=rings)] if draw(st.booleans()) else []
    if draw(st.booleans()):
        entries.append(carveout(draw(st.sampled_from(("text", "shared"))), draw(das), 0x1000))
    if draw(st.booleans()):
        entries.append(trace("log", draw(addresses), 0x40))
    return resource_table(entries)


@st.composite
def images(draw):
    """Segments anywhere, and a table in the first one, in none, or under no name."""
    table = draw(tables())
    first = draw(addresses)
    text = bytes(range(1, 0x41)) + table
    segments = [Segment(first, text, len(text) + draw(st.sampled_from((0, 0x20))))]
    for number in range(draw(st.integers(0, 2))):
        data = bytes([0x80 + number]) * draw(lengths)
        segments.append(Segment(draw(addresses), data, len(data) + draw(st.sampled_from((0, 8)))))
    where = draw(st.sampled_from(("loaded", "loaded", "loaded", "elsewhere", "none")))
    sections = {
        "loaded": [Section(".resource_table", first + 0x40, size=len(table))],
        "elsewhere": [Section(".resource_table", draw(addresses), table)],
        "none": [],
    }[where]
    return ElfImage(segments, sections).build()


class Booted:
    """What a boot of the image came to, and the dump of a crash after it."""

    def __init__(self, target, directory):
        board = target.board
        version = kernel_version(board.kernel)
        properties = target.properties | {"services": ""}  # a model that announces nothing
        with System(firmware=directory, version=version) as system:
            system.add_processor(properties | {"auto-boot": False}, board.node(target.number))
            shell = Userspace(system.tree)
            self.errno, self.dump, self.table = 0, {}, ""
            shell.echo(f"{R0}/firmware", "image.elf")
            first = system.model.kmsg.next_seq
            try:
                shell.echo(f"{R0}/state", "start")
            except OSError as failure:
                self.errno = failure.errno
            records = [r for r in system.model.kmsg.records() if r.seq >= first]
            self.log = [r.text for r in records if r.level <= Level.WARNING]
            if not self.errno:
                self.dump = self._crash(system, shell)

    def _crash(self, system, shell):
        shell.echo(f"{R0}/recovery", "disabled")
        with suppress(OSError):
            shell.echo(f"{R0}/coredump", "enabled")
        shell.echo(f"{R0}/recovery", "enabled")
        shell.echo(f"{DEBUG}/crash", "0")
        system.settle()
        try:
            core = shell.cat_bytes(f"{R0}/devcoredump/data")
        except OSError:  # there was nothing to dump
            return {}
        phoff, phnum = struct.unpack_from("<I", core, 28)[0], struct.unpack_from("<H", core, 44)[0]
        rows = (struct.unpack_from("<8I", core, phoff + 32 * number) for number in range(phnum))
        return {(da, size): core[at : at + size] for _, at, da, _, size, *_ in rows}

    def at(self, da, size):
        """The bytes of the dump there; None if it has not all of them."""
        for (start, length), data in self.dump.items():
            if start <= da and da + size <= start + length:
                return data[da - start : da - start + size]
        return None


def agree(image, target, directory):
    path = directory / "image.elf"
    path.write_bytes(image)
    report = make_report(str(path), target)
    booted = Booted(target, directory)
    assert report["boots"] == (booted.errno == 0)
    assert any(f["severity"] == "error" for f in report["findings"]) == (booted.errno != 0)
    lines = {line.partition(": ")[2] for line in booted.log}
    told = {f["message"] for f in report["findings"]} - {""}
    assert told <= lines
    if booted.errno:
        return
    for memory in report["memories"]:
        assert 0 <= memory["used"] <= memory["size"] == memory["used"] + memory["free"]
        for part in memory["parts"]:
            assert memory["da"] <= part["da"]
            assert part["da"] + part["size"] <= memory["da"] + memory["size"]
    _contents(report, image, booted)
    _table(report, booted)


def _contents(report, image, booted):
    """What is in the file is where the report says, unless something is said to be over it."""
    over = [part for memory in report["memories"] for part in memory["parts"]]
    disputed = any("overwrite" in f["meaning"] or "loaded over" in f["meaning"]
                   for f in report["findings"])  # fmt: skip
    for number, segment in enumerate(report["segments"]):
        assert segment["where"] is not None
        places = [part["da"] for part in over if part["what"] == str(number)]
        assert segment["da"] in places or not places
        found = booted.at(segment["da"], segment["filesz"])
        if found is None or disputed:
            continue
        expected = bytearray(_file(image, number))
        for part in over:
            if part["what"] != "table":
                continue
            for byte in range(part["da"], part["da"] + part["size"]):
                at = byte - segment["da"]
                if 0 <= at < len(expected):
                    expected[at] = found[at]
        for entry in report["table"]["parts"] if report["table"] else ():
            if entry["kind"] == "trace":  # the model of the remote writes its log there
                start = entry["fields"]["da"] - segment["da"]
                for at in range(max(0, start), min(len(expected), start + 0x40)):
                    expected[at] = found[at]
        assert found == bytes(expected), (number, segment)


def _file(image, number):
    phoff = struct.unpack_from("<I", image, 28)[0]
    _, offset, _, _, filesz, *_ = struct.unpack_from("<8I", image, phoff + 32 * number)
    return image[offset : offset + filesz]


def _table(report, booted):
    """What is written back is at the address that the report says, with those values."""
    if report["table"] is None or report["table"]["written_to"] is None:
        return
    found = booted.at(report["table"]["written_to"]["da"], report["table"]["size"])
    if found is None:
        return
    for change in report["written"]:
        if change["field"] in ("da", "pa", "len", "gfeatures"):
            value = struct.unpack_from("<I", found, change["offset"])[0]
            assert value == (ANY if change["new"] == "any" else int(change["new"], 0)), change


@given(image=images(), board=boards())
@examples(150)
def test_on_boards_of_any_kind(tmp_path_factory, image, board):
    agree(image, Target(board), tmp_path_factory.mktemp("agree"))


@pytest.mark.parametrize(
    ("name", "number"), [("imx8mp", 0), ("am62x", 0), ("beaglebone-pru", 1), ("zynqmp", 0)]
)
@given(image=images())
@examples(12)
def test_on_ready_boards(name, number, tmp_path_factory, image):
    agree(image, Target(load_board(name), number), tmp_path_factory.mktemp("agree"))

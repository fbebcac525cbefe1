"""Faults as people report them: the cause is told, and its remedy leaves nothing to say."""

import struct
from pathlib import Path

import pytest

from rprocfs.board import load_board
from rprocfs.board.description import Board
from rprocfs.check.command import Target, make_report
from rprocfs.system import bundled_firmware
from rprocfs.testing.elf import EM_AARCH64, SHF_ALLOC, ElfImage, Section, Segment
from rprocfs.testing.rsc_table import carveout, resource_table, trace, vdev, vring

SHT_NOBITS = 8
VECTORS = struct.pack("<2I", 0x20001000, 0x41) + bytes(0x38) + b"\xfe\xe7" * 8


def table(*entries, **fields):
    return resource_table(list(entries) or [vdev()], **fields)


GOOD = table()


def image(rsc=GOOD, *extra, at=0x400, name=".resource_table", section=None, text=VECTORS, **header):
    """Vectors at 0, the table behind them."""
    segments = [Segment(0, text.ljust(at, b"\0") + (rsc or b"")), *extra]
    fields = {"sh_flags": SHF_ALLOC} | (section or {})
    sections = [Section(name, at, size=len(rsc), header=fields)] if rsc is not None else []
    return ElfImage(segments, sections, **header)


def without_sections(built):
    data = bytearray(built.build())
    data[32:36] = bytes(4)
    data[46:52] = bytes(6)
    return bytes(data)


def wide_offsets():
    body = vdev()
    return struct.pack("<4I2Q", 1, 2, 0, 0, 32, 32 + len(body)) + body + trace("log", 0x1000, 0x100)


def narrow_offsets():
    return table(vdev(), trace("log", 0x1000, 0x100))


def short_enum():
    return table(struct.pack("<B5I4B", 3, 7, 0, 1, 0, 0, 0, 2, 0, 0) + vring() + vring())


def wide_vdev():
    words = struct.pack("<6Q4B", 3, 7, 0, 1, 0, 0, 0, 2, 0, 0)
    return table(words + vring() + vring())


def elsewhere(da, size, *, paddr=None):
    header = {"p_vaddr": da}
    return Segment(da if paddr is None else paddr, b"data" * 4, size, header=header)


#: What is told: the image, the one that the remedy makes of it, the board, words of the finding.
FAULTS = {
    "NOBITS": (
        image(section={"sh_type": SHT_NOBITS, "sh_offset": 0}), image(), "am62x", "is NOBITS",
    ),
    "not alloc": (
        ElfImage([Segment(0, VECTORS.ljust(0x500, b"\0"))], [Section(".resource_table", 0, GOOD)]),
        image(), "am62x", "no flag SHF_ALLOC",
    ),
    "something in front": (
        image(bytes(8) + GOOD), image(), "am62x", "begins 0x8 bytes into section",
    ),
    "empty": (image(b"", text=VECTORS.ljust(0x500, b"\0")), image(), "am62x", "is empty"),
    "big endian": (
        image(b"".join(struct.pack(">I", w) for w in struct.unpack(f"<{len(GOOD) // 4}I", GOOD))),
        image(), "am62x", "big endian",
    ),
    "misnamed": (image(name=".data.resource_table"), image(), "am62x", "one called .data.reso"),
    "another name": (image(name=".openamp"), image(), "imx8mp", "one called .openamp"),
    "within data": (
        image(bytes(0x10) + GOOD, name=".data"), image(), "am62x",
        "what looks like the table is in .data, at 0x410",
    ),
    "no sections": (without_sections(image()), image(), "am62x", "has no section headers"),
    "offset unset": (
        image(table(vdev(), trace("log", 0x1000), num=2, offsets=(24, 0))),
        image(table(vdev(), trace("log", 0x1000))), "am62x", "offset[1] is 0",
    ),
    "offset into the header": (
        image(table(vdev(), offsets=(12,))), image(), "am62x", "leads into the header",
    ),
    "an address as offset": (
        image(table(vdev(), offsets=(0x414,))), image(), "am62x", "0x414, an address",
    ),
    "offset behind": (
        image(table(vdev(), offsets=(0x9000,))), image(), "am62x", "leads behind the table",
    ),
    "offsets of 64 bits": (
        image(wide_offsets()), image(narrow_offsets()), "am62x", "elements of 64 bits",
    ),
    "short enums": (image(short_enum()), image(), "am62x", "has one byte (3)"),
    "fields of 64 bits": (image(wide_vdev()), image(), "am62x", "has fields of 64 bits"),
    "too large": (
        image(GOOD, elsewhere(0x30000, 0x11F80)), image(GOOD, elsewhere(0x30000, 0x10000)),
        "am62x", "begins in dram (0x30000 to 0x40000): 0x1f80 bytes (8064) too many",
    ),
    "two memories": (
        image(GOOD, elsewhere(0x2F000, 0x2000)),
        image(GOOD, elsewhere(0x2F000, 0x1000), elsewhere(0x30000, 0x1000)),
        "am62x", "spans two memories: iram ends at 0x30000, 0x1000 bytes reach into dram",
    ),
    "up to the last byte": (
        image(GOOD, elsewhere(0x20000000, 0x20000)), image(GOOD, elsewhere(0x20000000, 0x1FFFF)),
        "imx8mp", "lies in DTCM (0x20000000 to 0x20020000), but the driver does not give",
    ),
    "LMA": (
        image(GOOD, elsewhere(0x30000, 0x100, paddr=0x8000000)),
        image(GOOD, elsewhere(0x30000, 0x100)), "am62x", "It is to run at 0x30000, but to be",
    ),
    "carveout in no memory": (
        image(table(carveout("MSRAM", 0x70080000, 0x40000), vdev()), elsewhere(0x70080000, 0x1000)),
        image(GOOD, elsewhere(0x30000, 0x1000)), "am62x", "is out of the core's sight",
    ),
    "over another": (
        image(GOOD, elsewhere(0x100, 0x40)), image(GOOD, elsewhere(0x600, 0x40)), "am62x",
        "Segment 1 at 0x100 is loaded over segment 0",
    ),
    "over the table": (
        image(GOOD, elsewhere(0x410, 0x40)), image(GOOD, elsewhere(0x600, 0x40)), "am62x",
        "Segment 1 at 0x410 and the resource table have the same memory",
    ),
    "in a ring": (
        image(GOOD, elsewhere(0x10040800, 0x40)), image(GOOD, elsewhere(0x10000800, 0x40)),
        "stm32mp157", "lies in vdev0vring0, the memory of the ring",
    ),
    "in the buffers": (
        image(GOOD, elsewhere(0x10040000, 0x40)), image(GOOD, elsewhere(0x10000800, 0x40)),
        "stm32mp157", "lies in vdev0vring0",
    ),
    "buffers": (
        image(table(vdev(vrings=[vring(64), vring(64)]))),
        image(table(vdev(vrings=[vring(16), vring(16)]))), "stm32mp157",
        "128 buffers of 512 bytes need 0x10000 bytes, vdev0buffer has 0x4000",
    ),
    "no vectors": (image(text=b""), image(), "stm32mp157", "no vector table"),
    "no Thumb bit": (
        image(text=struct.pack("<2I", 0x20001000, 0x40) + VECTORS[8:]), image(), "stm32mp157",
        "without the Thumb bit",
    ),
    "reset elsewhere": (
        image(text=struct.pack("<2I", 0x20001000, 0x9001) + VECTORS[8:]), image(), "stm32mp157",
        "0x9001, where no segment is",
    ),
    "machine": (
        image(header={"e_machine": EM_AARCH64}), image(), "imx8mp", "is built for AArch64",
    ),
    "no entries": (image(table(num=0, offsets=())), image(), "am62x", "has no entries"),
    "no driver": (image(table(vdev(device_id=99))), image(), "am62x", "device of type 99"),
}  # fmt: skip


def findings(tmp_path, made, board):
    path = tmp_path / "image.elf"
    path.write_bytes(made if isinstance(made, bytes) else made.build())
    return make_report(str(path), Target(load_board(board)))["findings"]


@pytest.mark.parametrize("name", FAULTS)
def test_the_cause_is_told_and_the_remedy_mends(name, tmp_path):
    bad, mended, board, words = FAULTS[name]
    found = findings(tmp_path, bad, board)
    causes = [finding for finding in found if words in finding["meaning"]]
    assert causes, found
    assert causes[0]["severity"] in ("error", "warning")
    assert causes[0]["remedy"]
    left = [f for f in findings(tmp_path, mended, board) if "rsc-table" not in f["meaning"]]
    assert left == []


def test_the_layout_of_sts_linker_scripts(tmp_path):
    """The table's address is one behind _edata, its bytes are loaded with .data's: it works."""
    data = b"data" * 8 + GOOD
    segment = Segment(0x1000, data, header={"p_vaddr": 0x10000000})
    section = Section(".resource_table", 0x1020, size=len(GOOD))
    section.header = dict(section.header) | {"sh_addr": 0x10000020, "sh_flags": SHF_ALLOC}
    section.addr = 0x1020
    made = ElfImage([Segment(0, VECTORS), segment], [section])
    assert findings(tmp_path, made, "stm32mp157") == []


def test_a_table_that_is_bad_is_no_error_beside_the_real_one(tmp_path):
    """The driver goes on without a table, and then refuses a segment."""
    found = findings(tmp_path, image(b"short", elsewhere(0x70000000, 0x40)), "imx8mp")
    assert [f["severity"] for f in found if f["message"] == "header-less resource table"] == [
        "warning"
    ]
    (refusal,) = [finding for finding in found if finding["severity"] == "error"]
    assert refusal["message"].startswith("bad phdr da 0x70000000")


@pytest.mark.parametrize(
    ("machine", "processor"), [(40, "wkup_m3"), (144, "4a334000.pru"), (183, "wkup_m3")]
)
def test_the_machine_of_the_image_chooses_the_processor(machine, processor, tmp_path, capsys):
    from rprocfs.cli import main  # the command, with its choice

    path = tmp_path / "image.elf"
    path.write_bytes(image(None, header={"e_machine": machine}).build())
    main(["check", "--board", "beaglebone-pru", str(path)])
    out = capsys.readouterr().out
    assert f" {processor} (" in out.splitlines()[0]
    assert ("is built for AArch64" in out) == (machine == 183)


def test_the_boards_kernel_answers(tmp_path):
    data = bytearray(image().build())
    struct.pack_into("<H", data, 48, struct.unpack_from("<H", data, 48)[0] + 3)
    (tmp_path / "image.elf").write_bytes(data)
    sim = {"compatible": "rprocfs,sim", "label": "dsp", "memory": "0x0:0x10000"}
    verdicts = {
        kernel: make_report(str(tmp_path / "image.elf"), Target(Board((sim,), kernel=kernel)))
        for kernel in ("6.1", "6.12")
    }
    assert {k: (r["kernel"], r["boots"]) for k, r in verdicts.items()} == {
        "6.1": ("6.1", True), "6.12": ("6.12", False),
    }  # fmt: skip


def test_the_faults_are_of_the_images_alone():
    """Each of them boots or not by its bytes: none of the good ones is a copy of the bad one."""
    for bad, mended, *_ in FAULTS.values():
        one = bad if isinstance(bad, bytes) else bad.build()
        assert one != (mended if isinstance(mended, bytes) else mended.build())


OURS = sorted(Path(bundled_firmware()).glob("*.elf"))
#: What a name begins with: the board that it is for, and the number of the processor there.
TARGETS = {
    "am62x-": ("am62x", 0),
    "stm32mp1-": ("stm32mp157", 0),
    **{f"imx8m{part}-": (f"imx8m{part}-evk", 0) for part in "mnpq"},
    "zynqmp-echo1": ("zcu102", 1),
    "zynqmp-": ("zcu102", 0),
}
IMAGES = [path for path in OURS if "rv32" not in path.name]


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_images_that_come_along_have_nothing_to_be_said_of(path):
    """On the boards that they are for; a note, as of the table that a driver has, is no fault."""
    fits = (target for start, target in TARGETS.items() if path.name.startswith(start))
    board, number = next(fits, (None, 0))
    findings = make_report(str(path), Target(load_board(board), number))["findings"]
    assert [found for found in findings if found["severity"] != "note"] == []

"""The ELF loader, with images that are right, wrong, and mutated."""

import re
import shutil
import subprocess
from struct import pack_into

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.kernel import DEFAULT, LINUX_6_1, LINUX_6_12, LINUX_6_18, find_kernel
from rprocfs.remoteproc.elf_loader import (
    LoadSegment,
    fw_elf_get_class,
    iter_load_segments,
    rproc_elf_find_loaded_rsc_table,
    rproc_elf_get_boot_addr,
    rproc_elf_load_rsc_table,
    rproc_elf_load_segments,
    rproc_elf_sanity_check,
)
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.testing.elf import EM_AARCH64, EM_RISCV, PT_NOTE, ElfImage, Section, Segment
from rprocfs.testing.firmware import FW_BASE, TABLE_AT, firmware, standard_table
from rprocfs.testing.images import IMAGES, Stage, good
from rprocfs.testing.rsc_table import resource_table
from tests.check.dry_boot import DryBoot
from tests.examples import examples, rounds

#: Of what loaders do differently, all that there is.
LOADERS = (LINUX_6_1, LINUX_6_12, LINUX_6_18)

BITS = st.sampled_from([32, 64])


def refused(call, *arguments):
    with pytest.raises(FirmwareError) as error:
        call(*arguments)
    assert error.value.errno == 22
    return error.value.strerror


class Memory:
    """One region of 4 KiB, filled with 0xaa, that hands out exactly what is asked for."""

    def __init__(self, base=0x1000):
        self.base, self.bytes = base, bytearray(b"\xaa" * 0x1000)

    def __call__(self, da, size):
        start = da - self.base
        if not 0 <= start <= len(self.bytes) - size:
            return None
        return memoryview(self.bytes)[start : start + size]


@pytest.mark.parametrize("kernel", LOADERS, ids=lambda kernel: kernel.release)
@pytest.mark.parametrize("name", IMAGES)
def test_named_images(name, kernel):
    image = IMAGES[name]
    boot = DryBoot(image.make(), kernel)
    log = [line for line in image.log_of(kernel) if "request_firmware" not in line]
    assert (boot.stage, boot.errno, boot.log) == (image.stage_of(kernel), image.errno, log)


@pytest.mark.parametrize("name", IMAGES)
def test_memoryviews_are_as_good_as_bytes(name):
    data = IMAGES[name].make()
    over, under = DryBoot(data), DryBoot(memoryview(data))
    assert (over.stage, over.log) == (under.stage, under.log)


# Sanity check, in the kernel's order.


@pytest.mark.parametrize("size", [0, 1, 51])
def test_too_small(size):
    assert refused(rproc_elf_sanity_check, good()[:size]) == "Image is too small"


@pytest.mark.parametrize(("value", "shown"), [(0, 0), (3, 3), (127, 127), (128, -128), (255, -1)])
def test_class_is_a_signed_char(value, shown):
    image = bytearray(good())
    image[4] = value
    assert refused(rproc_elf_sanity_check, bytes(image)) == f"Unsupported class: {shown}"


def test_the_first_fault_counts():
    """Each fault alone, then with all that are looked at later."""
    image = bytearray(firmware(standard_table(), header={"e_phnum": 0, "e_phoff": 1 << 30}).build())
    assert refused(rproc_elf_sanity_check, bytes(image)) == "No loadable segments"
    pack_into("<I", image, 32, len(image) + 1)
    text = "Section header table is out of bounds"
    assert refused(rproc_elf_sanity_check, bytes(image)) == text
    image[5] = 2
    assert refused(rproc_elf_sanity_check, bytes(image)) == "Unsupported firmware endianness"
    image[4] = 9
    assert refused(rproc_elf_sanity_check, bytes(image)) == "Unsupported class: 9"
    image[0] = 0
    assert refused(rproc_elf_sanity_check, bytes(image)) == "Image is corrupted (bad magic)"


@pytest.mark.parametrize("bits", [32, 64])
def test_section_headers_to_the_last_byte(bits):
    """One header must be in the file for all kernels; every one of them since 6.12.117."""
    data = firmware(standard_table(), bits=bits).build()
    size = 40 if bits == 32 else 64
    rproc_elf_sanity_check(data)
    assert refused(rproc_elf_sanity_check, data[:-1]) == "Section headers are out of bounds"
    assert refused(rproc_elf_sanity_check, data[: -2 * size]) == "Section headers are out of bounds"
    assert refused(rproc_elf_sanity_check, data[: -3 * size]) == "Section headers are out of bounds"
    assert refused(rproc_elf_sanity_check, data[: -3 * size - 1]) == (
        "Section header table is out of bounds"
    )
    rproc_elf_sanity_check(data[: -2 * size], LINUX_6_1)
    rproc_elf_sanity_check(data[: -2 * size], find_kernel("6.12.116"))
    assert refused(rproc_elf_sanity_check, data[: -2 * size - 1], LINUX_6_1) == "Image is too small"


@pytest.mark.parametrize("kernel", LOADERS, ids=lambda kernel: kernel.release)
@pytest.mark.parametrize("field", ["e_shoff", "e_phoff"])
def test_offsets_that_would_wrap(field, kernel):
    header = {field: (1 << 64) - 16}
    data = firmware(standard_table(), bits=64, header=header).build()
    assert refused(rproc_elf_sanity_check, data, kernel)


def test_no_sections_at_all():
    """The kernel wants room for one section header, even where there is none."""
    data = ElfImage([Segment(0, b"x")], header={"e_shnum": 0, "e_shstrndx": 0}).build()
    rproc_elf_sanity_check(data)
    assert refused(rproc_elf_load_rsc_table, data) == ""
    bare = ElfImage([Segment(0, b"x")], header={"e_shnum": 0, "e_shoff": 0}).build()
    rproc_elf_sanity_check(bare)


def test_the_section_of_the_names():
    """It is looked at even if e_shnum says that there is none."""
    image = ElfImage([Segment(0, b"x")], header={"e_shnum": 0, "e_shstrndx": 900})
    assert refused(rproc_elf_sanity_check, image.build()) == "Image is too small"
    rproc_elf_sanity_check(image.build(), find_kernel("6.12.116"))


def test_default_is_6_12():
    assert DEFAULT is LINUX_6_12


# Segments.

SEGMENTS = st.lists(
    st.tuples(st.integers(0, 0xF00), st.binary(max_size=64), st.integers(0, 80)), max_size=6
)


@given(SEGMENTS, BITS, st.sampled_from([EM_AARCH64, EM_RISCV, 0, 0xFFFF]))
@examples(100)
def test_segments_land_where_they_should(segments, bits, machine):
    image = [Segment(0x1000 + at, data, len(data) + bss) for at, data, bss in segments]
    data = ElfImage([*image, Segment(7, b"note", header={"p_type": PT_NOTE})], bits=bits,
                    header={"e_machine": machine}).build()  # fmt: skip
    memory, expected = Memory(), bytearray(b"\xaa" * 0x1000)
    for at, content, bss in segments:
        expected[at : at + len(content) + bss] = content + bytes(bss)
    rproc_elf_load_segments(memory, data)
    assert memory.bytes == expected
    assert [segment.da for segment in iter_load_segments(data)] == [
        0x1000 + at for at, content, bss in segments if content or bss
    ]


def test_physical_not_virtual_address():
    data = ElfImage([Segment(0x1000, b"abcd", header={"p_vaddr": 0x99999999})]).build()
    memory = Memory()
    rproc_elf_load_segments(memory, data)
    assert memory.bytes[:4] == b"abcd"


def test_entry_sizes_in_the_header_are_not_believed():
    data = ElfImage(
        [Segment(0x1000, b"ab"), Segment(0x1002, b"cd")],
        [Section(".resource_table", data=resource_table([]))],
        header={"e_phentsize": 1, "e_shentsize": 0},
    ).build()
    memory = Memory()
    rproc_elf_load_segments(memory, data)
    assert memory.bytes[:4] == b"abcd"
    assert rproc_elf_load_rsc_table(data) == resource_table([])


def test_zeroes_behind_a_segment_of_megabytes():
    memory = Memory(0)
    memory.bytes = bytearray(b"\xff" * (3 << 20))
    rproc_elf_load_segments(memory, ElfImage([Segment(1, b"x", (3 << 20) - 2)]).build())
    assert memory.bytes == b"\xffx" + bytes((3 << 20) - 3) + b"\xff"


def test_what_was_loaded_before_a_bad_segment_stays():
    data = ElfImage([Segment(0x1000, b"ok"), Segment(0x5000, b"no"), Segment(0x1008, b"x")]).build()
    memory = Memory()
    assert refused(rproc_elf_load_segments, memory, data) == "bad phdr da 0x5000 mem 0x2"
    assert memory.bytes[:9] == b"ok" + b"\xaa" * 7


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ({"p_filesz": 9, "p_offset": 1 << 30}, "bad phdr filesz 0x9 memsz 0x8"),
        ({"p_offset": 1 << 30, "p_paddr": 0}, "truncated fw: need 0x40000008 avail 0x{size:x}"),
        ({"p_paddr": 0xFFFFFFFFFFFFFFF0}, "bad phdr da 0xfffffffffffffff0 mem 0x8"),
        ({"p_memsz": 1 << 63}, "bad phdr da 0x1000 mem 0x8000000000000000"),
        ({"p_offset": (1 << 64) - 4}, "truncated fw: need 0x10000000000000004 avail 0x{size:x}"),
    ],
)
def test_bad_segments(header, text):
    data = ElfImage([Segment(0x1000, b"x" * 8, header=header)], bits=64).build()
    memory = Memory()
    assert refused(rproc_elf_load_segments, memory, data) == text.format(size=len(data))
    assert memory.bytes == b"\xaa" * 0x1000


def test_program_headers_out_of_the_file():
    data = ElfImage([Segment(0x1000, b"x")], header={"e_phnum": 0xFFFF}).build()
    rproc_elf_sanity_check(data)
    memory = Memory()
    assert refused(rproc_elf_load_segments, memory, data) == "Firmware size is too small"
    assert memory.bytes == b"\xaa" * 0x1000


def test_segments_of_one_image():
    data = ElfImage([Segment(0x1000, b"abc", 5), Segment(0x2000, b"", 0)]).build()
    assert list(iter_load_segments(data)) == [LoadSegment(0x1000, 5, 3, data.index(b"abc"))]


@given(BITS, st.integers(0, 0xFFFFFFFF))
def test_boot_address_and_class(bits, entry):
    data = ElfImage([Segment(0, b"x")], bits=bits, header={"e_entry": entry}).build()
    assert rproc_elf_get_boot_addr(data) == entry
    assert fw_elf_get_class(data) == bits // 32


# The resource table's section.


def table_in(*sections, **header):
    return ElfImage([Segment(0x1000, b"code")], sections, header=header).build()


def test_where_the_table_is():
    table = standard_table()
    data = firmware(table).build()
    assert rproc_elf_load_rsc_table(data) == table
    assert rproc_elf_find_loaded_rsc_table(data) == (FW_BASE + TABLE_AT, len(table))


def test_the_first_of_that_name():
    one, two = resource_table([b"one!"]), resource_table([b"two!"])
    named = Section(".resource_table", data=one), Section(".resource_table", data=two)
    assert rproc_elf_load_rsc_table(table_in(Section(".text", data=b""), *named)) == one


@pytest.mark.parametrize("name", [".resource_tabl", ".resource_table2", "resource_table", ""])
def test_other_names(name):
    assert refused(rproc_elf_load_rsc_table, table_in(Section(name, data=resource_table([])))) == ""


def test_name_may_be_the_end_of_another():
    """Names share their tails in a string table, and strcmp does not mind."""
    data = bytearray(table_in(Section("x.resource_table", data=resource_table([]))))
    assert refused(rproc_elf_load_rsc_table, bytes(data)) == ""
    shdr = len(data) - 40
    pack_into("<I", data, shdr, len(b"\0.shstrtab\0x"))
    assert rproc_elf_load_rsc_table(bytes(data)) == resource_table([])


@pytest.mark.parametrize("header", [{"sh_name": 0xFFFFFFFF}, {"sh_name": 1 << 31}])
def test_names_out_of_the_file(header):
    section = Section(".resource_table", data=resource_table([]), header=header)
    assert refused(rproc_elf_load_rsc_table, table_in(section)) == ""


def test_name_cut_off_by_the_end_of_the_file():
    data = table_in(Section(".resource_table", data=resource_table([])))
    at = data.index(b".resource_table")
    moved = bytearray(data[:at] + b"\0" * 15 + data[at + 15 :]) + b".resource_table"
    pack_into("<I", moved, len(data) - 40, len(data) - data.index(b"\0.shstrtab"))
    assert refused(rproc_elf_load_rsc_table, bytes(moved)) == ""
    assert rproc_elf_load_rsc_table(bytes(moved) + b"\0") == resource_table([])


@pytest.mark.parametrize("index", [3, 0xFF00, 0xFFFF])
def test_name_table_out_of_the_file(index):
    section = Section(".resource_table", data=resource_table([]))
    assert refused(rproc_elf_load_rsc_table, table_in(section, e_shstrndx=index)) == ""


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ({"sh_offset": 0xFFFFFFFF}, "resource table truncated"),
        ({"sh_size": 0xFFFFFFFF}, "resource table truncated"),
        ({"sh_size": 15}, "header-less resource table"),
        ({"sh_size": 0}, "header-less resource table"),
    ],
)
def test_table_extent(header, text):
    section = Section(".resource_table", data=resource_table([]), header=header)
    data = table_in(section)
    assert refused(rproc_elf_load_rsc_table, data) == text
    assert refused(rproc_elf_find_loaded_rsc_table, data) == text


def test_table_extent_that_wraps():
    header = {"sh_offset": (1 << 64) - 8, "sh_size": 24}
    section = Section(".resource_table", data=resource_table([]), header=header)
    data = ElfImage([Segment(0, b"x")], [section], bits=64).build()
    assert refused(rproc_elf_load_rsc_table, data) == "resource table truncated"


# Images that lie.

INTERESTING = (0, 1, 2, 0x10, 0x7F, 0x80, 0xFF)


def mutate(data, random):
    """A few bytes or words changed, mostly in headers, perhaps cut or longer."""
    data = bytearray(data)
    for _ in range(random.randrange(1, 5)):
        if len(data) < 8:
            break
        region = random.choice((64, 200, len(data)))
        at = random.randrange(min(region, len(data) - 7))
        at = random.choice((at, len(data) - 8 - at % 200 if len(data) > 208 else at))
        word = random.choice((0, 1, len(data), 0xFFFFFFFF, 0x7FFFFFFF, random.getrandbits(32)))
        if random.random() < 0.5:
            data[at] = random.choice((*INTERESTING, random.getrandbits(8)))
        else:
            pack_into("<I", data, at, word)
    return bytes(data[: random.choice((len(data), len(data), random.randrange(len(data) + 1)))])


def test_mutated_images():
    """3,000 of them, RPROCFS_EXAMPLES times that: a FirmwareError or a boot, nothing else."""
    originals = [image.make() for name, image in IMAGES.items() if image.make()]
    verdicts = set()
    for _, random in rounds(3_000):
        data = mutate(random.choice(originals), random)
        boot = DryBoot(data, random.choice(LOADERS))
        assert boot.errno in ({0} if boot.stage is Stage.RUNNING else {12, 22})
        verdicts.update(re.sub("-?(0x)?[0-9a-f]+$", "", line) for line in boot.log)
    assert len(verdicts) > 15


@given(st.binary(max_size=400), BITS)
@examples(200)
def test_any_bytes_behind_a_good_ident(data, bits):
    boot = DryBoot(b"\x7fELF" + bytes([bits // 32, 1]) + data)
    assert boot.errno in (0, 12, 22)


@given(st.binary(max_size=120))
def test_any_bytes_to_any_function(data):
    """What the others assume checked is the header; the rest of the file may be anything."""
    image = good()[:52] + data
    for call in (rproc_elf_load_rsc_table, rproc_elf_find_loaded_rsc_table):
        refused(call, image)
    refused(rproc_elf_load_segments, Memory(), image)


# The same as others read it.

readelf = shutil.which("readelf")


@pytest.mark.skipif(readelf is None, reason="no readelf (binutils)")
@pytest.mark.parametrize("name", [n for n in IMAGES if IMAGES[n].stage is Stage.RUNNING])
def test_segments_and_table_as_readelf_sees_them(name, tmp_path):
    data = IMAGES[name].make()
    (tmp_path / "image.elf").write_bytes(data)
    text = subprocess.run(
        [readelf, "-hlSW", tmp_path / "image.elf"], capture_output=True, text=True, check=True
    )
    assert text.stderr == ""
    word = "(0x[0-9a-f]+)"
    loads = re.findall(rf"^ +LOAD +{word} {word} {word} {word} {word}", text.stdout, re.MULTILINE)
    segments = [(s.offset, s.da, s.filesz, s.memsz) for s in iter_load_segments(data)]
    numbers = [[int(number, 16) for number in load] for load in loads]
    assert segments == [(o, p, f, m) for o, _, p, f, m in numbers if m]
    entry = re.search(rf"Entry point address: +{word}", text.stdout)[1]
    assert rproc_elf_get_boot_addr(data) == int(entry, 16)
    found = re.search(r"\.resource_table +PROGBITS +(\w+) (\w+) (\w+)", text.stdout)
    addr, offset, size = (int(number, 16) for number in found.groups())
    assert rproc_elf_load_rsc_table(data) == data[offset : offset + size]
    assert rproc_elf_find_loaded_rsc_table(data) == (addr, size)

"""The ELF writer, as readelf and pyelftools read what it wrote."""

import io
import re
import shutil
import subprocess

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.testing.elf import EM_386, EM_AARCH64, EM_ARM, EM_RISCV, ElfImage, Section, Segment
from tests.examples import examples

CONTENT = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=4)


@given(
    CONTENT,
    CONTENT,
    st.sampled_from([32, 64]),
    st.booleans(),
    st.sampled_from([EM_386, EM_ARM, EM_AARCH64, EM_RISCV]),
)
@examples(100)
def test_as_pyelftools_reads_it(segments, sections, bits, big_endian, machine):
    data = ElfImage(
        [Segment(addr, content, len(content) + 3) for addr, content in segments],
        [Section(f".s{at}", addr, content) for at, (addr, content) in enumerate(sections)],
        bits=bits,
        big_endian=big_endian,
        header={"e_machine": machine, "e_entry": 0x1234},
    ).build()
    elf = ELFFile(io.BytesIO(data))
    assert (elf.elfclass, elf.little_endian, elf["e_entry"]) == (bits, not big_endian, 0x1234)
    assert elf.header.e_machine in ("EM_386", "EM_ARM", "EM_AARCH64", "EM_RISCV")
    assert [(s["p_paddr"], s.data(), s["p_memsz"]) for s in elf.iter_segments()] == [
        (addr, content, len(content) + 3) for addr, content in segments
    ]
    found = {s.name: (s["sh_addr"], s.data()) for s in elf.iter_sections() if s.name[:2] == ".s"}
    found.pop(".shstrtab")
    assert found == {f".s{at}": section for at, section in enumerate(sections)}


def test_section_of_a_segment():
    data = ElfImage([Segment(0x1000, b"code"), Segment(0x2000, b"hello")],
                    [Section(".part", 0x2001, size=3)]).build()  # fmt: skip
    assert ELFFile(io.BytesIO(data)).get_section_by_name(".part").data() == b"ell"
    with pytest.raises(ValueError, match="no segment has 0x2005"):
        ElfImage([Segment(0x2000, b"hello")], [Section(".part", 0x2005, size=1)]).build()


def test_every_field_can_be_overridden():
    fields = {"e_phnum": 9, "e_shstrndx": 7, "e_flags": 0x5000200}
    segment = Segment(0, b"x", header={"p_align": 99, "p_filesz": 77})
    section = Section(".s", data=b"y", header={"sh_link": 88})
    elf = ELFFile(io.BytesIO(ElfImage([segment], [section]).build()))
    assert (elf.get_segment(0)["p_align"], elf.get_segment(0)["p_filesz"]) == (99, 77)
    assert elf.get_section_by_name(".s")["sh_link"] == 88
    broken = ElfImage([segment], [section], ei_class=1, header=fields).build()
    header = ELFFile(io.BytesIO(broken)).header
    assert {name: header[name] for name in fields} == fields


@pytest.mark.skipif(shutil.which("readelf") is None, reason="no readelf (binutils)")
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("big_endian", [False, True])
def test_as_readelf_reads_it(bits, big_endian, tmp_path):
    path = tmp_path / "image.elf"
    image = ElfImage([Segment(0x1000, b"code", 0x20)], [Section(".text", 0x1000, size=4)],
                     bits=bits, big_endian=big_endian)  # fmt: skip
    path.write_bytes(image.build())
    run = subprocess.run(["readelf", "-aW", path], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert f"Class:                             ELF{bits}" in run.stdout
    assert ("big" if big_endian else "little") + " endian" in run.stdout
    assert re.search(r"LOAD +0x\w+ 0x0*1000 0x0*1000 0x0*4 0x0*20 RWE 0x4", run.stdout)
    assert re.search(r"\.text +PROGBITS +0*1000 ", run.stdout)

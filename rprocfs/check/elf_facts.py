"""The header, segments and sections of an image, for reports. Sans-I/O.

The loader decides (:mod:`.elf_loader`). This module only reports, also on images that the loader
refuses. It never fails: parts that are not in the image are left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

PT_LOAD = 1
SHT_NOBITS = 8
SHF_ALLOC = 2
TABLE_SECTION = ".resource_table"

MACHINES = {3: "i386", 40: "ARM", 62: "x86-64", 93: "Arc", 94: "Xtensa", 183: "AArch64",
            243: "RISC-V", 247: "BPF", 144: "TI PRU", 140: "TI C6000", 8: "MIPS",
            189: "MicroBlaze", 195: "ARCv2"}  # fmt: skip
_CLASSES = {1: "ELF32", 2: "ELF64"}
_ORDERS = {1: "little endian", 2: "big endian"}
# Member codes of a class: header behind e_ident, program header, section header.
_EHDR = {1: "HHIIIIIHHHHHH", 2: "HHIQQQIHHHHHH"}
_PHDR = {1: "8I", 2: "IIQQQQQQ"}
_SHDR = {1: "10I", 2: "IIQQQQIIQQ"}


@dataclass(frozen=True, slots=True)
class ElfSegment:
    """A program header."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int

    @property
    def access(self) -> str:
        """``rwx``, with a dash for what is not allowed."""
        return "".join(c if self.flags & bit else "-" for c, bit in (("r", 4), ("w", 2), ("x", 1)))

    def carries(self, section: ElfSection) -> bool:
        """Whether all bytes of *section* in the file are in this segment."""
        at = section.offset - self.offset
        return not section.nobits and at >= 0 and at + section.size <= self.filesz


@dataclass(frozen=True, slots=True)
class ElfSection:
    """A section header, by its name."""

    name: str
    type: int
    flags: int
    addr: int
    offset: int
    size: int

    @property
    def nobits(self) -> bool:
        """Whether the section has no bytes in the file."""
        return self.type == SHT_NOBITS


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """The parts of an image's header, segments and sections that are in the file."""

    elf_class: str
    order: str
    machine: int
    entry: int
    segments: tuple[ElfSegment, ...] = ()
    sections: tuple[ElfSection, ...] = field(default=(), repr=False)

    @property
    def loads(self) -> list[ElfSegment]:
        """The PT_LOAD segments that occupy memory."""
        return [segment for segment in self.segments if segment.type == PT_LOAD and segment.memsz]

    @property
    def table(self) -> ElfSection | None:
        """The section of the resource table."""
        return next((s for s in self.sections if s.name == TABLE_SECTION), None)

    @property
    def machine_name(self) -> str:
        """``ARM`` ..., or its number."""
        return machine_name(self.machine)

    @property
    def carrier(self) -> int | None:
        """Which of :attr:`loads` has the resource table's bytes."""
        section = self.table
        for number, segment in enumerate(self.loads):
            if section is not None and segment.carries(section):
                return number
        return None


def machine_name(number: int) -> str:
    """What an ``e_machine`` is called."""
    return MACHINES.get(number, f"machine {number}")


def elf_facts(fw: bytes) -> ElfFacts | None:
    """Read *fw*; None if it is not ELF or its header is not complete."""
    kind, order = (fw[4], fw[5]) if len(fw) > 5 else (0, 0)
    if fw[:4] != b"\x7fELF" or kind not in _EHDR or order not in _ORDERS:
        return None
    end = "<" if order == 1 else ">"
    if len(fw) < 16 + struct.calcsize(end + _EHDR[kind]):
        return None
    header = struct.unpack_from(end + _EHDR[kind], fw, 16)
    machine, entry, phoff, shoff = header[1], header[3], header[4], header[5]
    phnum, shnum, names = header[9], header[11], header[12]
    return ElfFacts(
        _CLASSES[kind],
        _ORDERS[order],
        machine,
        entry,
        tuple(_segment(kind, row) for row in _rows(fw, end + _PHDR[kind], phoff, phnum)),
        tuple(_sections(fw, list(_rows(fw, end + _SHDR[kind], shoff, shnum)), names)),
    )


def _rows(fw: bytes, code: str, start: int, count: int) -> Iterator[tuple[int, ...]]:
    size = struct.calcsize(code)
    for number in range(count):
        if start + (number + 1) * size > len(fw):
            return
        yield struct.unpack_from(code, fw, start + number * size)


def _segment(kind: int, row: tuple[int, ...]) -> ElfSegment:
    if kind == 1:
        type_, offset, vaddr, paddr, filesz, memsz, flags, _ = row
    else:
        type_, flags, offset, vaddr, paddr, filesz, memsz, _ = row
    return ElfSegment(type_, flags, offset, vaddr, paddr, filesz, memsz)


def _sections(fw: bytes, rows: list[tuple[int, ...]], names: int) -> Iterator[ElfSection]:
    if names >= len(rows):
        return
    strings = rows[names][4]
    for name, kind, flags, addr, offset, size, *_ in rows:
        text = fw[strings + name : strings + name + 256].split(b"\0", 1)[0]
        yield ElfSection(text.decode("utf-8", "replace"), kind, flags, addr, offset, size)

"""Why an image has no resource table, or one whose header is refused: read from its sections."""

from __future__ import annotations

import difflib
import struct
from typing import TYPE_CHECKING

from rprocfs.check.elf_facts import SHF_ALLOC, SHT_NOBITS, TABLE_SECTION
from rprocfs.check.finding import Cause
from rprocfs.check.table_layout import looks_like_table, table_inside

if TYPE_CHECKING:
    from rprocfs.check.elf_facts import ElfFacts, ElfSection

#: ``SHT_PROGBITS``, ``SHT_NOTE`` and other kinds that a linker makes of data.
_DATA = {1, 7, SHT_NOBITS}
_WORDS = ("resourcetable", "rsctable", "rsctbl", "rsctab", "resourcetbl", "resourcetab")
_NEAR = 0.72
_KEEP = (
    'Put the table into it, __attribute__((section(".resource_table"), used)), and keep it in '
    "the linker script: .resource_table : { KEEP(*(.resource_table)) }. Without KEEP, "
    "--gc-sections drops what nobody refers to."
)


def section_cause(fw: bytes, facts: ElfFacts) -> Cause | None:
    """What is wrong with the section of the table; None: its header is good."""
    section = facts.table
    if section is None:
        return _missing(fw, facts)
    data = fw[section.offset : section.offset + section.size]
    if section.nobits:
        return Cause(
            "Section .resource_table is NOBITS, as .bss and (NOLOAD) are: it has no bytes in the "
            "file, and the kernel reads what happens to follow there.",
            "Initialise the table, and take (NOLOAD) off its output section.",
        )
    if not section.size:
        return Cause("Section .resource_table is empty.", _KEEP)
    at = table_inside(data)
    if at:
        return Cause(
            f"The table begins {at:#x} bytes into section .resource_table: something else is "
            "placed in front of it.",
            "The output section has to begin by the table: KEEP(*(.resource_table)) comes first.",
        )
    if len(data) >= 16 and struct.unpack_from(">I", data)[0] == 1:
        return Cause(
            "The table is big endian.", "Build it little endian: -mlittle-endian (Arm), -EL."
        )
    return None


def _missing(fw: bytes, facts: ElfFacts) -> Cause:
    if not facts.sections:
        return Cause(
            "The image has no section headers, by which the kernel finds the resource table.",
            "Give the linker's output: sstrip, --strip-section-headers and --strip-sections "
            "take them away. strip(1) is fine.",
        )
    near = near_table(fw, facts)
    if near is not None:
        return Cause(
            f"There is no section .resource_table, but one called {near.name}.",
            "The kernel looks for exactly .resource_table: rename the output section in the "
            "linker script, .resource_table : { KEEP(*(.resource_table*)) }.",
        )
    for section in facts.sections:
        at = None if section.nobits or not section.flags & SHF_ALLOC else _inside(fw, section)
        if at is not None:
            return Cause(
                f"There is no section .resource_table; what looks like the table is in "
                f"{section.name}, at {section.addr + at:#x}.",
                f"Give it an output section of its own. {_KEEP}",
            )
    return Cause("There is no section .resource_table.", _KEEP)


def near_table(fw: bytes, facts: ElfFacts) -> ElfSection | None:
    """The section that was probably meant to be the resource table's: by content, then by name."""
    found = [
        (looks_like_table(_data(fw, section)), closeness, section)
        for section in facts.sections
        if section.type in _DATA and (closeness := _closeness(section.name))
    ]
    by_content = [
        (True, 0.0, section)
        for section in facts.sections
        if section.type in _DATA and section.name and looks_like_table(_data(fw, section))
    ]
    return max(found + by_content, key=lambda item: item[:2], default=(0, 0, None))[2]


def _closeness(name: str) -> float:
    """From 0, it is another one, to 1."""
    if name.startswith((".debug", ".rel.", ".rela.")):
        return 0
    plain = "".join(char for char in name.lower() if char.isalnum())
    ratio = difflib.SequenceMatcher(None, name.lower(), TABLE_SECTION).ratio()
    return ratio if ratio >= _NEAR or any(word in plain for word in _WORDS) else 0


def _data(fw: bytes, section: ElfSection) -> bytes:
    return b"" if section.nobits else fw[section.offset : section.offset + section.size]


def _inside(fw: bytes, section: ElfSection) -> int | None:
    return table_inside(_data(fw, section))

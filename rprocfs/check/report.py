"""What is wrong with an image, or might be: a dry boot, explained."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass

from rprocfs.base.kmsg import Level
from rprocfs.check.dry_boot import DryBoot, Stage
from rprocfs.check.elf_facts import ElfFacts
from rprocfs.check.explanations import (
    DEVMEM,
    NO_TABLE,
    RENAMED_TABLE,
    SILENT,
    SUMMARY,
    explain,
)
from rprocfs.check.rsc_fields import rsc_parts

VIRTIO_RPMSG_F_NS = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about an image.

    *errno* is what a boot fails with because of it, 0 where it boots all the same.
    *message* is the kernel's line; empty where the kernel says nothing.
    """

    errno: int
    message: str
    meaning: str
    remedy: str


def findings(boot: DryBoot) -> list[Finding]:
    """What the kernel said, explained, then what it would not say."""
    said = list(_said(boot))
    if boot.errno and not any(finding.errno for finding in said):
        said.append(_unsaid(boot))
    return said + (list(_notices(boot, boot.facts)) if boot.facts is not None else [])


def _said(boot: DryBoot) -> Iterator[Finding]:
    for record in boot.records:
        line = record.text.split(": ", 1)[-1]
        if record.level > Level.WARNING or SUMMARY.match(line):
            continue
        code = boot.errno if record.level <= Level.ERR else 0
        meaning, remedy = explain(line)
        yield Finding(code, line, *_nearer(boot, line, meaning, remedy))


def _nearer(boot: DryBoot, line: str, meaning: str, remedy: str) -> tuple[str, str]:
    """Say more of a segment that is linked for one address and loaded at another."""
    for segment in boot.facts.loads if boot.facts else ():
        if line.startswith(f"bad phdr da {segment.paddr:#x} ") and segment.vaddr != segment.paddr:
            meaning += f" It is to run at {segment.vaddr:#x}, but to be loaded here."
    return meaning, remedy


def _unsaid(boot: DryBoot) -> Finding:
    what = SILENT
    if boot.stage is Stage.PARSE and boot.facts is not None:
        what = RENAMED_TABLE if boot.facts.nearly_table else NO_TABLE
    elif any(part.kind == "devmem" for part in rsc_parts(boot.table) if boot.table):
        what = DEVMEM
    name = boot.facts.nearly_table if boot.facts is not None else ""
    return Finding(boot.errno, "", what.meaning.format(name=name), what.remedy)


def _notice(meaning: str, remedy: str) -> Finding:
    return Finding(0, "", meaning, remedy)


def _notices(boot: DryBoot, facts: ElfFacts) -> Iterator[Finding]:
    """What boots, and does not do what was meant."""
    if boot.table:
        yield from _table_notices(boot, facts)
    entry = facts.entry & ~1
    if facts.loads and not any(s.paddr <= entry < s.paddr + s.memsz for s in facts.loads):
        yield _notice(
            f"The entry point {facts.entry:#x} is in no segment.",
            "ENTRY(...) in the linker script. Cortex-M begins by its vector table instead.",
        )
    for da in boot.lost_traces:
        yield _notice(
            f"The trace buffer at {da:#x} is in no memory: its file reads `not available`.",
            "Place it in the processor's memory, or in a carveout.",
        )


def _table_notices(boot: DryBoot, facts: ElfFacts) -> Iterator[Finding]:
    section = facts.table
    if section is not None and facts.loaded_by(section.addr, section.size) is None:
        yield _notice(
            f"No segment loads the resource table (at {section.addr:#x}): the firmware will not "
            "see what is written back, neither ring addresses nor status.",
            "Give the section the flag SHF_ALLOC and a place in a PT_LOAD segment: writable data, "
            "not (NOLOAD), not a note.",
        )
    if section is not None and section.addr % 4:
        yield _notice(
            f"The resource table at {section.addr:#x} is not aligned to 4 bytes.",
            "ALIGN(8) in the linker script: some processors fault on such words.",
        )
    for part in rsc_parts(boot.table):
        values = {field.name: field.value for field in part.fields}
        is_rpmsg = part.kind == "vdev" and part.name == "rpmsg"
        if is_rpmsg and not values["dfeatures"] & VIRTIO_RPMSG_F_NS:
            yield _notice(
                "The rpmsg vdev does not offer the name service: no channel is announced.",
                "dfeatures = 1 (VIRTIO_RPMSG_F_NS).",
            )
        if part.kind == "vring" and values["num"] & (values["num"] - 1):
            yield _notice(
                f"vring {part.name} at +{part.offset:#x} has {values['num']} buffers, no power "
                "of two: its indices go wrong where they wrap, after 65536 messages.",
                "Set num to 16, 32, 64 ...",
            )


def errno_name(number: int) -> str:
    """``EINVAL``; the number where it has no name."""
    return errno.errorcode.get(number, str(number))

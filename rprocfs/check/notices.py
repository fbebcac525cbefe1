"""Notices about images that boot but do not work, which the kernel does not report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rprocfs.check.causes import entry_cause, is_told, table_cause, tolerated
from rprocfs.check.dry_boot import Stage
from rprocfs.check.elf_facts import SHF_ALLOC
from rprocfs.check.finding import Cause, Finding, note, warning
from rprocfs.check.memory_map import Span
from rprocfs.check.rsc_fields import rsc_parts
from rprocfs.check.segments import place_causes

if TYPE_CHECKING:
    from rprocfs.check.dry_boot import DryBoot
    from rprocfs.check.elf_facts import ElfFacts, ElfSection

VIRTIO_RPMSG_F_NS = 1
_LOADED = (Stage.DEVICES, Stage.RUNNING)


def notices(boot: DryBoot) -> Iterator[Finding]:
    """All of them; what is refused has only those that do not follow from it."""
    facts = boot.facts
    if facts is None:
        return
    if boot.stage in _LOADED:
        yield from _loaded(boot, facts)
    if boot.table:
        yield from _entries(boot)
    yield from _entry_point(boot, facts)
    for da in boot.lost_traces:
        yield warning(Cause(
            f"The trace buffer at {da:#x} is in no memory: its file reads `not available`.",
            "Place it in the processor's memory, or in a carveout.",
        ))  # fmt: skip
    for kind in boot.orphans:
        yield warning(entry_cause(boot) or Cause(
            f"No driver binds a virtio device of type {kind}: nobody talks to it.",
            "The types are those of linux/virtio_ids.h: 7 is rpmsg, 3 a console, 4 entropy.",
        ))  # fmt: skip


def _loaded(boot: DryBoot, facts: ElfFacts) -> Iterator[Finding]:
    if not boot.table:
        yield from _no_table(boot, facts)
    elif not any(rsc_parts(boot.table)):
        yield warning(Cause(
            "The resource table has no entries: the firmware boots, and has neither rpmsg nor "
            "trace.",
            "Set num, and an offset for each entry.",
        ))  # fmt: skip
    elif facts.table is not None:
        yield from _where_it_is_written(boot, facts, facts.table)
    yield from (warning(cause) for cause in place_causes(boot))
    yield from _vectors(boot, facts)


def _no_table(boot: DryBoot, facts: ElfFacts) -> Iterator[Finding]:
    """The driver goes on without; the image may be meant so, unless it has something like it."""
    cause = tolerated(table_cause(boot))
    if cause is None or is_told(boot):
        return  # the kernel said why
    meant = facts.table is not None or "but one" in cause.meaning or "looks like" in cause.meaning
    yield warning(cause) if meant else note(cause)


def _where_it_is_written(boot: DryBoot, facts: ElfFacts, section: ElfSection) -> Iterator[Finding]:
    """Where addresses and status go, and whether the firmware looks there."""
    carrier = facts.carrier
    place = None if boot.loaded is None else boot.map.place(boot.loaded.span, section.addr)
    if boot.loaded is None:
        yield warning(Cause(
            f"{_LOST[carrier is None].format(section.addr)}: the firmware will not see what is "
            "written back, neither ring addresses nor status.",
            _FLAGS,
        ))  # fmt: skip
        return
    if carrier is None and not section.flags & SHF_ALLOC:
        yield warning(Cause(
            f"No segment loads the resource table: the section has no flag SHF_ALLOC. It is "
            f"written back to {section.addr:#x} all the same, whatever is there.",
            _FLAGS,
        ))  # fmt: skip
    elif place is not None and place.da != section.addr and boot.spans:
        yield note(Cause(
            f"The driver has the resource table in {place.area.name} at {place.da:#x}: ring "
            f"addresses and status are written there, not to {section.addr:#x}, where the image "
            "has it.",
            f"The firmware has to read them at {place.da:#x}.",
        ))  # fmt: skip
    if section.addr % 4:
        yield note(Cause(
            f"The resource table at {section.addr:#x} is not aligned to 4 bytes.",
            "ALIGN(8) in the linker script: some processors fault on such words.",
        ))  # fmt: skip
    yield from _written_over(boot, facts, carrier, boot.loaded.span)


#: Is there a segment that loads it.
_LOST = {
    True: "No segment loads the resource table, and its address {:#x} is in no memory",
    False: "The resource table's address (sh_addr) {:#x} is in no memory",
}
_FLAGS = (
    "Give the section the flag SHF_ALLOC and a place in a PT_LOAD segment: writable data, "
    "not (NOLOAD), not a note."
)


def _written_over(
    boot: DryBoot, facts: ElfFacts, carrier: int | None, table: Span
) -> Iterator[Finding]:
    for number, segment in enumerate(facts.loads):
        span = boot.spans.get(number)
        if number != carrier and span is not None and span.meets(table):
            yield warning(Cause(
                f"Segment {number} at {segment.paddr:#x} and the resource table have the same "
                "memory: each overwrites the other.",
                "Give the table a place of its own in the linker script.",
            ))  # fmt: skip


def _entries(boot: DryBoot) -> Iterator[Finding]:
    for part in rsc_parts(boot.table):
        values = {field.name: field.value for field in part.fields}
        is_rpmsg = part.kind == "vdev" and part.name == "rpmsg"
        if is_rpmsg and not values["dfeatures"] & VIRTIO_RPMSG_F_NS:
            yield warning(Cause(
                "The rpmsg vdev does not offer the name service: no channel is announced.",
                "dfeatures = 1 (VIRTIO_RPMSG_F_NS).",
            ))  # fmt: skip
        if part.kind == "vring" and values["num"] & (values["num"] - 1):
            yield warning(Cause(
                f"vring {part.name} at +{part.offset:#x} has {values['num']} buffers, no power "
                "of two: its indices go wrong where they wrap, after 65536 messages.",
                "Set num to 16, 32, 64 ...",
            ))  # fmt: skip


def _entry_point(boot: DryBoot, facts: ElfFacts) -> Iterator[Finding]:
    if boot.vectors is not None or not facts.loads:
        return  # a Cortex-M does not look at it
    entry = facts.entry & ~1
    starts = [(s.paddr, s.memsz) for s in facts.loads] + [(s.vaddr, s.memsz) for s in facts.loads]
    if not any(start <= entry < start + size for start, size in starts):
        yield note(Cause(
            f"The entry point {facts.entry:#x} is in no segment.",
            "ENTRY(...) in the linker script. Cortex-M begins by its vector table instead.",
        ))  # fmt: skip


def _vectors(boot: DryBoot, facts: ElfFacts) -> Iterator[Finding]:
    """Whether the core can execute its first instruction."""
    if boot.vectors is None:
        return
    at, words = boot.vectors, boot.vector_words
    where = f"where the core reads its stack pointer and its reset vector, {at:#x}"
    if words is None or not any(words):
        what = "has no memory" if words is None else "has zeroes"
        yield warning(Cause(
            f"There is no vector table: the image {what} {where}. The core locks up at once.",
            "Place the vector table first: KEEP(*(.isr_vector)) in a segment whose physical "
            f"address is {at:#x}.",
        ))  # fmt: skip
        return
    reset = words[1]
    starts = [(s.paddr, s.memsz) for s in facts.loads] + [(s.vaddr, s.memsz) for s in facts.loads]
    if not reset & 1:
        yield warning(Cause(
            f"The reset vector at {at + 4:#x} is {reset:#x}, without the Thumb bit: the core "
            "faults at its first instruction.",
            "Declare the handler as a function (.type Reset_Handler, %function, or "
            ".thumb_func): then the linker sets bit 0.",
        ))  # fmt: skip
    elif not any(start <= reset & ~1 < start + size for start, size in starts):
        yield warning(Cause(
            f"The reset vector at {at + 4:#x} is {reset:#x}, where no segment is.",
            "Is the image linked for another memory than it is loaded to?",
        ))  # fmt: skip

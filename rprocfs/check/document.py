"""The report as plain values: what ``--json`` prints, and what the text is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rprocfs.check.memory_map import WHOLE, Area, Span
from rprocfs.check.report import errno_name, findings
from rprocfs.check.rsc_fields import RscField, RscPart, rsc_changes, rsc_parts

if TYPE_CHECKING:
    from rprocfs.check.dry_boot import DryBoot
    from rprocfs.check.finding import Finding


def document(boot: DryBoot, machines: Sequence[int] = ()) -> dict[str, Any]:
    """The report on *boot*, on a processor that executes images for *machines*."""
    return {
        "kernel": boot.kernel,
        "boots": boot.errno == 0,
        "errno": errno_name(boot.errno) if boot.errno else None,
        "stage": str(boot.stage),
        "size": len(boot.fw),
        "elf": _elf(boot),
        "segments": list(_segments(boot)),
        "memories": list(_memories(boot)),
        "table": _table(boot),
        "written": _written(boot),
        "findings": [_finding(finding) for finding in findings(boot, machines)],
        "log": [record.text for record in boot.records],
    }


def _elf(boot: DryBoot) -> dict[str, Any] | None:
    facts = boot.facts
    if facts is None:
        return None
    return {
        "class": facts.elf_class,
        "order": facts.order,
        "machine": facts.machine_name,
        "entry": facts.entry,
    }


def _segments(boot: DryBoot) -> Iterator[dict[str, Any]]:
    for number, segment in enumerate(boot.facts.loads if boot.facts else ()):
        place = boot.map.place(boot.spans.get(number), segment.paddr)
        where = place.area.title if place is not None else None
        if where is None and boot.spans.get(number) is not None:
            where = "the processor's memory"
        yield {
            "da": segment.paddr,
            "memsz": segment.memsz,
            "filesz": segment.filesz,
            "access": segment.access,
            "vaddr": segment.vaddr,
            "where": where,
            "looked_at": number in boot.spans,
        }


def _memories(boot: DryBoot) -> Iterator[dict[str, Any]]:
    """Each memory, what is used of it (by segments, or else all), and the parts that are."""
    ranges = {(area.da, area.size, area.span): area for area in reversed(boot.map.areas)}
    for area in boot.map.areas:
        if ranges[area.da, area.size, area.span] is not area:
            continue  # a reserved memory that the driver has mapped as well
        parts = list(_parts(boot, area))
        shared = area.kind in ("ring", "buffer")
        used = area.size if shared else _union(parts)
        if area.size >= WHOLE and not parts:
            continue
        yield {
            "name": area.title,
            "kind": area.kind,
            "da": area.da,
            "size": area.size,
            "used": used,
            "free": area.size - used,
            "visible": area.visible,
            "parts": parts,
        }


def _parts(boot: DryBoot, area: Area) -> Iterator[dict[str, Any]]:
    for number, span in boot.spans.items():
        yield from _part_of(area, span, str(number))
    if boot.loaded is not None:
        yield from _part_of(area, boot.loaded.span, "table")


def _part_of(area: Area, span: Span | None, what: str) -> Iterator[dict[str, Any]]:
    if span is not None and area.span is not None and area.span.meets(span):
        start = max(span.start, area.span.start)
        size = min(span.end, area.span.end) - start
        yield {"what": what, "da": area.da + start - area.span.start, "size": size}


def _union(parts: Sequence[Mapping[str, Any]]) -> int:
    """How many bytes they have together."""
    total = end = 0
    for part in sorted(parts, key=lambda part: int(part["da"])):
        start = max(part["da"], end)
        end = max(end, part["da"] + part["size"])
        total += max(0, end - start)
    return total


def _table(boot: DryBoot) -> dict[str, Any] | None:
    table = boot.drawn
    if not table or boot.facts is None:
        return None
    section = boot.facts.table
    place = None
    if boot.loaded is not None:
        place = boot.map.place(boot.loaded.span, section.addr if section is not None else None)
    return {
        "da": section.addr if section is not None else None,
        "size": len(table),
        "version": int.from_bytes(table[:4], "little"),
        "segment": boot.facts.carrier,
        "written_to": {"da": place.da, "where": place.area.title} if place is not None else None,
        "parts": [_part(part) for part in rsc_parts(table)],
    }


def _part(part: RscPart) -> dict[str, Any]:
    return {
        "offset": part.offset,
        "size": part.size,
        "kind": part.kind,
        "name": part.name,
        "fields": {field.name: _value(field) for field in part.fields},
        "refused": part.refused,
    }


def _value(field: RscField) -> int | str:
    return "any" if field.text == "any" else field.value


def _written(boot: DryBoot) -> list[dict[str, Any]]:
    if not boot.table or not boot.written:
        return []
    return [
        {"where": place, "field": new.name, "offset": new.offset, "old": old.text, "new": new.text}
        for place, old, new in rsc_changes(boot.table, boot.written)
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": str(finding.severity),
        "errno": errno_name(finding.errno) if finding.errno else None,
        "message": finding.message,
        "meaning": finding.meaning,
        "remedy": finding.remedy,
    }

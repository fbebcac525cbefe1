"""Segments in the wrong place: outside memory, between two memories, or over another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rprocfs.check.finding import Cause
from rprocfs.check.memory_map import Area, MemoryMap, Span

if TYPE_CHECKING:
    from rprocfs.check.dry_boot import DryBoot
    from rprocfs.check.elf_facts import ElfSegment

_MANY = 6


def misplaced_cause(boot: DryBoot) -> Cause | None:
    """Where carveouts and rings were put that asked for an address outside all memories."""
    lost = [area for area in boot.map.areas if not area.visible]
    if not lost:
        return None
    names = "; ".join(f"{area.name} asks for {area.da:#x} and is at {area.pa:#x}" for area in lost)
    meaning = (
        f"{names}. This processor has no memory there that the kernel knows of, and no IOMMU that "
        "would pretend."
    )
    inside = [
        str(number)
        for number, segment in enumerate(boot.facts.loads if boot.facts else ())
        if any(area.holds(segment.paddr, segment.memsz) for area in lost)
    ]
    if inside:
        return Cause(
            f"{meaning} What is loaded there (segment {', '.join(inside)}) is out of the core's "
            "sight.",
            _where(boot.map),
        )
    return Cause(
        f"{meaning} The table goes on to say the address that was asked for.",
        "Let the framework choose, da = FW_RSC_ADDR_ANY: then it writes the address back. Or "
        "reserve that memory in the devicetree, under the same name.",
    )


def refused_cause(boot: DryBoot) -> Cause:
    """Why the loader has no memory for the first segment that it was refused."""
    assert boot.facts is not None
    for number, segment in enumerate(boot.facts.loads):
        if number in boot.spans and boot.spans[number] is None:
            return _refused(boot.map, number, segment)
    return Cause("A segment lies in no memory.", _where(boot.map))


def _refused(memories: MemoryMap, number: int, segment: ElfSegment) -> Cause:
    da, size = segment.paddr, segment.memsz
    what = f"Segment {number}, {size:#x} bytes at {da:#x},"
    meaning, remedy = _where_it_is(memories, what, da, size)
    if segment.vaddr != segment.paddr:
        meaning += f" It is to run at {segment.vaddr:#x}, but to be loaded here."
        home = memories.at(segment.vaddr)
        if home is not None and home.holds(segment.vaddr, size):
            remedy = (
                f"What counts is the physical address (LMA, `AT>`): without it the segment is "
                f"loaded to {segment.vaddr:#x} in {home.title}, where it fits."
            )
    return Cause(meaning, remedy)


def _where_it_is(memories: MemoryMap, what: str, da: int, size: int) -> tuple[str, str]:
    area = memories.at(da)
    if area is None:
        return _outside(memories, what, da, size)
    over = da + size - area.end
    if over <= 0:
        return (
            f"{what} lies in {_limits(area)}, but the driver does not give this part of it.",
            "Leave the last bytes of a memory free: some drivers want a segment to end before it "
            "does." if over == 0 else _where(memories),
        )  # fmt: skip
    then = memories.at(area.end)
    if then is not None and da + size <= then.end:
        return (
            f"{what} spans two memories: {area.title} ends at {area.end:#x}, {over:#x} bytes "
            f"reach into {then.title}. The loader wants a segment to be in one.",
            f"Make two segments of it in the linker script, one up to {area.end:#x}.",
        )
    return (
        f"{what} begins in {_limits(area)}: {over:#x} bytes ({over}) too many.",
        f"Make it smaller by {over:#x} bytes, or move parts of it. {_where(memories)}",
    )


def _outside(memories: MemoryMap, what: str, da: int, size: int) -> tuple[str, str]:
    near = memories.nearest(da, size)
    if near is None:
        return f"{what} lies in no memory: this processor has none but carveouts.", _where(memories)
    if near.da >= da + size or near.da > da:
        gap = near.da - da
        side = f"begins {gap:#x} bytes before {_limits(near)}"
    else:
        gap = da - near.end
        side = f"begins {f'{gap:#x} bytes' if gap else 'right'} behind the end of {_limits(near)}"
    return f"{what} is in no memory; it {side}, the nearest one.", _where(memories)


def _limits(area: Area) -> str:
    name = "a memory" if area.name == "memory" else area.title
    return f"{name} ({area.da:#x} to {area.end:#x})"


def _where(memories: MemoryMap) -> str:
    """An address to which it could be moved."""
    known = list({(area.da, area.size): area for area in memories.known()}.values())
    if not known:
        return "Reserve memory for the processor in the board's devicetree: memory-region."
    largest = sorted(known, key=lambda area: -area.size)[:_MANY]
    places = ", ".join(_limits(area) for area in sorted(largest, key=lambda area: area.da))
    more = " and others" if len(known) > _MANY else ""
    return (
        f"Move it in the linker script. This processor has {places}{more}. A carveout in the "
        "resource table is no memory of the core's: there is no IOMMU that maps it."
    )


def place_causes(boot: DryBoot) -> Iterator[Cause]:
    """Segments over each other, in rings or buffers, or in memory that the core does not see."""
    placed = [
        (number, segment, span)
        for number, segment in enumerate(boot.facts.loads if boot.facts else ())
        if (span := boot.spans.get(number)) is not None
    ]
    for index, (number, segment, span) in enumerate(placed):
        for other, below, under in placed[:index]:
            if span.meets(under):
                yield _overlap(number, segment, other, below)
        yield from _in_shared(boot.map, number, segment, span)


def _overlap(number: int, segment: ElfSegment, other: int, below: ElfSegment) -> Cause:
    same = "" if segment.paddr < below.paddr + below.memsz and below.paddr < (
        segment.paddr + segment.memsz
    ) else " It is the same memory, at two addresses."  # fmt: skip
    return Cause(
        f"Segment {number} at {segment.paddr:#x} is loaded over segment {other} at "
        f"{below.paddr:#x}.{same}",
        "Segments have to lie apart; also a .bss is filled with zeroes when it is loaded.",
    )


def _in_shared(
    memories: MemoryMap, number: int, segment: ElfSegment, span: Span
) -> Iterator[Cause]:
    for area in memories.areas:
        if area.kind in ("ring", "buffer") and area.span is not None and area.span.meets(span):
            what = "ring" if area.kind == "ring" else "buffers"
            yield Cause(
                f"Segment {number} at {segment.paddr:#x} lies in {area.name}, the memory of the "
                f"{what} at {area.da:#x} to {area.end:#x}: messages overwrite it.",
                f"Keep {area.da:#x} to {area.end:#x} out of the linker script's memories.",
            )

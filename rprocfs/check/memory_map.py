"""The memories of a processor and their content, located by the bytes themselves.

Two memories may have the same address, and one memory may have two. So the memory of a segment is
the one that the loader was given, never the one at the segment's address.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rprocfs.remoteproc.regions import Memory
    from rprocfs.remoteproc.rproc import Rproc

#: All that an address of 32 bits can name: no memory of a real processor.
WHOLE = 1 << 32

_RING = re.compile(r"vdev\d+vring\d+")
_BUFFER = re.compile(r"vdev\d*buffer")


class Span(NamedTuple):
    """Bytes of this process: what two device addresses have in common is here the same."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The first one behind."""
        return self.start + self.size

    def meets(self, other: Span) -> bool:
        """Whether the two have a byte in common."""
        return self.start < other.end and other.start < self.end

    def holds(self, other: Span) -> bool:
        """Whether all of *other* is inside."""
        return self.start <= other.start and other.end <= self.end


def span_of(view: memoryview) -> Span:
    """The span of a writable *view*."""
    if not view.nbytes:
        return Span(0, 0)
    return Span(ctypes.addressof(ctypes.c_char.from_buffer(view)), view.nbytes)


@dataclass(frozen=True, slots=True)
class Area:
    """*size* bytes that the processor has at *da*; *span* None: not there yet.

    *kind* is ``memory`` (the driver's own), ``carveout``, ``ring`` or ``buffer``. *pa* is where
    the bus has a carveout, *visible* is False for one that the processor does not have at *da*:
    there is no IOMMU that would pretend. *fixed* is False for one that was allocated for the table.
    """

    name: str
    kind: str
    da: int
    size: int
    span: Span | None = None
    pa: int | None = None
    visible: bool = True
    fixed: bool = True

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.da + self.size

    @property
    def title(self) -> str:
        """Its name in a report."""
        if self.kind == "carveout":
            return f"carveout {self.name}"
        return f"{self.name} at {self.da:#x}" if self.name == "memory" else self.name

    def holds(self, da: int, size: int) -> bool:
        """Whether the area holds all of the *size* bytes at *da*."""
        return self.da <= da and da + size <= self.end


class Place(NamedTuple):
    """Where some bytes are: *da* is their address in *area*."""

    area: Area
    da: int


class MemoryMap:
    """*areas*, in the order in which the loader looks."""

    def __init__(self, areas: Iterable[Area] = ()) -> None:
        self.areas = list(areas)

    def place(self, span: Span | None, da: int | None = None) -> Place | None:
        """The smallest area that holds *span*, rather one where its address is *da*."""
        found = [
            Place(area, area.da + span.start - area.span.start)
            for area in self.areas
            if span is not None and area.span is not None and area.span.holds(span)
        ]
        same = [place for place in found if place.da == da]
        return min(same or found, key=lambda place: place.area.size, default=None)

    def known(self) -> Iterator[Area]:
        """Those that an image can be loaded into, and that have an end."""
        return (
            area
            for area in self.areas
            if area.size < WHOLE and area.fixed and area.kind in ("memory", "carveout")
        )

    def at(self, da: int) -> Area | None:
        """The area at that address; the largest if there are several."""
        found = [area for area in self.known() if area.da <= da < area.end]
        return max(found, key=lambda area: area.size, default=None)

    def nearest(self, da: int, size: int) -> Area | None:
        """The one next to ``[da, da + size)``, which is in none."""
        return min(self.known(), key=lambda area: max(area.da - da - size, da - area.end),
                   default=None)  # fmt: skip


def survey(rproc: Rproc) -> MemoryMap:
    """All that *rproc* has now: the driver's memories, then the carveouts."""
    own = [_own(rproc, memory) for memory in dict.fromkeys(rproc.ops.memories(rproc))]
    return MemoryMap(own + [
        Area(mem.name, _kind(mem.name), mem.da, mem.len,
             None if mem.va is None else span_of(mem.va), mem.dma,
             mem.buffer is None or mem.dma == mem.da, mem.buffer is None)
        for mem in rproc.carveouts
    ])  # fmt: skip


def _own(rproc: Rproc, memory: Memory) -> Area:
    view = rproc.ops.da_to_va(rproc, memory.da, memory.size - memory.spare)
    span = None if view is None else Span(span_of(view).start, memory.size)
    return Area(memory.name, "memory", memory.da, memory.size, span)


def _kind(name: str) -> str:
    if _RING.fullmatch(name):
        return "ring"
    return "buffer" if _BUFFER.fullmatch(name) else "carveout"

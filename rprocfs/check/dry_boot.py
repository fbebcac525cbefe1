"""A boot that stops short of the processor: what ``rprocfs check`` decides by.

It *is* a boot, ``rproc_boot()`` with everything the framework does in it, by the
driver's own operations, but that the processor is not started: nothing is executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from rprocfs.base.kmsg import Level, Record
from rprocfs.check.elf_facts import ElfFacts, elf_facts
from rprocfs.check.rsc_fields import rsc_parts
from rprocfs.remoteproc.core import rproc_boot, rproc_set_firmware, rproc_shutdown
from rprocfs.remoteproc.rproc import RprocOps, rproc_da_to_va

if TYPE_CHECKING:
    from rprocfs.remoteproc.rproc import Rproc


class Stage(StrEnum):
    """How far a boot comes."""

    REQUEST = "finding the file"
    SANITY = "the ELF header"
    PREPARE = "preparing the processor"
    PARSE = "finding the resource table"
    RESOURCES = "the resource table's entries"
    SEGMENTS = "loading the segments"
    DEVICES = "its devices"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a segment is loaded: *memory* names it, None: nowhere."""

    da: int
    memsz: int
    memory: str | None


@dataclass(slots=True)
class DryBoot:
    """What a boot of *fw* came to.

    *errno* is what the writer of ``start`` gets, 0: it boots. *table* is the image's own
    resource table and *written* what the framework made of it, empty where it did not
    come to that; *lost_traces* are the addresses of trace buffers in no memory. *records*
    is all that the kernel logged meanwhile.
    """

    fw: bytes = b""
    facts: ElfFacts | None = None
    errno: int = 0
    stage: Stage = Stage.REQUEST
    places: list[Place] = field(default_factory=list)
    table: bytes = b""
    written: bytes = b""
    lost_traces: list[int] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    @property
    def drawn(self) -> bytes:
        """*table*, or what the image has in its place where that is refused."""
        section = self.facts.table if self.facts is not None else None
        if self.table or section is None:
            return self.table
        return self.fw[section.offset : section.offset + section.size]

    @property
    def complaints(self) -> list[str]:
        """What was logged as a warning or an error, in order."""
        return [record.text for record in self.records if record.level <= Level.WARNING]


class DryOps(RprocOps):
    """The operations *inner* of a driver, with a processor that never runs."""

    def __init__(self, inner: RprocOps, boot: DryBoot) -> None:
        self._inner = inner
        self._boot = boot

    def provides(self, operation: str) -> bool:
        """What the driver does."""
        return self._inner.provides(operation)

    def sanity_check(self, rproc: Rproc, fw: bytes) -> None:
        """The driver's."""
        self._boot.fw, self._boot.facts = fw, elf_facts(fw)
        self._boot.stage = Stage.SANITY
        self._inner.sanity_check(rproc, fw)

    def prepare(self, rproc: Rproc) -> None:
        """The driver's."""
        self._boot.stage = Stage.PREPARE
        self._inner.prepare(rproc)

    def unprepare(self, rproc: Rproc) -> None:
        """The driver's."""
        self._inner.unprepare(rproc)

    def get_boot_addr(self, rproc: Rproc, fw: bytes) -> int:
        """The driver's."""
        return self._inner.get_boot_addr(rproc, fw)

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """The driver's."""
        self._boot.stage = Stage.PARSE
        self._inner.parse_fw(rproc, fw)
        self._boot.table = bytes(rproc.table or b"")
        self._boot.stage = Stage.RESOURCES

    def handle_rsc(self, rproc: Rproc, kind: int, offset: int, avail: int) -> bool:
        """The driver's."""
        return self._inner.handle_rsc(rproc, kind, offset, avail)

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """The driver's."""
        return self._inner.da_to_va(rproc, da, length)

    def load(self, rproc: Rproc, fw: bytes) -> None:
        """The driver's; where each segment goes is noted."""
        self._boot.stage = Stage.SEGMENTS
        self._boot.places = _places(rproc, self._boot.facts)
        self._inner.load(rproc, fw)

    def find_loaded_rsc_table(self, rproc: Rproc, fw: bytes) -> memoryview | None:
        """The driver's."""
        return self._inner.find_loaded_rsc_table(rproc, fw)

    def start(self, rproc: Rproc) -> None:
        """Nothing: this is where the processor would run."""
        del rproc
        self._boot.stage = Stage.DEVICES

    def stop(self, rproc: Rproc) -> None:
        """Nothing runs."""

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """Nobody listens."""


def _places(rproc: Rproc, facts: ElfFacts | None) -> list[Place]:
    loads = facts.loads if facts is not None else []
    return [Place(s.paddr, s.memsz, _memory(rproc, s.paddr, s.memsz)) for s in loads]


def _memory(rproc: Rproc, da: int, size: int) -> str | None:
    for entry in rproc.carveouts:
        if entry.va is not None and entry.da <= da and da + size <= entry.da + entry.len:
            return f"carveout {entry.name}"
    return None if rproc.ops.da_to_va(rproc, da, size) is None else "the processor's memory"


def _lost_traces(rproc: Rproc, table: bytes) -> Iterator[int]:
    for part in rsc_parts(table) if table else ():
        if part.kind == "trace" and part.refused is None:
            da, length = (field.value for field in part.fields)
            if rproc_da_to_va(rproc, da, length) is None:
                yield da


def dry_boot(rproc: Rproc, firmware: str) -> DryBoot:
    """Boot *firmware* on *rproc*, which is offline and good for nothing else afterwards."""
    boot = DryBoot()
    rproc.ops = DryOps(rproc.ops, boot)
    kmsg = rproc.model.kmsg
    first = kmsg.next_seq
    rproc_set_firmware(rproc, firmware)
    try:
        rproc_boot(rproc)
    except OSError as failure:
        boot.errno = failure.errno or 0
    else:
        boot.stage = Stage.RUNNING
        boot.written = bytes(rproc.table or b"")
        boot.lost_traces = list(_lost_traces(rproc, boot.written))
    boot.records = [record for record in kmsg.records() if record.seq >= first]
    if boot.stage is Stage.RUNNING:
        rproc_shutdown(rproc)
    return boot

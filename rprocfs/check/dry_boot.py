"""A boot that does not start the processor: the basis of ``rprocfs check``.

It *is* a boot: ``rproc_boot()``, all of the framework, and the driver's own operations. Only the
processor is not started, so nothing is executed. :class:`DryOps` records the decisions of the
loader; a report states nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from rprocfs.base.kmsg import Level
from rprocfs.base.printk_ringbuffer import Record
from rprocfs.check.dry_pool import DryPool
from rprocfs.check.elf_facts import ElfFacts, ElfSegment, elf_facts
from rprocfs.check.memory_map import Area, MemoryMap, Span, span_of, survey
from rprocfs.check.rsc_fields import rsc_parts
from rprocfs.remoteproc.core import rproc_boot, rproc_set_firmware, rproc_shutdown
from rprocfs.remoteproc.regions import Reserved
from rprocfs.remoteproc.rproc import RprocOps, rproc_da_to_va
from rprocfs.remoteproc.virtio import rproc_vdevs

if TYPE_CHECKING:
    from rprocfs.remoteproc.regions import Memory
    from rprocfs.remoteproc.rproc import Rproc


class Stage(StrEnum):
    """The stages of a boot."""

    REQUEST = "finding the file"
    SANITY = "the ELF header"
    PREPARE = "preparing the processor"
    PARSE = "finding the resource table"
    RESOURCES = "the resource table's entries"
    SEGMENTS = "loading the segments"
    DEVICES = "its devices"
    RUNNING = "running"


@dataclass(slots=True)
class Loaded:
    """The place to which the table is written back; *before* is its content in the loaded image."""

    span: Span
    before: bytes


@dataclass(slots=True)
class DryBoot:
    """The result of a dry boot of *fw*.

    *errno* is what the writer of ``start`` gets, 0: it boots. *map* are the memories, *spans*
    those that the loader was given for a segment, by its number (None: refused). *table* is
    the image's own resource table, *loaded* where it is written back and *written* what the
    framework made of it, each empty where it did not come to that. *lost_traces* are the
    addresses of trace buffers in no memory, *orphans* the types of virtio devices without a
    driver. *vectors* is where the core finds its vector table, and *vector_words* the first two
    words there. *records* is all that the kernel logged meanwhile.
    """

    fw: bytes = b""
    facts: ElfFacts | None = None
    errno: int = 0
    stage: Stage = Stage.REQUEST
    kernel: str = ""
    map: MemoryMap = field(default_factory=MemoryMap)
    spans: dict[int, Span | None] = field(default_factory=dict)
    table: bytes = b""
    loaded: Loaded | None = None
    written: bytes = b""
    lost_traces: list[int] = field(default_factory=list)
    orphans: list[int] = field(default_factory=list)
    vectors: int | None = None
    vector_words: tuple[int, int] | None = None
    records: list[Record] = field(default_factory=list)
    stages: list[tuple[int, Stage]] = field(default_factory=list)

    @property
    def drawn(self) -> bytes:
        """*table*, or what the image has in its place where that is refused."""
        section = self.facts.table if self.facts is not None else None
        if self.table or section is None or section.nobits:
            return self.table
        return self.fw[section.offset : section.offset + section.size]

    @property
    def complaints(self) -> list[str]:
        """What was logged as a warning or an error, in order."""
        return [record.text for record in self.records if record.level <= Level.WARNING]

    def stage_of(self, record: Record) -> Stage:
        """In which stage it was logged."""
        stages = [stage for first, stage in self.stages if first <= record.seq]
        return stages[-1] if stages else Stage.REQUEST


class DryOps(RprocOps):
    """The operations *inner* of a driver, with a processor that never runs."""

    def __init__(self, inner: RprocOps, boot: DryBoot) -> None:
        self._inner = inner
        self._boot = boot
        self._loading = False

    def provides(self, operation: str) -> bool:
        """What the driver does."""
        return self._inner.provides(operation)

    def sanity_check(self, rproc: Rproc, fw: bytes) -> None:
        """The driver's."""
        self._boot.fw, self._boot.facts = fw, elf_facts(fw)
        self._enter(rproc, Stage.SANITY)
        self._inner.sanity_check(rproc, fw)

    def prepare(self, rproc: Rproc) -> None:
        """The driver's."""
        self._enter(rproc, Stage.PREPARE)
        self._inner.prepare(rproc)
        self._boot.map = survey(rproc)

    def unprepare(self, rproc: Rproc) -> None:
        """The driver's."""
        self._inner.unprepare(rproc)

    def get_boot_addr(self, rproc: Rproc, fw: bytes) -> int:
        """The driver's."""
        return self._inner.get_boot_addr(rproc, fw)

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """The driver's."""
        self._enter(rproc, Stage.PARSE)
        self._inner.parse_fw(rproc, fw)
        self._boot.table = bytes(rproc.table or b"")
        self._enter(rproc, Stage.RESOURCES)

    def handle_rsc(self, rproc: Rproc, kind: int, offset: int, avail: int) -> bool:
        """The driver's."""
        return self._inner.handle_rsc(rproc, kind, offset, avail)

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """The driver's."""
        return self._inner.memories(rproc)

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """The driver's; what the loader gets of it and of the framework is noted."""
        if not self._loading:
            return self._inner.da_to_va(rproc, da, length)
        self._loading = False
        try:
            va = rproc_da_to_va(rproc, da, length)
        finally:
            self._loading = True
        self._note(da, length, va)
        return va

    def segment_to_va(self, rproc: Rproc, da: int, length: int, flags: int) -> memoryview | None:
        """The driver's."""
        return self._inner.segment_to_va(rproc, da, length, flags)

    def _note(self, da: int, length: int, va: memoryview | None) -> None:
        """Which segment that is: the next one that has not got its memory yet."""
        spans = self._boot.spans
        for number, segment in enumerate(self._loads()):
            if number not in spans and (segment.paddr, segment.memsz) == (da, length):
                spans[number] = None if va is None else span_of(va)
                return

    def _loads(self) -> list[ElfSegment]:
        return self._boot.facts.loads if self._boot.facts is not None else []

    def load(self, rproc: Rproc, fw: bytes) -> None:
        """The driver's; where each segment goes is noted."""
        self._enter(rproc, Stage.SEGMENTS)
        self._boot.map = survey(rproc)
        self._loading = True
        try:
            self._inner.load(rproc, fw)
        finally:
            self._loading = False
            if not self._boot.spans and self.provides("segment_to_va"):
                self._ask_driver(rproc)
        self._look_at_vectors(rproc)

    def _ask_driver(self, rproc: Rproc) -> None:
        for number, segment in enumerate(self._loads()):
            va = self._inner.segment_to_va(rproc, segment.paddr, segment.memsz, segment.flags)
            self._boot.spans[number] = None if va is None else span_of(va)

    def _look_at_vectors(self, rproc: Rproc) -> None:
        vectors = self._boot.vectors = self._inner.vector_table(rproc)
        va = None if vectors is None else rproc_da_to_va(rproc, vectors, 8)
        if va is not None:
            stack, reset = va.cast("I")
            self._boot.vector_words = (stack, reset)

    def find_loaded_rsc_table(self, rproc: Rproc, fw: bytes) -> memoryview | None:
        """The driver's; what is there is noted."""
        va = self._inner.find_loaded_rsc_table(rproc, fw)
        if va is not None and rproc.cached_table is not None:
            self._boot.loaded = Loaded(span_of(va), bytes(va))
        return va

    def start(self, rproc: Rproc) -> None:
        """Do nothing; on a real processor, execution would begin here."""
        self._enter(rproc, Stage.DEVICES)

    def stop(self, rproc: Rproc) -> None:
        """Nothing runs."""

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """Do nothing: there is no remote."""

    def _enter(self, rproc: Rproc, stage: Stage) -> None:
        self._boot.stage = stage
        self._boot.stages.append((rproc.model.kmsg.next_seq, stage))


def _lost_traces(rproc: Rproc, table: bytes) -> Iterator[int]:
    for part in rsc_parts(table) if table else ():
        if part.kind == "trace" and part.refused is None:
            da, length = (field.value for field in part.fields)
            if rproc_da_to_va(rproc, da, length) is None:
                yield da


def dry_boot(rproc: Rproc, firmware: str) -> DryBoot:
    """Boot *firmware* on *rproc*, which is offline and good for nothing else afterwards."""
    boot = DryBoot(kernel=rproc.model.version.release)
    rproc.ops = DryOps(rproc.ops, boot)
    pools = [DryPool(rproc.dma)]
    rproc.dma = pools[0]
    if rproc.reserved is not None:
        pools.append(DryPool(rproc.reserved.pool))
        rproc.reserved = Reserved(rproc.reserved.name, pools[1])
    kmsg = rproc.model.kmsg
    first = kmsg.next_seq
    rproc_set_firmware(rproc, firmware)
    try:
        rproc_boot(rproc)
    except OSError as failure:
        boot.errno = failure.errno or 0
    else:
        _look_at_running(rproc, boot, pools)
    boot.records = [record for record in kmsg.records() if record.seq >= first]
    if boot.stage is Stage.RUNNING:
        rproc_shutdown(rproc)
    return boot


def _look_at_running(rproc: Rproc, boot: DryBoot, pools: Iterable[DryPool]) -> None:
    boot.stage = Stage.RUNNING
    boot.written = bytes(rproc.table or b"")
    boot.lost_traces = list(_lost_traces(rproc, boot.written))
    boot.map = survey(rproc)
    known = [area.span for area in boot.map.areas]
    boot.map.areas += [
        Area("buffers", "buffer", buffer.da, buffer.size, span, buffer.da)
        for pool in pools
        for buffer in pool.buffers
        if (span := span_of(buffer.va)) not in known
    ]
    bus = rproc.subsystem.virtio
    devices = [rvdev.vdev for rvdev in rproc_vdevs(rproc) if rvdev.vdev is not None]
    boot.orphans = [
        device.id_device
        for device in devices
        if not any(bus.match(device, driver) for driver in bus.drivers.values())
    ]

"""What is recorded of one processor: it is begun with each boot, and taken at its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rprocfs.arch.armv7m.exceptions import TAKEN
from rprocfs.base.trace import Kind
from rprocfs.coverage.store import Store
from rprocfs.engines import ring
from rprocfs.engines.counters import Counters
from rprocfs.engines.engine import Capability
from rprocfs.engines.ring import Ring
from rprocfs.profiling.store import SampleStore
from rprocfs.remoteproc import elf_loader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rprocfs.engines.engine import Engine
    from rprocfs.engines.worker import Worker
    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.soc.machine import Bank

log = logging.getLogger(__name__)

COVERAGE, EVENTS, SAMPLES = "coverage", "events", "samples"
#: Seconds between two looks at what a worker tells.
LOOK = 0.5


class Recorders:
    """Those of the processor *rproc*, whose core *engine* executes, and which sees *banks*.

    What the engine cannot tell is missing, which the log says once.
    """

    def __init__(self, rproc: Rproc, engine: Engine, banks: Sequence[Bank]) -> None:
        self._rproc, self._engine, self._banks = rproc, engine, banks
        self._store: Store | None = None
        self._counters: Counters | None = None
        self._ring: Ring | None = None
        self._sampled: Ring | None = None
        self._samples: SampleStore | None = None
        self._booted = b"", ""
        directory = rproc.model.observe.coverage
        if directory is not None and Capability.COVERAGE in engine.capabilities:
            self._store = Store(directory, rproc.label)
        elif directory is not None:
            log.warning("%s: its engine counts nothing for coverage=, unicorn does", rproc.label)
        directory = rproc.model.observe.profile
        if directory is not None and Capability.SAMPLES in engine.capabilities:
            self._samples = SampleStore(directory, rproc.label)
        elif directory is not None:
            log.warning("%s: its engine takes no samples for profile=, unicorn does", rproc.label)

    def begin(self, image: bytes) -> None:
        """In front of a boot of *image*."""
        self.end()
        if self._store is not None and image:
            self._booted = image, self._rproc.firmware
            self._counters = Counters(self._regions(image))
            self._engine.files[COVERAGE] = self._counters.fd
        if self._rproc.track is not None and Capability.EVENTS in self._engine.capabilities:
            self._ring = Ring("rproc-events", ring.EVENTS)
            self._engine.files[EVENTS] = self._ring.fd
        if self._samples is not None and image:
            self._samples.begin(image)
            self._sampled = Ring("rproc-samples", ring.SAMPLES)
            self._engine.files[SAMPLES] = self._sampled.fd

    def _regions(self, image: bytes) -> Iterator[tuple[int, int]]:
        """Where code may be: what is loaded, then all memory."""
        for segment in elf_loader.iter_load_segments(image):
            yield segment.da, segment.memsz
        for bank in self._banks:
            yield bank.da, bank.size

    def running(self, worker: Worker) -> None:
        """The boot has a worker now."""
        if self._ring is not None or self._sampled is not None:
            worker.call_later(LOOK, lambda: self._look(worker))

    def _look(self, worker: Worker) -> None:
        self._take_events()
        self._take_samples()
        self.running(worker)

    def _take_samples(self) -> None:
        if self._samples is not None and self._sampled is not None:
            self._samples.add(b"".join(self._sampled.take()[1]))

    def _take_events(self) -> None:
        track = self._rproc.track
        if track is None or self._ring is None:
            return
        lost, records = self._ring.take()
        if lost:
            track.number(Kind.LOST, lost)
        for time, number, what in map(ring.EVENTS.slot.unpack, records):
            kind = Kind.EXCEPTION if what == TAKEN else Kind.EXCEPTION_RETURN
            track.number(kind, number, time)

    def heard(self, data: bytes) -> None:
        """The firmware wrote *data* to its console."""
        if self._rproc.track is not None:
            self._rproc.track.add(Kind.CONSOLE, data)

    def end(self) -> None:
        """Behind a boot: its worker is gone. Nothing happens if there was none."""
        counters, self._counters = self._counters, None
        if counters is not None and self._store is not None:
            del self._engine.files[COVERAGE]
            self._store.add(*self._booted, counters.differences())
            counters.close()
        self._take_events()
        if self._ring is not None:
            del self._engine.files[EVENTS]
            self._ring.close()
            self._ring = None
        if self._sampled is not None:
            self._take_samples()
            del self._engine.files[SAMPLES]
            self._sampled.close()
            self._sampled = None

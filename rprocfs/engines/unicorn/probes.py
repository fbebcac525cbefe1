"""What a worker is to record, in memory that it shares with its parent."""

from __future__ import annotations

from rprocfs.engines.ring import EVENTS, SAMPLES, RingWriter
from rprocfs.engines.unicorn.coverage import Coverage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Probes:
    """By name the *files* that the worker was given.

    *coverage* gets to know what is executed, *events* gets exceptions, *samples* where the core is.
    """

    def __init__(self, files: Mapping[str, int]) -> None:
        self.coverage = Coverage(files["coverage"]) if "coverage" in files else None
        self.events = RingWriter(files["events"], EVENTS) if "events" in files else None
        self.samples = RingWriter(files["samples"], SAMPLES) if "samples" in files else None

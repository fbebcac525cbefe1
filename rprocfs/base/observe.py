"""What is recorded of the processors of a system, besides what a board would show -- no kernel.

Nothing of it is in the tree, nor changes what is there, so a strict system may record as well.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observe:
    """What to record.

    *symbolize*: crashes are followed by a backtrace; in the kernel log, unless strict, else in
    the log ``rprocfs.backtrace``. *coverage* is the directory of a
    :class:`~rprocfs.coverage.store.Store`, *trace* the file of a :class:`~.trace.Trace`,
    *profile* the directory of a :class:`~rprocfs.profiling.store.SampleStore`.
    """

    symbolize: bool = False
    coverage: str | None = None
    trace: str | None = None
    profile: str | None = None

    @property
    def anything(self) -> bool:
        """Whether there is anything to record."""
        return self != NOTHING


NOTHING = Observe()

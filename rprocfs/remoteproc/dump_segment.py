"""The segments of a coredump -- include/linux/remoteproc.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class DumpMode(StrEnum):
    """``enum rproc_dump_mechanism``; each value is the text of the ``coredump`` file."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    INLINE = "inline"


@dataclass(frozen=True, slots=True)
class DumpSegment:
    """``struct rproc_dump_segment``: *size* bytes from *da* go into the dump.

    If the driver sets *dump* (offset, size), it reads them; otherwise they are the memory that the
    processor sees at *da*.
    """

    da: int
    size: int
    dump: Callable[[int, int], bytes] | None = field(default=None, compare=False)

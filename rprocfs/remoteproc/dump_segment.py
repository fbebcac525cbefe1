"""What a coredump is to hold -- include/linux/remoteproc.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class DumpMode(StrEnum):
    """``enum rproc_dump_mechanism``: the text is what the ``coredump`` file reads."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    INLINE = "inline"


@dataclass(frozen=True, slots=True)
class DumpSegment:
    """``struct rproc_dump_segment``: *size* bytes from *da* go into the dump.

    *dump* (offset, size) reads them if the driver has its own way to; otherwise they are
    the memory that the processor sees at *da*.
    """

    da: int
    size: int
    dump: Callable[[int, int], bytes] | None = field(default=None, compare=False)

"""The lines of a backtrace."""

from __future__ import annotations

from collections.abc import Iterator

from rprocfs.debuginfo.coredump import Coredump
from rprocfs.debuginfo.image import DebugInfo
from rprocfs.debuginfo.unwind import Memory, Unwinder


def backtrace(
    image: bytes, registers: tuple[int, ...], memory: Memory, psp: int | None = None
) -> Iterator[str]:
    """A line for each frame, the innermost first: see :meth:`.unwind.Unwinder.frames`."""
    frames = Unwinder(DebugInfo(image)).frames(registers, memory, psp)
    for number, frame in enumerate(frames):
        if frame.interrupted:
            yield "    <exception taken>"
        yield f"#{number:<2} {frame}"


def backtrace_of_dump(image: bytes, dump: bytes) -> list[str]:
    """That of the crash that *dump* is of; empty if it has no registers. DebugInfoError."""
    core = Coredump(dump)
    return list(backtrace(image, core.registers, core.memory)) if core.registers else []

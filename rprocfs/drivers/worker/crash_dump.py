"""The coredump of a processor that executes firmware: what a debugger needs of it.

The kernel dumps the segments that a driver names, and nothing else. Here a driver names
all memory that was ever written to, so that stacks and heaps are in it, and adds a note
NT_PRSTATUS with the registers as they were at the crash, as :manpage:`core(5)` of a
32-bit Linux has it. From there ``gdb-multiarch firmware.elf core`` unwinds by itself; on
Cortex-M an exception's frame, too, with the note that says that it is one.
"""

from __future__ import annotations

import signal
import struct
from typing import TYPE_CHECKING

from rprocfs.remoteproc.dump_segment import DumpSegment
from rprocfs.remoteproc.state import CrashType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rprocfs.arch.core import Registers

NT_PRSTATUS, NT_GDB_TDESC = 1, 0xFF00_0000
#: ``struct elf_prstatus`` around the registers: signal, then process and parent, then times.
HEAD, TAIL = struct.Struct("<3iHxx2I4i32x"), struct.Struct("<I")
SIGNALS = {
    CrashType.MMUFAULT: signal.SIGSEGV,
    CrashType.WATCHDOG: signal.SIGALRM,
    CrashType.FATAL_ERROR: signal.SIGABRT,
}


def notes(registers: Registers, values: tuple[int, ...], kind: int) -> bytes:
    """The notes of a dump of crash type *kind* with the *values* of *registers*; none without."""
    if not values:
        return b""
    padded = [*values, *[0] * registers.prstatus][: registers.prstatus]
    number = SIGNALS[CrashType(kind)] if kind in set(CrashType) else signal.SIGABRT
    status = HEAD.pack(number, 0, 0, number, 0, 0, 1, 0, 1, 1)
    status += struct.pack(f"<{len(padded)}I", *padded) + TAIL.pack(0)
    described = _note("GDB", NT_GDB_TDESC, registers.description.encode() + b"\0")
    return _note("CORE", NT_PRSTATUS, status) + (described if registers.description else b"")


def _note(name: str, kind: int, content: bytes) -> bytes:
    owner = name.encode() + b"\0"
    words = struct.pack("<3I", len(owner), len(content), kind)
    return words + _padded(owner) + _padded(content)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def merged(segments: Iterable[DumpSegment], one: Callable[[int, int], bool]) -> list[DumpSegment]:
    """*segments* by address, those that touch or overlap as one.

    *one* (da, size) says whether these bytes are in one memory: no segment is made of two.
    """
    result: list[DumpSegment] = []
    for segment in sorted(segments, key=lambda segment: segment.da):
        first = result[-1] if result else None
        if first is not None and segment.da <= first.da + first.size:
            end = max(first.da + first.size, segment.da + segment.size)
            if one(first.da, end - first.da):
                result[-1] = DumpSegment(first.da, end - first.da)
                continue
        result.append(segment)
    return result

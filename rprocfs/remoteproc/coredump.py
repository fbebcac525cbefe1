"""The memory of a crashed processor as an ELF core -- remoteproc_coredump.c."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial

from rprocfs.fs.wait import Task
from rprocfs.kernel import ELF_CLASS_IN_CAPITALS
from rprocfs.locking import might_sleep
from rprocfs.remoteproc.dump_segment import DumpMode, DumpSegment
from rprocfs.remoteproc.rproc import Rproc, rproc_da_to_va

ELFCLASS32 = 1
ELFCLASS64 = 2
_ELFDATA2LSB = 1
_EV_CURRENT = 1
_ET_CORE = 4
_PT_LOAD = 1
_PT_NOTE = 4
_PF_RWX = 7

_EHDR = {ELFCLASS32: struct.Struct("<16s2H5I6H"), ELFCLASS64: struct.Struct("<16s2HI3QI6H")}
_PHDR = {ELFCLASS32: struct.Struct("<8I"), ELFCLASS64: struct.Struct("<2I6Q")}


def rproc_coredump_add_segment(rproc: Rproc, da: int, size: int) -> None:
    """Add ``[da, da + size)`` to the dump, until the resources are cleaned up."""
    rproc.dump_segments.append(DumpSegment(da, size))


def rproc_coredump_add_custom_segment(
    rproc: Rproc, da: int, size: int, dump: Callable[[int, int], bytes]
) -> None:
    """As :func:`rproc_coredump_add_segment`; *dump* (offset, size) reads the memory."""
    rproc.dump_segments.append(DumpSegment(da, size, dump))


def rproc_coredump_set_elf_info(rproc: Rproc, elf_class: int, machine: int) -> None:
    """The class and machine of the dump; ValueError for a class that does not exist."""
    if elf_class not in _EHDR:
        raise ValueError(f"no ELF class {elf_class}")
    rproc.elf_class, rproc.elf_machine = elf_class, machine


def rproc_coredump(rproc: Rproc, notes: bytes = b"") -> None:
    """Make a devcoredump, unless disabled.

    With ``inline``, a read of the dump reads the memory itself, so this returns only when the dump
    is dismissed. rproc_del() dismisses it; so does a fatal signal to a caller that waits.
    The kernel's dumps contain memory only. A driver here may add *notes*, from which a debugger
    reads the registers.
    """
    mode = rproc.dump_conf
    if mode is DumpMode.DISABLED or not rproc.dump_segments:
        return
    if rproc.elf_class is None:
        elf = "ELF" if rproc.model.version.has(ELF_CLASS_IN_CAPITALS) else "Elf"
        rproc.err(f"{elf} class is not set")
        return
    segments = tuple(rproc.dump_segments)
    headers = _headers(rproc, rproc.elf_class, segments, notes)
    if mode is DumpMode.ENABLED:
        data = headers + b"".join(_copy(rproc, segment) for segment in segments)
        rproc.subsystem.devcoredump.dev_coredumpv(rproc, data)
        return
    done = threading.Event()
    reader = _InlineReader(rproc, headers, segments)
    devcoredump = rproc.subsystem.devcoredump
    rproc.inline_dump = True
    devcoredump.dev_coredumpm(rproc, reader.read, done.set)
    if rproc.going:  # rproc_del() may have run before there was a dump to dismiss
        devcoredump.dismiss(rproc)
    _wait_killable(done, partial(devcoredump.dismiss, rproc))
    rproc.inline_dump = False


def _wait_killable(done: threading.Event, give_up: Callable[[], None]) -> None:
    """Wait for *done*, or for a fatal signal if the recovery runs in a caller's own thread."""
    might_sleep("waiting for the end of a dump")
    task = Task.current()
    if task is None:  # on the workqueue, which takes no signals
        done.wait()
        return
    task.sleep_on(give_up)
    try:
        if task.signal_pending:
            give_up()
        done.wait()
    finally:
        task.sleep_on(None)


def _headers(
    rproc: Rproc, elf_class: int, segments: tuple[DumpSegment, ...], notes: bytes
) -> bytes:
    ehdr, phdr = _EHDR[elf_class], _PHDR[elf_class]
    ident = bytes((0x7F, *b"ELF", elf_class, _ELFDATA2LSB, _EV_CURRENT))
    count = len(segments) + bool(notes)
    parts = [
        ehdr.pack(
            ident, _ET_CORE, rproc.elf_machine, _EV_CURRENT, rproc.bootaddr, ehdr.size, 0, 0,
            ehdr.size, phdr.size, count, 0, 0, 0,
        )
    ]  # fmt: skip
    offset = ehdr.size + phdr.size * count
    contents = [(_PT_NOTE, 0, len(notes), 0)] if notes else []
    contents += [(_PT_LOAD, segment.da, segment.size, _PF_RWX) for segment in segments]
    for kind, da, size, flags in contents:
        if elf_class == ELFCLASS32:
            parts.append(phdr.pack(kind, offset, da, da, size, size, flags, 0))
        else:
            parts.append(phdr.pack(kind, flags, offset, da, da, size, size, 0))
        offset += size
    return b"".join([*parts, notes])


def _copy(rproc: Rproc, segment: DumpSegment, offset: int = 0, size: int | None = None) -> bytes:
    """rproc_copy_segment(): memory that cannot be read is dumped as 0xff."""
    size = segment.size - offset if size is None else size
    if segment.dump is not None:
        return segment.dump(offset, size)
    va = rproc_da_to_va(rproc, segment.da + offset, size)
    if va is None:
        rproc.err(
            f"invalid copy request for segment {segment.da:#x} "
            f"with offset {offset} and size {size})"
        )
        return b"\xff" * size
    return bytes(va)


class _InlineReader:
    """rproc_coredump_read(): headers from a buffer, segments from the remote's memory."""

    def __init__(self, rproc: Rproc, headers: bytes, segments: tuple[DumpSegment, ...]) -> None:
        self._rproc = rproc
        self._headers = headers
        self._segments = segments

    def read(self, size: int, offset: int) -> bytes:
        return b"".join(self._parts(size, offset))

    def _parts(self, size: int, offset: int) -> Iterator[bytes]:
        part = self._headers[offset : offset + size]
        yield part
        done = offset + len(part)
        size -= len(part)
        offset = max(0, offset - len(self._headers))
        for segment in self._segments:
            if size <= 0:
                return
            if offset < segment.size:
                length = min(size, segment.size - offset)
                yield _copy(self._rproc, segment, offset, length)
                done += length
                size -= length
            offset = max(0, offset - segment.size)
        if size > 0:
            self._rproc.info(f"Ramdump done, {done} bytes read")

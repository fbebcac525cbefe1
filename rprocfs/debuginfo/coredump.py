"""Registers and memory of a processor's coredump, as :mod:`rprocfs.drivers.worker` writes it."""

from __future__ import annotations

import io
import struct
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from rprocfs.debuginfo.image import BROKEN, DebugInfoError

#: Where the registers are in ``struct elf_prstatus`` of a 32-bit Linux, and what is behind them.
PR_REG, PR_FPVALID = 72, 4


class Coredump:
    """What is in the ELF core *dump*: *registers* are empty if it has none. DebugInfoError."""

    def __init__(self, dump: bytes) -> None:
        self.registers: tuple[int, ...] = ()
        self._segments: list[tuple[int, bytes]] = []
        try:
            elf = ELFFile(io.BytesIO(dump))
            for segment in elf.iter_segments():
                if isinstance(segment, NoteSegment):
                    for note in segment.iter_notes():
                        self._take(note)
                elif segment["p_type"] == "PT_LOAD":
                    self._segments.append((segment["p_paddr"], segment.data()))
        except BROKEN as problem:
            raise DebugInfoError(f"no coredump: {problem}") from problem

    def _take(self, note: Any) -> None:
        content = note["n_descdata"]
        if note["n_type"] in ("NT_PRSTATUS", 1) and isinstance(content, bytes):
            words = content[PR_REG:-PR_FPVALID]
            self.registers = struct.unpack(f"<{len(words) // 4}I", words)

    def memory(self, address: int, size: int) -> bytes | None:
        """*size* bytes at *address*; None if the dump has not all of them."""
        for begin, content in self._segments:
            if begin <= address and address + size <= begin + len(content):
                return content[address - begin : address - begin + size]
        return None

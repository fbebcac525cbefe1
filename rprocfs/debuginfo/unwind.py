"""From the registers of a core to the functions that it was in, by the CFI of DWARF.

Without CFI for an address the innermost frame returns by its link register, as a leaf does;
there is no way further out. On Armv7-M an EXC_RETURN in place of a return address says that an
exception came in between: the interrupted registers are in the frame that the core stacked
(DDI0403E, B1.5.7).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elftools.dwarf.callframe import FDE

from rprocfs.debuginfo.image import BROKEN, DebugInfo, Row

#: *size* bytes at an address, None if they are not all there.
Memory = Callable[[int, int], bytes | None]
#: A stack that is deeper is damaged, or recursion without an end.
DEEPEST = 64

# EXC_RETURN: its first byte; set for a frame without FPU state; set for the process stack.
EXC_RETURN, NO_FPU, ON_PSP = 0xFF, 1 << 4, 1 << 2
RESET_LR = 0xFFFF_FFFF
FRAME, FPU_WORDS, XPSR_PADDED = struct.Struct("<8I"), 18, 1 << 9


@dataclass(frozen=True, slots=True)
class Layout:
    """DWARF's numbers of registers that have a meaning, and how many registers there are."""

    sp: int
    link: int
    count: int


ARM, RISCV = Layout(13, 14, 16), Layout(2, 1, 32)


@dataclass(frozen=True, slots=True)
class Frame:
    """A function that was entered and not left: it goes on at *pc*.

    *function* is "" if it is not known, *row* is the line of the call, or of *pc* in the
    innermost frame. *interrupted*: an exception came there.
    """

    pc: int
    function: str
    row: Row | None
    interrupted: bool

    def __str__(self) -> str:
        name = f"{self.function} ()" if self.function else "??"
        where = f" at {self.row.path}:{self.row.line}" if self.row is not None else ""
        return f"{self.pc:#010x} in {name}{where}"


class Unwinder:
    """Unwinds stacks of firmware whose image *info* is of. DebugInfoError."""

    def __init__(self, info: DebugInfo) -> None:
        self._info = info
        self._layout = ARM if info.arm else RISCV
        self._fdes = self._frame_descriptions()
        self._begins = [begin for begin, _, _ in self._fdes]
        self._tables: dict[int, list[Mapping[Any, Any]]] = {}

    def _frame_descriptions(self) -> list[tuple[int, int, Any]]:
        dwarf = self._info.dwarf
        found = []
        try:
            if dwarf is not None and dwarf.has_CFI():
                for entry in dwarf.CFI_entries():
                    if isinstance(entry, FDE):
                        begin = entry["initial_location"]
                        found.append((begin, begin + entry["address_range"], entry))
        except BROKEN:
            return []  # damaged: frames without it are better than none
        return sorted(found, key=lambda one: one[:2])

    def frames(
        self, registers: tuple[int, ...], memory: Memory, psp: int | None = None
    ) -> Iterator[Frame]:
        """The frames, the innermost first.

        *registers* are those of :class:`~rprocfs.arch.core.Registers`: the general ones, and
        on RISC-V the PC in place of the zero register. *psp* is the process stack pointer if
        the core stood on the main stack.
        """
        layout = self._layout
        values = dict(enumerate(registers[: layout.count]))
        pc = registers[15 if layout is ARM else 0] & ~1
        call, interrupted = 0, False  # a return address is behind the call
        for depth in range(DEEPEST):
            yield self._frame(pc, call, interrupted)
            sp, leaf = values.get(layout.sp, 0), depth == 0 or interrupted
            above = self._caller(pc - call, values, memory, innermost=leaf)
            interrupted, call = False, 1
            if above is None:
                return
            pc, values = above
            if layout is ARM and pc >> 24 == EXC_RETURN and pc != RESET_LR:
                stacked = self._stacked(pc, values, memory, psp)
                if stacked is None:
                    return
                pc, values = stacked
                interrupted, call = True, 0
            elif values.get(layout.sp, 0) == sp and not leaf:
                return
            pc &= ~1
            if self._info.function(pc - call) is None and not interrupted:
                return

    def _frame(self, pc: int, call: int, interrupted: bool) -> Frame:
        function = self._info.function(pc - call)
        name = function.name if function is not None else ""
        return Frame(pc, name, self._info.row(pc - call), interrupted)

    def _caller(
        self, address: int, values: dict[int, int], memory: Memory, *, innermost: bool
    ) -> tuple[int, dict[int, int]] | None:
        """PC and registers of who called the function with *address* in it."""
        rules = self._rules(address)
        if rules is not None:
            return self._apply(rules, values, memory)
        link = values.get(self._layout.link)
        if not innermost or link is None:
            return None
        return link, {**values, self._layout.link: 0}

    def _rules(self, address: int) -> Mapping[Any, Any] | None:
        index = bisect_right(self._begins, address) - 1
        if index < 0 or address >= self._fdes[index][1]:
            return None
        if index not in self._tables:
            try:
                self._tables[index] = self._fdes[index][2].get_decoded().table
            except BROKEN:
                self._tables[index] = []
        row = None
        for line in self._tables[index]:
            if line["pc"] > address:
                break
            row = line
        return row

    def _apply(
        self, rules: Mapping[Any, Any], values: dict[int, int], memory: Memory
    ) -> tuple[int, dict[int, int]] | None:
        base = values.get(rules["cfa"].reg)
        if base is None or rules["cfa"].expr is not None:
            return None
        cfa = base + rules["cfa"].offset & 0xFFFF_FFFF
        above = dict(values)
        for number, rule in rules.items():
            if number in ("pc", "cfa"):
                continue
            if rule.type == "SAME_VALUE":
                continue
            value = _restored(rule, cfa, values, memory)
            above.pop(number, None)
            if value is not None:
                above[number] = value
        above[self._layout.sp] = cfa
        pc = above.get(self._layout.link)
        return None if pc is None else (pc, above)

    def _stacked(
        self, exc_return: int, values: dict[int, int], memory: Memory, psp: int | None
    ) -> tuple[int, dict[int, int]] | None:
        sp = psp if exc_return & ON_PSP else values[self._layout.sp]
        content = memory(sp, FRAME.size) if sp is not None else None
        if sp is None or content is None:
            return None
        *first, r12, lr, pc, xpsr = FRAME.unpack(content)
        sp += FRAME.size + (0 if exc_return & NO_FPU else 4 * FPU_WORDS)
        sp += 4 if xpsr & XPSR_PADDED else 0
        return pc, {**values, **dict(enumerate(first)), 12: r12, 13: sp, 14: lr}


def _restored(rule: Any, cfa: int, values: dict[int, int], memory: Memory) -> int | None:
    """A register of the caller; None if it is lost."""
    if rule.type == "OFFSET":
        content = memory(cfa + rule.arg & 0xFFFF_FFFF, 4)
        return None if content is None else int.from_bytes(content, "little")
    if rule.type == "VAL_OFFSET":
        return int(cfa + rule.arg & 0xFFFF_FFFF)
    return values.get(rule.arg) if rule.type == "REGISTER" else None

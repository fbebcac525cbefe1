"""Accesses that have to be aligned: LDM, STM, LDRD, STRD, VLDR, VSTR (Armv7-M ARM A3.2.1).

Unicorn's translator asks for aligned addresses in exclusive accesses alone, or in all
(:meth:`.state.State.align`). So a block of code with such an instruction is translated once more,
for aligned addresses. Where SP is the base they are aligned anyway. If another instruction of
that block has an unaligned address, which it may have, the block is translated as it was, and
such instructions have hooks. With CCR.UNALIGN_TRP all blocks are translated for aligned addresses.

A load or store of a double register is not looked at: the translator never asks for its alignment.
"""

from __future__ import annotations

from contextlib import contextmanager

from rprocfs.arch.armv7m.conditions import is_it, length
from rprocfs.arch.armv7m.scb import CCR_UNALIGN_TRP
from rprocfs.engines.unicorn.instructions import instructions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.arch.armv7m.scb import Scb
    from rprocfs.engines.unicorn.ram import WorkerRam
    from rprocfs.engines.unicorn.state import State

SP, PC = 13, 15
EXCLUSIVE, DUAL, MULTIPLE = 0xE840, 0xE840, 0xE800


def base(first: int, second: int) -> int:
    """The base register of an instruction whose address has to be a multiple of 4, else -1."""
    if second < 0:
        return first >> 8 & 7 if first & 0xF000 == 0xC000 else -1
    kind = first & 0xFE40
    multiple = kind == MULTIPLE or (kind == DUAL and first & 0x0120 != 0)
    floats = first & 0xFE00 == 0xEC00 and first & 0xFFE0 != 0xEC40 and second & 0x0F00 == 0x0A00
    return first & 15 if multiple or floats else -1


def exclusive(first: int, second: int) -> bool:
    """LDREX, STREX and those of bytes and halfwords."""
    return second >= 0 and first & 0xFE40 == EXCLUSIVE and first & 0x0120 == 0


class Alignment:
    """Which blocks of *ram* are to be translated how, as *scb* asks for. *state*: if known."""

    def __init__(self, state: State | None, ram: WorkerRam, scb: Scb) -> None:
        self._state, self._ram, self._scb = state, ram, scb
        self._unaligned: set[int] = set()  # instructions that have had such an address
        #: The block that is to be translated for aligned addresses before it is executed.
        self.block: int | None = None
        self.busy = False

    def look(self, address: int, code: bytes) -> Iterator[int]:
        """A block was translated: the instructions that need hooks."""
        if self._state is None:
            return
        strict, other = bool(self._scb.ccr & CCR_UNALIGN_TRP), False
        wide, conditional = [], 0
        for offset, first, second in instructions(code):
            other = other or address + offset in self._unaligned
            if base(first, second) not in (-1, SP, PC):
                wide.append((address + offset, conditional > 0))
            conditional = length(first & 0xFF) if is_it(first) else conditional - 1
        if strict or (wide and not other):
            self.block = address
        else:  # Unicorn does not stop inside of an IT block
            yield from (at for at, inside in wide if not inside)

    def at(self, address: int) -> tuple[int, int]:
        """The two halfwords of an instruction, or -1."""
        for _, first, second in instructions(self._ram.code(address, 4)):
            return first, second
        return 0, -1

    def needed(self, address: int) -> bool:
        """Whether an unaligned access of that instruction is a fault; if not, remember it."""
        words = self.at(address)
        if self._scb.ccr & CCR_UNALIGN_TRP or base(*words) >= 0 or exclusive(*words):
            return True
        self._unaligned.add(address)
        return False

    def single(self, address: int) -> bool:
        """Whether that instruction, by itself, is to be translated for aligned addresses."""
        if self._state is None:
            return False
        return bool(self._scb.ccr & CCR_UNALIGN_TRP) or base(*self.at(address)) >= 0

    @contextmanager
    def strictly(self) -> Iterator[None]:
        """Let what is translated be so for aligned addresses."""
        assert self._state is not None, "it has been asked for"
        self._state.align(True)
        self.busy = True
        yield
        self.busy = False
        self._state.align(False)

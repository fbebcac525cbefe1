"""The resource domain controller and its semaphores (IMX8MMRM chapter "RDC").

Nothing is refused by its domain: all is found open to every domain, as after a reset.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words
from rprocfs.hw.registers import Peripheral

VIR, STAT, INTSTAT, MDA, PDAP, MR, END = 0x000, 0x024, 0x02C, 0x200, 0x400, 0x800, 0xC00
OPEN, LOCKED = 0xFF, 1 << 31
DOMAINS, MASTERS, REGIONS, PERIPHERALS = 4, 27, 52, 118
#: Where the assignment of the Cortex-M is; that of the Cortex-A is before it.
CORE = MDA + 4


class Rdc(Words):
    """Domain assignments; the core reads the domain that it is in."""

    def __init__(self) -> None:
        reset = {VIR: REGIONS << 20 | PERIPHERALS << 12 | MASTERS << 4 | DOMAINS, INTSTAT: 0}
        super().__init__(reset)

    @property
    def domain(self) -> int:
        """That of the core."""
        return self.words.get(CORE, 0) & 3

    def load(self, offset: int) -> int:
        """The word; peripherals and memory regions are open unless that was changed."""
        if offset == STAT:
            return 1 << 8 | self.domain  # PDS: power is on
        permission = PDAP <= offset < MR or (MR <= offset < END and offset & 0xF == 8)
        return self.words.get(offset, OPEN if permission else 0)

    def ones(self, offset: int) -> bool:
        """INTSTAT is cleared by a one."""
        return offset == INTSTAT

    def store(self, offset: int, value: int) -> None:
        """Write the word, unless it is locked or can only be read."""
        if offset in (VIR, STAT):
            return
        if offset == INTSTAT:
            value = self.words[INTSTAT] & ~value
        elif MDA <= offset < MR and self.words.get(offset, 0) & LOCKED:
            return
        self.words[offset] = value


class RdcSemaphore(Peripheral):
    """64 gates of a byte each: GTFSM is the number of the master that holds it, and one."""

    COUNT, RSTGT = 64, 0x40
    GTFSM, KEYS = 0xF, (0xE2, 0x1D)

    def __init__(self, rdc: Rdc) -> None:
        self._rdc = rdc
        self._gates = [0] * self.COUNT
        self._reset = 0

    def read(self, offset: int, size: int) -> int:
        """The bytes at *offset*; the domain of the holder is at bit 4 of a gate."""
        if offset < self.COUNT:
            return int.from_bytes(bytes(self._gates[offset : offset + size]), "little")
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Take a free gate, or free one of one's own by a zero; a reset takes two keys."""
        if offset < self.COUNT:
            for at, byte in enumerate(value.to_bytes(4, "little")[:size]):
                self._write(offset + at, byte & self.GTFSM)
        elif offset == self.RSTGT and size == 2:
            self._reset_gate(value >> 8, value & 0xFF)

    def _write(self, gate: int, holder: int) -> None:
        mine = self._rdc.domain << 4
        if not self._gates[gate] and holder:
            self._gates[gate] = mine | holder
        elif not holder and self._gates[gate] & ~self.GTFSM == mine:
            self._gates[gate] = 0

    def _reset_gate(self, high: int, low: int) -> None:
        """Gate number and key, in two steps; 64 and above are all gates."""
        self._reset, first = low, self._reset
        if (first, low) == self.KEYS:
            wanted = range(self.COUNT) if high >= self.COUNT else (high,)
            for gate in wanted:
                self._gates[gate] = 0

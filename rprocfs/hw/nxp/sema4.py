"""Semaphores between the Cortex-A and the Cortex-M (IMX8MMRM chapter "SEMA4").

The Cortex-A, processor 0, takes none. A gate that is free is locked by writing one's own number
and one to it, and freed by a zero of its holder.
"""

from __future__ import annotations

from rprocfs.hw.registers import LANES, Peripheral

GATES, CPINE, CPNTF, RSTGT, RSTNTF = 16, (0x40, 0x48), (0x80, 0x88), 0x100, 0x104
CORE = 2  # what the Cortex-M, processor 1, writes
KEYS = (0xE2, 0x1D)


class Sema4(Peripheral):
    """16 gates of a byte each, as the Cortex-M sees them."""

    def __init__(self) -> None:
        self._gates = bytearray(GATES)
        self._enabled = dict.fromkeys(CPINE, 0)
        self._reset = 0

    def read(self, offset: int, size: int) -> int:
        """The bytes at *offset*."""
        if offset < GATES:
            return int.from_bytes(self._gates[offset : offset + size], "little")
        return self._enabled.get(offset & ~3, 0) >> 8 * (offset & 3) & LANES[size]

    def write(self, offset: int, size: int, value: int) -> None:
        """Write the bytes at *offset*."""
        if offset < GATES:
            for at, byte in enumerate(value.to_bytes(4, "little")[:size]):
                self._write(offset + at, byte & 3)
        elif offset in self._enabled:
            self._enabled[offset] = value & 0xFFFF
        elif offset == RSTGT:
            self._reset_gate(value >> 8 & 0xFF, value & 0xFF)

    def _write(self, gate: int, number: int) -> None:
        if number == CORE and not self._gates[gate]:
            self._gates[gate] = CORE
        elif not number and self._gates[gate] == CORE:
            self._gates[gate] = 0

    def _reset_gate(self, gate: int, key: int) -> None:
        self._reset, first = key, self._reset
        if (first, key) == KEYS:
            for one in range(GATES) if gate >= GATES else (gate,):
                self._gates[one] = 0

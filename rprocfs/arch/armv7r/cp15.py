"""CP15 of a Cortex-R5, as far as an engine does not know it (Cortex-R5 TRM chapter 4, 6).

An engine keeps SCTLR, the MPU and fault registers, which its own execution depends on, and
executes the operations on caches, which do nothing. Stores to SCTLR come by here. The
identification registers, TCM regions, auxiliary control and the performance monitors are here. The
cycle counter counts processor cycles at wall-clock time; event counters stand still.
"""

from __future__ import annotations

from rprocfs.arch.armv7r import cpu as bits
from rprocfs.arch.armv7r.core import HIVEC, LOVEC
from rprocfs.hw.clock import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Banked(Protocol):
        """The registers that the engine keeps, by (opc1, CRn, CRm, opc2)."""

        def read_system(self, key: Key) -> int:
            """The register."""

        def write_system(self, key: Key, value: int) -> None:
            """Set it."""


#: (opc1, CRn, CRm, opc2), as MRC and MCR have them.
Key = tuple[int, int, int, int]
SCTLR: Key = (0, 1, 0, 0)
#: Instruction caches: all of them, a line by its address.
ICIALLU, ICIMVAU = (0, 7, 5, 0), (0, 7, 5, 1)
LINE = 32
DFSR, IFSR, DFAR, IFAR = (0, 5, 0, 0), (0, 5, 0, 1), (0, 6, 0, 0), (0, 6, 0, 2)
ADFSR, AIFSR = (0, 5, 1, 0), (0, 5, 1, 1)
SCTLR_BR, SCTLR_DZ = 1 << 17, 1 << 19
SCTLR_M, SCTLR_V, SCTLR_EE, SCTLR_TE = 1, 1 << 13, 1 << 25, 1 << 30
#: Branch prediction, divisions that do not trap, and the bits that read as one.
SCTLR_RESET = 0x00C5_0878

#: 32 KiB of instructions and of data, four ways of lines of 32 bytes.
CTR, CLIDR, CCSIDR = 0x8003_C003, 0x0920_0003, 0xF01F_E019
MPIDR: Key = (0, 0, 0, 5)
CONSTANTS: dict[Key, int] = {
    (0, 0, 0, 1): CTR,
    (0, 0, 0, 2): 0x0001_0001,  # TCMTR: one ATCM, one BTCM
    (1, 0, 0, 0): CCSIDR,
    (1, 0, 0, 1): CLIDR,
    (1, 0, 0, 7): 0,  # AIDR
    (0, 15, 2, 0): 0,  # Build Options 1
    (0, 15, 2, 1): 0,  # Build Options 2
    (0, 15, 5, 0): 0,  # invalidate all of the data cache
}
#: What keeps what is written, and its reset value.
KEPT: dict[Key, int] = {
    (2, 0, 0, 0): 0,  # CSSELR
    (0, 1, 0, 1): 0x20,  # ACTLR
    (0, 9, 1, 0): 0x2_001D,  # BTCM region: 64 KiB at 0x20000, enabled
    (0, 9, 1, 1): 0x1D,  # ATCM region: 64 KiB at 0
    (0, 9, 2, 0): 0,  # TCM selection
    (0, 11, 0, 0): 0,  # slave port control
    (0, 15, 0, 0): 0,  # secondary ACTLR
    (0, 15, 0, 1): 0,  # LLPP normal AXI, virtual AXI and AHB regions
    (0, 15, 0, 2): 0,
    (0, 15, 0, 3): 0,
    (0, 15, 3, 0): 0,  # correctable fault location
    **{(0, 15, 1, number): 0 for number in range(8)},  # nVAL
    (0, 15, 14, 0): 0,
}
PMCR, CNTENSET, CNTENCLR, OVSR = (0, 9, 12, 0), (0, 9, 12, 1), (0, 9, 12, 2), (0, 9, 12, 3)
PMCCNTR = (0, 9, 13, 0)
PMCR_E, PMCR_C, PMCR_D, PMCR_KEPT = 1, 4, 8, 0x39
PMCR_ID = 0x4115_1800  # Arm, Cortex-R5, three event counters
CYCLES = 1 << 31
MONITORS: dict[Key, int] = {
    CNTENSET: 0,
    CNTENCLR: 0,
    OVSR: 0,
    (0, 9, 12, 4): 0,  # PMSWINC
    (0, 9, 12, 5): 0,  # PMSELR
    (0, 9, 13, 1): 0,  # PMXEVTYPER
    (0, 9, 13, 2): 0,  # PMXEVCNTR
    (0, 9, 14, 0): 0,  # PMUSERENR
    (0, 9, 14, 1): 0,  # PMINTENSET
    (0, 9, 14, 2): 0,  # PMINTENCLR
}


class SystemControl:
    """CP15 of CPU *number* of its cluster, which runs at *hz*; *engine* keeps the rest."""

    def __init__(self, engine: Banked, now: Callable[[], int], hz: int, number: int) -> None:
        self._engine, self._now, self._hz = engine, now, hz
        self._constants = CONSTANTS | {MPIDR: 0x8000_0000 | number}
        #: Called when divisions by zero trap from now on, or no longer do (SCTLR.DZ).
        self.divisions: Callable[[], None] = lambda: None
        #: Called when code from an address up to another one may be new.
        self.invalidated: Callable[[int, int], None] = lambda begin, end: None
        self.reset(high=False)

    def reset(self, high: bool) -> None:
        """All of it, with VINITHI as in *high*."""
        self._kept = KEPT | MONITORS
        self._pmcr, self._cycles, self._since = 0, 0, 0
        self._engine.write_system(SCTLR, SCTLR_RESET | (SCTLR_V if high else 0))

    @property
    def sctlr(self) -> int:
        """SCTLR."""
        return self._engine.read_system(SCTLR)

    @property
    def vectors(self) -> int:
        """Where the vectors are."""
        return HIVEC if self.sctlr & SCTLR_V else LOVEC

    def entry(self) -> tuple[int, int]:
        """For an exception: where the vectors are, and T and E of CPSR."""
        sctlr = self.sctlr
        thumb = bits.THUMB if sctlr & SCTLR_TE else 0
        endian = bits.ENDIAN if sctlr & SCTLR_EE else 0
        return HIVEC if sctlr & SCTLR_V else LOVEC, thumb | endian

    def abort(self, key: Key, status: int, where: Key, address: int) -> None:
        """A fault's *status* in DFSR or IFSR, and its *address* in DFAR or IFAR."""
        self._engine.write_system(key, status)
        self._engine.write_system(where, address)

    def knows(self, key: Key) -> bool:
        """Whether the register is kept here."""
        return key in self._kept or key in self._constants or key in (PMCR, PMCCNTR)

    def takes(self, key: Key, reads: bool) -> bool:
        """Whether an MRC, or an MCR, is for :meth:`read` or :meth:`write`."""
        return self.knows(key) or (key in (SCTLR, ICIALLU, ICIMVAU) and not reads)

    def read(self, key: Key) -> int:
        """MRC of a register that it :meth:`knows`."""
        if key == PMCCNTR:
            return self._cycle_count() & 0xFFFF_FFFF
        if key == PMCR:
            return PMCR_ID | self._pmcr
        if key == CNTENCLR:
            key = CNTENSET
        return self._constants[key] if key in self._constants else self._kept[key]

    def write(self, key: Key, value: int) -> None:
        """MCR to a register that it :meth:`takes`."""
        if key == SCTLR:
            before = self.sctlr
            self._engine.write_system(SCTLR, value)
            if (before ^ value) & SCTLR_DZ:
                self.divisions()
        elif key in (PMCR, CNTENSET, CNTENCLR, PMCCNTR):
            self._write_monitors(key, value)
        elif key == ICIALLU:
            self.invalidated(0, 1 << 32)
        elif key == ICIMVAU:
            self.invalidated(value & -LINE, (value & -LINE) + LINE)
        elif key == OVSR:
            self._kept[OVSR] &= ~value
        elif key not in self._constants:
            self._kept[key] = value

    def _write_monitors(self, key: Key, value: int) -> None:
        self._cycles, self._since = self._cycle_count(), self._now()
        if key == PMCR:
            self._pmcr = value & PMCR_KEPT
            if value & PMCR_C:
                self._cycles = 0
        elif key == CNTENSET:
            self._kept[CNTENSET] |= value
        elif key == CNTENCLR:
            self._kept[CNTENSET] &= ~value
        else:
            self._cycles = value

    def _cycle_count(self) -> int:
        if not (self._pmcr & PMCR_E and self._kept[CNTENSET] & CYCLES):
            return self._cycles
        elapsed = (self._now() - self._since) * self._hz // SECOND
        return self._cycles + (elapsed >> 6 if self._pmcr & PMCR_D else elapsed)

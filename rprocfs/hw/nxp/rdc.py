"""The resource domain controller and its semaphores (IMX8MMRM chapter "RDC").

All is found open to every domain, as after a reset. A peripheral that is closed to the core's
domain refuses it, as does one that wants its semaphore (SREQ), as long as the domain does not hold
that. So does memory in a region that is closed to it; where regions overlap, each of them has to
let an access through. The only interrupt is that of a restored power domain, which never comes.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words
from rprocfs.hw.registers import Peripheral

VIR, STAT, INTSTAT, MDA, PDAP, MR, END = 0x000, 0x024, 0x02C, 0x200, 0x400, 0x800, 0xD00
OPEN, LOCKED, ENABLED, SREQ = 0xFF, 1 << 31, 1 << 30, 1 << 30
MREA, MRC, MRVS, VIOLATION = 0x4, 0x8, 0xC, 1 << 4
#: The bits of MRSA and MREA, and those of the address in MRVS.
SADR, VADR = 0xFFFF_FF80, 0xFFFF_FFE0
DOMAINS = 4
#: Where the assignment of the Cortex-M is; that of the Cortex-A is before it.
CORE = MDA + 4


class Rdc(Words):
    """Domain assignments; the core reads the domain that it is in.

    There are so many *masters*, *peripherals* and *regions* of memory. The addresses of a region
    are in its registers without their lowest *shift* bits.
    """

    def __init__(
        self, masters: int = 27, peripherals: int = 118, regions: int = 52, shift: int = 0
    ) -> None:
        self._shift = shift
        version = regions << 20 | peripherals << 12 | masters << 4 | DOMAINS
        super().__init__({VIR: version, INTSTAT: 0})
        self.semaphores: list[RdcSemaphore] = []

    @property
    def domain(self) -> int:
        """That of the core."""
        return self.words.get(CORE, 0) & 3

    def refuses(self, number: int) -> tuple[bool, bool]:
        """Whether peripheral *number* is closed to loads of the core, and to its stores."""
        policy = self.words.get(PDAP + 4 * number, OPEN)
        if policy & SREQ:
            semaphore, gate = divmod(number, RdcSemaphore.COUNT)
            if not self.semaphores[semaphore].held(gate, self.domain):
                return True, True
        own = policy >> 2 * self.domain
        return not own & 2, not own & 1

    def closed(self, number: int) -> tuple[int, int, bool, bool]:
        """Memory region *number*: where it begins and ends, and whether it is closed to loads of
        the core, and to its stores."""
        at = MR + 0x10 * number
        policy = self.words.get(at + MRC, OPEN)
        own = policy >> 2 * self.domain if policy & ENABLED else OPEN
        begin, end = (self.words.get(at + register, 0) << self._shift for register in (0, MREA))
        return begin, end, not own & 2, not own & 1

    def violated(self, number: int, address: int) -> None:
        """Region *number* refused the core an access to *address*: the first one is kept."""
        at = MR + 0x10 * number + MRVS
        if not self.words.get(at, 0) & VIOLATION:
            self.words[at] = (address >> self._shift) & VADR | VIOLATION | self.domain

    def load(self, offset: int) -> int:
        """The word; peripherals and memory regions are open unless that was changed."""
        if offset == STAT:
            return 1 << 8 | self.domain  # PDS: power is on
        permission = PDAP <= offset < MR or (MR <= offset < END and offset & 0xF == MRC)
        return self.words.get(offset, OPEN if permission else 0)

    def _locked(self, offset: int) -> bool:
        """Whether it can no longer be written: the lock of a region is in its control register."""
        if MR <= offset < END:
            return offset & 0xF != MRVS and bool(self.words.get(offset & ~0xF | MRC, 0) & LOCKED)
        return MDA <= offset < MR and bool(self.words.get(offset, 0) & LOCKED)

    def ones(self, offset: int) -> bool:
        """INTSTAT, and the violation of a region, are cleared by a one."""
        return offset == INTSTAT or (MR <= offset < END and offset & 0xF == MRVS)

    def store(self, offset: int, value: int) -> None:
        """Write the word, unless it is locked or can only be read.

        A region that is locked can still be enabled. Its violation is cleared as a whole.
        """
        old = self.words.get(offset, 0)
        if offset in (VIR, STAT):
            return
        if self._locked(offset):
            if MR <= offset < END and offset & 0xF == MRC:
                self.words[offset] = old | value & ENABLED
            return
        if offset == INTSTAT:
            value = old & ~value
        elif MR <= offset < END:
            masks = {0: SADR, MREA: SADR, MRC: LOCKED | ENABLED | OPEN}
            cleared = 0 if value & VIOLATION else old
            value = value & masks.get(offset & 0xF, 0) if offset & 0xF != MRVS else cleared
        self.words[offset] = value


class RdcSemaphore(Peripheral):
    """64 gates of a byte each: GTFSM is the number of the master that holds it, and one."""

    COUNT, RSTGT = 64, 0x40
    GTFSM, KEYS = 0xF, (0xE2, 0x1D)

    def __init__(self, rdc: Rdc) -> None:
        self._rdc = rdc
        rdc.semaphores.append(self)
        self._gates = [0] * self.COUNT
        self._reset = 0

    def held(self, gate: int, domain: int) -> bool:
        """Whether a master of the *domain* holds the *gate*."""
        value = self._gates[gate]
        return bool(value & self.GTFSM) and value >> 4 == domain

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

"""A Cortex-M7 as a SoC integrates it: with caches and tightly coupled memories (Arm DDI 0489)."""

from __future__ import annotations

from functools import partial

from rprocfs.arch.armv7m.core import CortexM
from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCS = 0xE000_E000
LINE = 32
# CLIDR: separate caches of level 1 alone. CTR: lines of eight words, DMINLINE and IMINLINE.
CLIDR, CTR = 0x0900_0003, 0x8303_C003
#: The ways of both caches, and what CCSIDR says they can do.
WAYS, POLICIES = {"i": 2, "d": 4}, 0xF << 28
ENABLE = 1
AHBSCR_RESET = 0x800


def ccsidr(size: int, ways: int) -> int:
    """CCSIDR of a cache of *size* bytes."""
    return POLICIES | (size // (LINE * ways) - 1) << 13 | (ways - 1) << 3 | 1


def tcmcr(size: int) -> int:
    """ITCMCR or DTCMCR of an enabled memory of *size* bytes, 4 KiB at least; 0: there is none."""
    return (size.bit_length() - 10) << 3 | ENABLE if size else 0


class MemorySystem(Peripheral):
    """The control of caches and memories. Maintenance has nothing to do: there is one memory."""

    def __init__(self, icache: int, dcache: int, itcm: int, dtcm: int) -> None:
        self._caches = (ccsidr(dcache, WAYS["d"]), ccsidr(icache, WAYS["i"]))
        self._tcms = [tcmcr(itcm), tcmcr(dtcm)]
        self._csselr = self._ahbpcr = self._cacr = self._abfsr = 0
        self._ahbscr = AHBSCR_RESET

    @register(0xD78)
    def clidr(self) -> int:
        """CLIDR: what caches there are."""
        return CLIDR

    @register(0xD7C)
    def ctr(self) -> int:
        """CTR: how long their lines are."""
        return CTR

    @register(0xD80)
    def ccsidr(self) -> int:
        """CCSIDR: the cache that CSSELR selects."""
        return self._caches[self._csselr & 1]

    @register(0xD84)
    def csselr(self) -> int:
        """CSSELR: InD, the instruction cache; there is no other level."""
        return self._csselr

    @csselr.store
    def _(self, value: int) -> None:
        self._csselr = value & 1

    @register(0xF50, count=11, ones=True)
    def maintenance(self, index: int) -> int:
        """ICIALLU to BPIALL: done at once, as nothing is cached."""
        del index
        return 0

    @register(0xF90, count=2)
    def tcmcr(self, index: int) -> int:
        """ITCMCR and DTCMCR: size, and EN, RMW, RETEN, which change nothing."""
        return self._tcms[index]

    @tcmcr.store
    def _(self, index: int, value: int) -> None:
        self._tcms[index] = self._tcms[index] & 0x78 | value & 7

    @register(0xF98)
    def ahbpcr(self) -> int:
        """AHBPCR."""
        return self._ahbpcr

    @ahbpcr.store
    def _(self, value: int) -> None:
        self._ahbpcr = value & 1

    @register(0xF9C)
    def cacr(self) -> int:
        """CACR: SIWT, ECCDIS, FORCEWT."""
        return self._cacr

    @cacr.store
    def _(self, value: int) -> None:
        self._cacr = value & 7

    @register(0xFA0)
    def ahbscr(self) -> int:
        """AHBSCR."""
        return self._ahbscr

    @ahbscr.store
    def _(self, value: int) -> None:
        self._ahbscr = value & 0xFFFF

    @register(0xFA8)
    def abfsr(self) -> int:
        """ABFSR: why a bus fault was imprecise, which none is; cleared by any write."""
        return self._abfsr

    @abfsr.store
    def _(self, value: int) -> None:
        del value
        self._abfsr = 0


class CortexM7(CortexM):
    """*icache* and *dcache* are the sizes of its caches, *itcm* and *dtcm* of its memories."""

    def __init__(
        self, name: str, *, icache: int, dcache: int, itcm: int, dtcm: int, **others: Any
    ) -> None:
        memory = partial(MemorySystem, icache, dcache, itcm, dtcm)
        private = (*others.pop("private", ()), (SCS, memory))
        super().__init__(name, "cortex-m7", private=private, **others)

"""The registers of the Armv7-M memory protection unit (Armv7-M ARM B3.5).

Regions are kept and read back, as the code that sets them up expects; no access is refused
because of them.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

#: The eighths of the address space that are Code, SRAM and RAM: the others are XN.
EXECUTABLE = (0, 1, 3, 4)
ADDRESS, VALID, REGION = 0xFFFF_FFE0, 0x10, 0xF


def executable(address: int) -> bool:
    """Whether the default memory map lets an *address* be executed (Armv7-M ARM B3.1)."""
    return address >> 29 in EXECUTABLE


class Mpu(Peripheral):
    """An MPU of *regions* regions; without any, its registers read as zero."""

    def __init__(self, regions: int) -> None:
        self._regions = regions
        self._ctrl = self._rnr = 0
        self._rbar, self._rasr = [0] * regions, [0] * regions

    @register(0xD90)
    def type(self) -> int:
        """MPU_TYPE: how many regions there are."""
        return self._regions << 8

    @register(0xD94)
    def ctrl(self) -> int:
        """MPU_CTRL: ENABLE, HFNMIENA, PRIVDEFENA."""
        return self._ctrl

    @ctrl.store
    def _(self, value: int) -> None:
        self._ctrl = value & 7 if self._regions else 0

    @register(0xD98)
    def rnr(self) -> int:
        """MPU_RNR: the region that RBAR and RASR are of."""
        return self._rnr

    @rnr.store
    def _(self, value: int) -> None:
        self._select(value & 0xFF)

    def _select(self, number: int) -> None:
        if number < self._regions:
            self._rnr = number

    # RBAR and RASR, and three aliases of both.
    @register(0xD9C, count=8)
    def pair(self, index: int) -> int:
        """MPU_RBAR and MPU_RASR."""
        if not self._regions:
            return 0
        return self._rasr[self._rnr] if index & 1 else self._rbar[self._rnr] | self._rnr

    @pair.store
    def _(self, index: int, value: int) -> None:
        if not self._regions:
            return
        if index & 1:
            self._rasr[self._rnr] = value & 0x173F_FF3F
            return
        if value & VALID:
            self._select(value & REGION)
        self._rbar[self._rnr] = value & ADDRESS

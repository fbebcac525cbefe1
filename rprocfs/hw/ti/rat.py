"""The region-based address translation of a core (SPRUIV7 "Region-based Address Translation").

Each region is a power of two of bytes, aligned to its size. An address in no enabled region is
the same on the bus.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

REGIONS = 8
CTRL, BASE, TRANS_L, TRANS_U = range(4)
ENABLE, SIZE = 1 << 31, 0x3F


class Rat(Peripheral):
    """Eight regions; what is beyond 32 bits of the bus is not modelled, and translates to None."""

    def __init__(self) -> None:
        self._words = [0] * (4 * REGIONS)

    def translate(self, address: int) -> int | None:
        """The address on the bus of what the core has at *address*, by the first region."""
        for first in range(0, 4 * REGIONS, 4):
            control, base, low, high = self._words[first : first + 4]
            mask = (1 << min(control & SIZE, 32)) - 1
            if control & ENABLE and not (address ^ base) & ~mask:
                return None if high else low & ~mask | address & mask
        return address

    @register(0x04)
    def config(self) -> int:
        """CONFIG: the address bits of the bus, how many regions."""
        return 0x24_0100 | REGIONS

    @register(0x20, count=4 * REGIONS)
    def region(self, index: int) -> int:
        """CTRL_i (size, enable), BASE_i, TRANS_L_i, TRANS_U_i."""
        return self._words[index]

    @region.store
    def _(self, index: int, value: int) -> None:
        keep = {CTRL: ENABLE | SIZE, TRANS_U: 0xFFFF}.get(index % 4, 0xFFFF_FFFF)
        self._words[index] = value & keep

"""The regions of a PMSAv7 MPU (DDI 0406 B5.1): which addresses one is for, and for whom.

It is up to the engine to look at each access.
"""

from __future__ import annotations

from rprocfs.arch.armv7r.cp15 import SCTLR, SCTLR_BR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.arch.armv7r.cp15 import Banked

RGNR, DRBAR, DRSR, DRACR = (0, 6, 2, 0), (0, 6, 1, 0), (0, 6, 1, 2), (0, 6, 1, 4)
COUNT, ENABLE = 16, 1
#: DRACR.AP that lets privileged accesses store, and that lets all others.
STORES, ALL_STORE = (1, 2, 3), (3,)


class Regions:
    """Those that *engine* keeps."""

    def __init__(self, engine: Banked) -> None:
        self._engine = engine

    def hit(self, address: int) -> bool:
        """Whether a region that is on holds *address*, in a subregion that is on."""
        return self._attributes(address) is not None

    def stores(self, address: int, privileged: bool) -> bool:
        """Whether *address* can be stored to."""
        attributes = self._attributes(address)
        if attributes is None:
            return privileged and bool(self._engine.read_system(SCTLR) & SCTLR_BR)
        return attributes >> 8 & 7 in (STORES if privileged else ALL_STORE)

    def _attributes(self, address: int) -> int | None:
        """DRACR of the region that *address* is one of: the highest that is on; None: of none."""
        number = self._engine.read_system(RGNR)
        try:
            for region in reversed(range(COUNT)):
                if self._holds(region, address):
                    return self._engine.read_system(DRACR)
            return None
        finally:
            self._engine.write_system(RGNR, number)

    def _holds(self, region: int, address: int) -> bool:
        engine = self._engine
        engine.write_system(RGNR, region)
        base, size = engine.read_system(DRBAR), engine.read_system(DRSR)
        bits = (size >> 1 & 0x1F) + 1
        base &= -1 << bits
        if not size & ENABLE or not 0 <= address - base < 1 << bits:
            return False
        subregion = address - base >> bits - 3 if bits >= 8 else 0
        return not size >> 8 + subregion & 1

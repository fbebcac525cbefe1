"""The regions of a PMSAv7 MPU (DDI 0406 B5.1): which addresses one is for.

What a region lets through is up to the engine, which looks at each access.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.arch.armv7r.cp15 import Banked

RGNR, DRBAR, DRSR = (0, 6, 2, 0), (0, 6, 1, 0), (0, 6, 1, 2)
COUNT, ENABLE = 16, 1


class Regions:
    """Those that *engine* keeps."""

    def __init__(self, engine: Banked) -> None:
        self._engine = engine

    def hit(self, address: int) -> bool:
        """Whether a region that is on holds *address*, in a subregion that is on."""
        number = self._engine.read_system(RGNR)
        try:
            return any(self._holds(region, address) for region in range(COUNT))
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

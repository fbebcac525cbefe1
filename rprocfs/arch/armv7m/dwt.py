"""The cycle counter of the Armv7-M DWT, at wall-clock time (Armv7-M ARM C1.8)."""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CYCCNTENA, NUMCOMP = 1, 4 << 28
SECOND = 1_000_000_000


class Dwt(Peripheral):
    """CYCCNT, of which *now* is the clock in nanoseconds and *hz* the frequency."""

    def __init__(self, now: Callable[[], int], hz: int) -> None:
        self._now, self.hz = now, hz
        self._ctrl = self._count = self._start = 0

    def _cycles(self) -> int:
        if not self._ctrl & CYCCNTENA:
            return self._count
        return self._count + (self._now() - self._start) * self.hz // SECOND & 0xFFFF_FFFF

    @register(0x000)
    def ctrl(self) -> int:
        """DWT_CTRL: CYCCNTENA, and that there are four comparators, which do nothing."""
        return NUMCOMP | self._ctrl

    @ctrl.store
    def _(self, value: int) -> None:
        self._count, self._start = self._cycles(), self._now()
        self._ctrl = value & CYCCNTENA

    @register(0x004)
    def cyccnt(self) -> int:
        """DWT_CYCCNT."""
        return self._cycles() & 0xFFFF_FFFF

    @cyccnt.store
    def _(self, value: int) -> None:
        self._count, self._start = value, self._now()

"""The watchdog (IMX8MMRM chapter "WDOG"): 16-bit registers, half seconds.

It goes by the processor's own time: one that others on the host keep from executing feeds it late,
and is not to blame.
"""

from __future__ import annotations

from rprocfs.hw.clock import SECOND
from rprocfs.hw.registers import Peripheral

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.clock import Clock

WCR, WSR, WRSR, WICR, WMCR = range(0, 10, 2)
WDE, SRS, WDA = 1 << 2, 1 << 4, 1 << 5
WIE, WTIS = 1 << 15, 1 << 14
POR = 1 << 4
KEYS = (0x5555, 0xAAAA)
HALF_SECOND = SECOND // 2


class Wdog(Peripheral):
    """*clock* is that of the core, *interrupt* the early warning, *bite* (reason) the end."""

    #: Time does not wait for it.
    limit = None

    def __init__(
        self,
        clock: Clock,
        interrupt: Callable[[bool], None],
        bite: Callable[[str], None],
    ) -> None:
        self._clock, self._now = clock, clock.own
        self._interrupt, self._bite = interrupt, bite
        self._words = {WCR: SRS | WDA, WSR: 0, WRSR: POR, WICR: 4, WMCR: 1}
        self._since = 0

    def read(self, offset: int, size: int) -> int:
        """The bytes at *offset*."""
        both = (self._words.get(offset & ~3 | half, 0) << 8 * half for half in (0, 2))
        return sum(both) >> 8 * (offset & 3) & (1 << 8 * size) - 1

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a halfword, or two of them; a byte is lost."""
        for at in range(0, size - 1, 2):
            self._store(offset + at, value >> 8 * at & 0xFFFF)

    def _store(self, offset: int, value: int) -> None:
        if offset == WSR:
            if (self._words[WSR], value) == KEYS:
                self._since = self._now()
            self._words[WSR] = value
        elif offset == WCR:
            self._control(value)
        elif offset == WICR:
            # A one clears WTIS; WIE and the time can be set only once.
            status = self._words[WICR] & ~(value & WTIS) & WTIS
            self._words[WICR] = status | value & (WIE | 0xFF)
            self._interrupt(bool(status and value & WIE))
        elif offset == WMCR:
            self._words[WMCR] = value & 1

    def _control(self, value: int) -> None:
        was = self._words[WCR] & WDE
        self._words[WCR] = value | was
        if value & WDE and not was:
            self._since = self._now()
        if not value & SRS:
            self._bite("reset through the watchdog")

    @property
    def _left(self) -> int | None:
        """When it bites; None: it does not run."""
        if not self._words[WCR] & WDE:
            return None
        return self._since + ((self._words[WCR] >> 8) + 1) * HALF_SECOND

    @property
    def _warns(self) -> int | None:
        """When its interrupt comes; None: it does not, or it has come."""
        end, control = self._left, self._words[WICR]
        if end is None or not control & WIE or control & WTIS:
            return None
        return end - (control & 0xFF) * HALF_SECOND

    @property
    def deadline(self) -> int | None:
        """When it has something to do next, at the earliest."""
        warns, end = self._warns, self._left
        due = end if warns is None else warns
        return None if due is None else self._clock() + max(0, due - self._now())

    def advance(self) -> None:
        """Warn or bite, if it is time."""
        end, warns, now = self._left, self._warns, self._now()
        if warns is not None and now >= warns:
            self._words[WICR] |= WTIS
            self._interrupt(True)
        if end is not None and now >= end:
            self._bite("watchdog")

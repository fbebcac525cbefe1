"""The system watchdog timer (UG1085 chapter 14, UG1087 module SWDT)."""

from __future__ import annotations

from rprocfs.hw.clock import SECOND
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MODE, CONTROL, RESTART, STATUS = 0x0, 0x4, 0x8, 0xC
WDEN, RSTEN, IRQEN = 1, 2, 4
ZKEY, CKEY, RSTKEY, WDZ = 0xABC, 0x248, 0x1999, 1


class Swdt(Words):
    """One watchdog, which counts down at *hz*; at zero it interrupts, or *bite* is called."""

    def __init__(
        self,
        interrupt: Callable[[bool], None],
        now: Callable[[], int],
        hz: int,
        bite: Callable[[], None],
    ) -> None:
        super().__init__({MODE: 0x1C2, CONTROL: 0x3FFC})
        self._interrupt, self._now, self._hz, self._bite = interrupt, now, hz, bite
        #: When it is at zero; time waits for it.
        self.deadline: int | None = None
        self.limit: int | None = None

    def _restart(self) -> None:
        control = self.words[CONTROL]
        counts = (control >> 2 & 0xFFF) << 12 | 0xFFF
        length = counts * (8 << 3 * (control & 3)) * SECOND // self._hz
        end = self._now() + length if self.words[MODE] & WDEN else None
        self.deadline = self.limit = end

    def advance(self) -> None:
        """Count down; at zero, act."""
        if self.deadline is None or self._now() < self.deadline:
            return
        self.deadline = self.limit = None
        self.words[STATUS] = WDZ
        if self.words[MODE] & RSTEN:
            self._bite()
        elif self.words[MODE] & IRQEN:
            self._interrupt(True)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*, if its key is right."""
        if offset == MODE and value >> 12 & 0xFFF == ZKEY:
            self.words[MODE] = value & 0xFFF
            self._restart()
        elif offset == CONTROL and value >> 14 & 0xFFF == CKEY:
            self.words[CONTROL] = value & 0x3FFF
        elif offset == RESTART and value & 0xFFFF == RSTKEY:
            self.words[STATUS] = 0
            self._interrupt(False)
            self._restart()

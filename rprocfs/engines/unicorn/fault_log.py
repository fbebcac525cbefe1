"""A line for each fault that the firmware takes, also for those that it handles itself."""

from __future__ import annotations

from rprocfs.arch.armv7m.nvic import BUSFAULT, HARDFAULT, MEMMANAGE, USAGEFAULT
from rprocfs.arch.armv7m.scb import BFARVALID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.arch.armv7m.cpu import Cpu
    from rprocfs.arch.armv7m.scb import Scb

NAMES = {
    HARDFAULT: "HardFault",
    MEMMANAGE: "MemManage",
    BUSFAULT: "BusFault",
    USAGEFAULT: "UsageFault",
}
#: Firmware may count on faults, or take nothing else: so many lines a second are enough.
LINES_A_SECOND = 10


class FaultLog:
    """Says each fault by *debug*; *now* is in seconds."""

    def __init__(
        self, cpu: Cpu, scb: Scb, debug: Callable[[str], None], now: Callable[[], float]
    ) -> None:
        self._cpu, self._scb, self._debug, self._now = cpu, scb, debug, now
        self._second, self._said, self._silent = 0, 0, 0

    def __call__(self, number: int, cause: str) -> None:
        """The core is about to take the exception *number* for *cause*."""
        second = int(self._now())
        if second != self._second:
            if self._silent:
                self._debug(f"{self._silent} more faults")
            self._second, self._said, self._silent = second, 0, 0
        if self._said >= LINES_A_SECOND:
            self._silent += 1
            return
        self._said += 1
        scb = self._scb
        bfar = f" bfar={scb.bfar:#x}" if scb.cfsr & BFARVALID else ""
        status = f"pc={self._cpu.pc:#x} cfsr={scb.cfsr:#x} hfsr={scb.hfsr:#x}{bfar}"
        self._debug(f"{NAMES[number]}: {cause} ({status})")

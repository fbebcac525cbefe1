"""Hardware semaphores (RM0436 chapter 12), as the M4 sees them; nobody else takes one."""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 32
LOCK, COREID, PROCID = 1 << 31, 0xF00, 0xFF
CPU2 = 2 << 8
KEY = 0xFFFF_0000


class Hsem(Peripheral):
    """32 semaphores; *interrupt* is told the level of the M4's interrupt."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        self._interrupt = interrupt
        self._held = [0] * COUNT
        self._enabled, self._status = [0, 0], [0, 0]  # of C1, C2
        self._key = 0

    def _free(self, index: int) -> None:
        self._held[index] = 0
        for core in range(2):
            self._status[core] |= 1 << index
        self._update()

    def _update(self) -> None:
        self._interrupt(bool(self._enabled[1] & self._status[1]))

    @register(0x000, count=COUNT)
    def r(self, index: int) -> int:
        """Who holds the semaphore; writing LOCK takes it (2-step), writing without frees it."""
        return self._held[index]

    @r.store
    def _(self, index: int, value: int) -> None:
        owner = value & (COREID | PROCID)
        if value & COREID != CPU2:
            return
        if value & LOCK:
            self._held[index] = self._held[index] or LOCK | owner
        elif self._held[index] == LOCK | owner:
            self._free(index)

    @register(0x080, count=COUNT)
    def rlr(self, index: int) -> int:
        """Reading it takes the semaphore for the core that reads (1-step)."""
        self._held[index] = self._held[index] or LOCK | CPU2
        return self._held[index]

    @register(0x100, count=8, ones=True)
    def interrupts(self, index: int) -> int:
        """IER, ICR (reads 0), ISR and MISR; C1's, then C2's."""
        core, number = divmod(index, 4)
        enabled, status = self._enabled[core], self._status[core]
        return (enabled, 0, status, enabled & status)[number]

    @interrupts.store
    def _(self, index: int, value: int) -> None:
        core, number = divmod(index, 4)
        if number == 0:
            self._enabled[core] = value
        elif number == 1:
            self._status[core] &= ~value
        self._update()

    @register(0x140)
    def cr(self) -> int:
        """CR: with the key, frees all semaphores of a core."""
        return 0

    @cr.store
    def _(self, value: int) -> None:
        if value & KEY == self._key:
            for index, held in enumerate(self._held):
                if held and held & COREID == value & COREID:
                    self._free(index)

    @register(0x144)
    def keyr(self) -> int:
        """KEYR: the key of CR."""
        return self._key

    @keyr.store
    def _(self, value: int) -> None:
        self._key = value & KEY

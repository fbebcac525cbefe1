"""The Armv7-M system control space: NVIC, SysTick and SCB behind one page."""

from __future__ import annotations

from rprocfs.soc.nvic import SYSTICK, Nvic
from rprocfs.soc.registers import Peripheral
from rprocfs.soc.scb import Scb
from rprocfs.soc.systick import SysTick

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.soc.machine import Machine

# The private peripheral bus and the page of it that has registers here: the rest
# (ITM, DWT, FPB, TPIU) reads as zero, as on QEMU's machines.
PPB, PPB_SIZE = 0xE000_0000, 0x10_0000
SCS, SCS_SIZE = 0xE000_E000, 0x1000


class SystemControlSpace:
    """A core's own peripherals, wired together.

    *now* is the clock that SysTick counts by, in nanoseconds.
    """

    def __init__(
        self,
        machine: Machine,
        core: str,
        vtor: int,
        now: Callable[[], int],
        reset: Callable[[], None],
    ) -> None:
        self.nvic = Nvic(machine.irqs, machine.priority_bits)
        self.scb = Scb(self.nvic, core, vtor, reset)
        self.systick = SysTick(now, machine.cpu_hz, machine.ref_hz, self._tick)

    def _tick(self) -> None:
        self.nvic.pend(SYSTICK)

    def read(self, address: int, size: int) -> int:
        """Read *size* bytes of the private peripheral bus."""
        block = self._block(address)
        return block.read(address - SCS, size) if block else 0

    def write(self, address: int, size: int, value: int) -> None:
        """Write *size* bytes of the private peripheral bus."""
        block = self._block(address)
        if block:
            block.write(address - SCS, size, value)

    def _block(self, address: int) -> Peripheral | None:
        offset = (address - SCS) & ~3
        if not 0 <= offset < SCS_SIZE:
            return None
        blocks: tuple[Peripheral, ...] = (self.nvic, self.scb, self.systick)
        return next((block for block in blocks if offset in block.registers), None)

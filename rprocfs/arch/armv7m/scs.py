"""The Armv7-M private peripheral bus: NVIC, SysTick, SCB and MPU behind one page, and the DWT."""

from __future__ import annotations

from rprocfs.arch.armv7m.dwt import Dwt
from rprocfs.arch.armv7m.mpu import Mpu
from rprocfs.arch.armv7m.nvic import SYSTICK, Nvic
from rprocfs.arch.armv7m.scb import Scb
from rprocfs.arch.armv7m.systick import SysTick
from rprocfs.hw.clock import Clock, Patience
from rprocfs.hw.registers import Peripheral

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.arch.armv7m.core import CortexM

# The private peripheral bus and the pages of it that have registers here: the rest
# (ITM, FPB, TPIU) reads as zero, as on QEMU's machines.
PPB, PPB_SIZE = 0xE000_0000, 0x10_0000
DWT, SCS, PAGE = 0xE000_1000, 0xE000_E000, 0x1000


class SystemControlSpace:
    """The own peripherals of a *core* that is reset with its vector table at *vtor*.

    *now* is the clock that SysTick counts by.
    """

    def __init__(
        self,
        core: CortexM,
        vtor: int,
        now: Clock,
        reset: Callable[[], None],
    ) -> None:
        self.ranges = ((PPB, PPB_SIZE),)
        self.nvic = Nvic(core.irqs, core.priority_bits)
        self.scb = Scb(self.nvic, core.part, vtor, reset)
        self.mpu = Mpu(core.mpu_regions)
        self.dwt = Dwt(now, core.cpu_hz)
        self._ratio = core.cpu_hz // core.ref_hz
        self._patience = Patience(now.busy)
        self.systick = SysTick(now, core.cpu_hz, core.ref_hz, self._tick, self._waits)
        now.limited.append(self.systick)
        blocks: tuple[tuple[int, Peripheral], ...] = (
            (SCS, self.nvic), (SCS, self.scb), (SCS, self.systick), (SCS, self.mpu),
            (DWT, self.dwt), *((base, make()) for base, make in core.private),
        )  # fmt: skip
        self._blocks = {
            base + offset: (block, base) for base, block in blocks for offset in block.registers
        }

    def set_clock(self, hertz: int) -> None:
        """The processor's clock has another frequency from now on."""
        self.systick.set_clock(hertz, hertz // self._ratio)
        self.dwt.hz = hertz

    def _tick(self) -> None:
        if SYSTICK not in self.nvic.pending:
            self._patience.renew()
        self.nvic.pend(SYSTICK)

    def _waits(self) -> bool:
        """Whether the last tick was not handled yet, but will be.

        COUNTFLAG tells its handler of one wrap, not of two.
        """
        unhandled = SYSTICK in self.nvic.pending or SYSTICK in self.nvic.active
        return unhandled and self._patience.lasts()

    def read(self, address: int, size: int) -> int:
        """Read *size* bytes of the private peripheral bus."""
        found = self._blocks.get(address & ~3)
        return found[0].read(address - found[1], size) if found else 0

    def write(self, address: int, size: int, value: int) -> None:
        """Write *size* bytes of the private peripheral bus."""
        found = self._blocks.get(address & ~3)
        if found:
            found[0].write(address - found[1], size, value)

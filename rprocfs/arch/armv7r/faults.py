"""The faults of an Armv7-R core, in the words of DFSR and IFSR (DDI 0406 B5.4, Cortex-R5 TRM)."""

from __future__ import annotations

from rprocfs.arch.armv7r.core import DATA_ABORT, PREFETCH_ABORT, UNDEFINED
from rprocfs.arch.armv7r.cp15 import DFAR, DFSR, IFAR, IFSR, SCTLR_M

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.arch.armv7r.cp15 import SystemControl
    from rprocfs.arch.armv7r.cpu import Cpu
    from rprocfs.arch.armv7r.exceptions import ExceptionModel
    from rprocfs.arch.armv7r.mpu import Regions

#: Fault statuses, and the bit that says that a write caused it.
BACKGROUND, ALIGNMENT, DEBUG_EVENT, EXTERNAL, PERMISSION = 0x0, 0x1, 0x2, 0x8, 0xD
WRITE = 1 << 11


class Faults:
    """Raises them in *model*; between two slices only."""

    def __init__(
        self, model: ExceptionModel, cpu: Cpu, system: SystemControl, regions: Regions
    ) -> None:
        self._model, self._cpu, self._system, self._regions = model, cpu, system, regions

    def undefined(self) -> None:
        """An instruction that there is not, or one of an FPU that is off."""
        self._model.fault(UNDEFINED, f"undefined instruction at {self._cpu.pc:#x}")

    def breakpoint(self) -> None:
        """BKPT, and no debugger."""
        self._prefetch(DEBUG_EVENT, f"breakpoint at {self._cpu.pc:#x}", UNDEFINED)

    def fetch(self, refused: bool) -> None:
        """Nothing can be executed where the core is: nothing is there, or it is *refused*."""
        pc, status = self._cpu.pc, EXTERNAL
        if refused:  # without the MPU by the default memory map
            status = self._status(pc) if self._system.sctlr & SCTLR_M else PERMISSION
        self._prefetch(status, f"prefetch abort: fetch from {pc:#x}")

    def no_memory(self, address: int, write: bool) -> None:
        """A load or store where nothing is."""
        self.data(EXTERNAL, address, write)

    def refused(self, address: int, write: bool) -> None:
        """A load or store that the MPU does not let through."""
        self.data(self._status(address), address, write)

    def unaligned(self, address: int, write: bool) -> None:
        """A load or store that is to be aligned."""
        self.data(ALIGNMENT, address, write)

    def _status(self, address: int) -> int:
        return PERMISSION if self._regions.hit(address) else BACKGROUND

    def _prefetch(self, status: int, cause: str, kind: int = PREFETCH_ABORT) -> None:
        self._system.abort(IFSR, status, IFAR, self._cpu.pc)
        self._model.fault(PREFETCH_ABORT, cause, kind)

    def data(self, status: int, address: int, write: bool) -> None:
        """A load or store that is refused with that *status*."""
        self._system.abort(DFSR, status | (WRITE if write else 0), DFAR, address)
        kind = "write to" if write else "read of"
        self._model.fault(DATA_ABORT, f"data abort: {kind} {address:#x}")

"""An Armv7-M core as a SoC integrates it: what the architecture leaves to the integrator."""

from __future__ import annotations

from rprocfs.arch.armv7m.features import GENERAL, M_PROFILE, target
from rprocfs.arch.core import FATAL_ERROR, MMUFAULT, CoreSpec, RegisterFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rprocfs.hw.registers import Peripheral

# CFSR bits of MemManage and BusFault: the remoteproc core calls them an mmufault.
MEMORY_FAULTS = 0xFFFF


class CortexM(CoreSpec):
    """*part* is ``cortex-m3``, ``cortex-m4`` or ``cortex-m7``; the latter two have an FPU.

    The NVIC has *irqs* inputs and *priority_bits* bits of priority, the MPU *mpu_regions*
    regions (0: there is none). The core runs at *cpu_hz*, SysTick's reference clock at
    *ref_hz*. *vectors* is where the vector table is after a reset, None: at the first
    segment of the image. *private* is what the integrator has put on the private peripheral bus:
    pairs of an address and what makes the model there.
    """

    architecture = "armv7m"
    #: Linux's ``elf_gregset_t`` for Arm has one word more than there are registers here.
    registers = RegisterFile(GENERAL, 18, target(M_PROFILE))

    def __init__(
        self,
        name: str,
        part: str = "",
        *,
        irqs: int,
        priority_bits: int,
        cpu_hz: int,
        ref_hz: int,
        mpu_regions: int = 0,
        vectors: int | None = None,
        private: Sequence[tuple[int, Callable[[], Peripheral]]] = (),
    ) -> None:
        super().__init__(name, part, irqs=irqs)
        self.priority_bits = priority_bits
        self.cpu_hz = cpu_hz
        self.ref_hz = ref_hz
        self.mpu_regions = mpu_regions
        self.vectors = vectors
        self.private = tuple(private)

    def reset_address(self, entry: int, loaded: Sequence[int]) -> int:
        """Where the vector table is: *vectors*, or the first of the addresses that are loaded."""
        if self.vectors is not None:
            return self.vectors
        return loaded[0] if loaded else entry

    def crash_type(self, status: int) -> str:
        """By CFSR: whether a MemManage fault or a BusFault is in it."""
        return MMUFAULT if status & MEMORY_FAULTS else FATAL_ERROR

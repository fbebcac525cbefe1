"""An Armv7-R core as a SoC integrates it: what the architecture leaves to the integrator."""

from __future__ import annotations

from rprocfs.arch.armv7m.features import feature, target
from rprocfs.arch.core import FATAL_ERROR, MMUFAULT, CoreSpec, RegisterFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    class InterruptController(Protocol):
        """What drives a core's nIRQ and nFIQ: registers by address, inputs by number."""

        @property
        def ranges(self) -> tuple[tuple[int, int], ...]:
            """(address, size) of its registers."""

        @property
        def irq(self) -> bool:
            """Whether it asks for an IRQ."""

        @property
        def fiq(self) -> bool:
            """Whether it asks for an FIQ."""

        def set_line(self, irq: int, level: bool) -> None:
            """The level of input *irq*."""

        def read(self, address: int, size: int) -> int:
            """A load of *size* bytes."""

        def write(self, address: int, size: int, value: int) -> None:
            """A store of *size* bytes."""


LOVEC, HIVEC = 0x0, 0xFFFF_0000
GENERAL = (*(f"r{number}" for number in range(13)), "sp", "lr", "pc", "cpsr")
#: What a debugger is told of them, in a coredump too.
CORE = feature("org.gnu.gdb.arm.core", [(name, 32, "") for name in GENERAL])
#: Statuses of a death: the vector of the exception that it died of.
UNDEFINED, SUPERVISOR, PREFETCH_ABORT, DATA_ABORT, IRQ, FIQ = 0x04, 0x08, 0x0C, 0x10, 0x18, 0x1C


class CortexR(CoreSpec):
    """*part* is ``cortex-r5f``. *controller* makes its interrupt controller for CPU *number* of a
    cluster; it has *irqs* inputs. The core runs at *cpu_hz*. An image whose entry point is not
    below *high* begins at the high vectors.
    """

    architecture = "armv7r"
    #: As of Armv7-M, ``elf_gregset_t`` has one word more.
    registers = RegisterFile(GENERAL, 18, target(CORE))

    def __init__(
        self,
        name: str,
        part: str = "cortex-r5f",
        *,
        irqs: int,
        cpu_hz: int,
        controller: Callable[[int], InterruptController],
        number: int = 0,
        high: int = HIVEC,
    ) -> None:
        super().__init__(name, part, irqs=irqs)
        self.cpu_hz = cpu_hz
        self.controller = controller
        self.number = number
        self.high = high

    def reset_address(self, entry: int, loaded: Sequence[int]) -> int:
        """The reset vector, which is not the entry point: LOVEC or HIVEC (VINITHI)."""
        del loaded
        return HIVEC if entry >= self.high else LOVEC

    def crash_type(self, status: int) -> str:
        """By the vector: an abort is one of memory."""
        return MMUFAULT if status in (PREFETCH_ABORT, DATA_ABORT) else FATAL_ERROR

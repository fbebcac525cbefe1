"""Says now and then where the core is, and what is on its stack.

It is asked behind every :data:`MEAN` instructions, about, however long the core sleeps in between:
a slice is cut so that it ends there. The distance varies, so that it does not go along with a
loop of the firmware.
"""

from __future__ import annotations

from rprocfs.engines.ring import SAMPLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from rprocfs.engines.ring import RingWriter
    from rprocfs.engines.unicorn.ram import WorkerRam

    class Sampled(Protocol):
        """A core's registers."""

        def registers(self) -> tuple[int, ...]:
            """The 17 of a sample."""

        @property
        def process_stack(self) -> int:
            """Where another stack than the one in use is, 0: there is none."""


MEAN = 40_000
#: Bytes of the stack in use, and of the process stack.
STACK, PROCESS_STACK = 1024, 512


class Sampler:
    """Writes :data:`SAMPLES` to *ring*."""

    def __init__(self, ring: RingWriter, cpu: Sampled, ram: WorkerRam) -> None:
        self._ring, self._cpu, self._ram = ring, cpu, ram
        self._state = 1
        self.left = MEAN

    def executed(self, instructions: int) -> None:
        """Behind a slice of about so many."""
        self.left -= instructions
        if self.left <= 0:
            self._sample()
            self._state = self._state * 1103515245 + 12345 & 0x7FFF_FFFF  # as in ISO C's rand()
            self.left = MEAN // 2 + (self._state >> 8) % MEAN

    def _sample(self) -> None:
        registers = self._cpu.registers()
        psp = self._cpu.process_stack
        stack, process = self._stack(registers[13], STACK), self._stack(psp, PROCESS_STACK)
        self._ring.put(*registers, psp, stack, process)

    def _stack(self, sp: int, size: int) -> bytes:
        """As much of it as there is."""
        return self._ram.code(sp, size) if sp else b""


assert SAMPLES.slot.size == 18 * 4 + STACK + PROCESS_STACK

"""The registers that the exception model works on, whatever executes the instructions."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object

#: CPSR.M (DDI 0406 B1.3.1).
USR, FIQ, IRQ, SVC, ABT, UND, SYS = 0x10, 0x11, 0x12, 0x13, 0x17, 0x1B, 0x1F
MODE = 0x1F
#: The other bits of CPSR.
THUMB, MASK_FIQ, MASK_IRQ, MASK_ABORT, ENDIAN = 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 9
JAZELLE, ITSTATE = 1 << 24, 0x0600_FC00


class Cpu(Protocol):
    """The core's registers. An engine implements them, banked as CPSR.M says."""

    @property
    def pc(self) -> int:
        """The address of the next instruction, without the Thumb bit."""

    @property
    def cpsr(self) -> int:
        """The program status."""

    def enter(self, cpsr: int, spsr: int, lr: int, pc: int) -> None:
        """Go on at *pc* with *cpsr*; SPSR and LR are those of its mode."""

    def reset(self, cpsr: int, pc: int) -> None:
        """Begin at *pc* with *cpsr*."""

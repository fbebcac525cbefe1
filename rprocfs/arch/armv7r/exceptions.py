"""What exceptions do to an Armv7-R core: entry (DDI 0406 B1.8, B1.9).

A return is an instruction like any other there, so an engine executes it. On entry the core
changes its mode, whose banked LR and SPSR say where it came from. Knows registers through a
:class:`~rprocfs.arch.armv7r.cpu.Cpu`.
"""

from __future__ import annotations

from rprocfs.arch.armv7r import cpu as bits
from rprocfs.arch.armv7r.core import (
    DATA_ABORT,
    FIQ,
    HIVEC,
    IRQ,
    LOVEC,
    PREFETCH_ABORT,
    SUPERVISOR,
    UNDEFINED,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.arch.armv7r.core import InterruptController
    from rprocfs.arch.armv7r.cp15 import SystemControl
    from rprocfs.arch.armv7r.cpu import Cpu

#: Vector -> its mode, what it masks besides IRQs, and what LR is ahead of the PC: of the
#: instruction itself, of the next one for SUPERVISOR, IRQ and FIQ; in ARM and Thumb state.
ENTRIES = {
    UNDEFINED: (bits.UND, 0, 4, 2),
    SUPERVISOR: (bits.SVC, 0, 0, 0),
    PREFETCH_ABORT: (bits.ABT, bits.MASK_ABORT, 4, 4),
    DATA_ABORT: (bits.ABT, bits.MASK_ABORT, 8, 8),
    IRQ: (bits.IRQ, bits.MASK_ABORT, 4, 4),
    FIQ: (bits.FIQ, bits.MASK_ABORT | bits.MASK_FIQ, 4, 4),
}
NAMES = {
    UNDEFINED: "undefined instruction", SUPERVISOR: "supervisor call",
    PREFETCH_ABORT: "prefetch abort", DATA_ABORT: "data abort",
}  # fmt: skip
FAULTS = (UNDEFINED, PREFETCH_ABORT, DATA_ABORT)


class Dead(Exception):
    """The core can do nothing any more: (cause, status for :meth:`CortexR.crash_type`)."""


class ExceptionModel:
    """Takes exceptions on *cpu*, as *controller* asks for.

    *fault* (vector, cause) is told of every fault that is about to be taken. *readable* says
    whether there is memory at an address: a vector without is the end (:class:`Dead`).
    """

    def __init__(
        self,
        cpu: Cpu,
        system: SystemControl,
        controller: InterruptController,
        readable: Callable[[int], bool],
        fault: Callable[[int, str], None] = lambda _vector, _cause: None,
    ) -> None:
        self._cpu, self._system, self._controller = cpu, system, controller
        self._readable, self._fault = readable, fault
        #: Told of each exception that is taken, by its vector.
        self.tell: Callable[[int], None] | None = None
        #: The last fault (status, cause), until an interrupt or a call is taken.
        self.faulted: tuple[int, str] | None = None

    def reset(self, high: bool) -> None:
        """Begin at the reset vector, in Supervisor mode with interrupts off. Dead: no memory."""
        self._system.reset(high)
        base = HIVEC if high else LOVEC
        if not self._readable(base):
            raise Dead(f"no memory at the reset vector {base:#x}", PREFETCH_ABORT)
        masks = bits.MASK_ABORT | bits.MASK_IRQ | bits.MASK_FIQ
        self._cpu.reset(bits.SVC | masks, base)

    @property
    def pending(self) -> bool:
        """Whether an interrupt waits, masked or not: it ends a WFI."""
        return self._controller.irq or self._controller.fiq

    def due(self) -> bool:
        """Whether an interrupt is to be taken now."""
        return bool(self._next())

    def take_pending(self) -> bool:
        """Take the interrupt that is due, if one is."""
        vector = self._next()
        if vector:
            self.enter(vector)
        return bool(vector)

    def _next(self) -> int:
        fiq, irq = self._controller.fiq, self._controller.irq
        if not (fiq or irq):
            return 0
        cpsr = self._cpu.cpsr
        if fiq and not cpsr & bits.MASK_FIQ:
            return FIQ
        return IRQ if irq and not cpsr & bits.MASK_IRQ else 0

    def fault(self, vector: int, cause: str, status: int = 0) -> None:
        """Take the exception *vector* for *cause*, its registers set already. Dead.

        *status* is what it is to be called if the core dies of it, unless that is *vector*.
        """
        status = status or vector
        self._fault(vector, cause)
        self.faulted = (status, cause)
        if not self._readable(self._system.vectors + vector):
            raise Dead(f"{cause}, and no memory at its vector", status)
        if vector == PREFETCH_ABORT and self._cpu.pc == self._system.vectors + vector:
            raise Dead(f"{cause}, at its vector", status)
        self.enter(vector)

    def enter(self, vector: int) -> None:
        """``EnterXxxMode()``: take the exception *vector*."""
        if vector not in FAULTS:
            self.faulted = None
        if self.tell is not None:
            self.tell(vector)
        mode, masks, arm, thumb = ENTRIES[vector]
        spsr, pc = self._cpu.cpsr, self._cpu.pc
        lr = pc + (thumb if spsr & bits.THUMB else arm) & 0xFFFF_FFFF
        cleared = bits.MODE | bits.THUMB | bits.ENDIAN | bits.JAZELLE | bits.ITSTATE
        vectors, state = self._system.entry()
        cpsr = spsr & ~cleared | mode | masks | bits.MASK_IRQ | state
        self._cpu.enter(cpsr, spsr, lr, vectors + vector)

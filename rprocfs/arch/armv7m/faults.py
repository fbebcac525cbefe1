"""The faults of an Armv7-M core: what Unicorn stopped for, in the architecture's words."""

from __future__ import annotations

from rprocfs.arch.armv7m import scb as bits
from rprocfs.arch.armv7m.nvic import BUSFAULT, MEMMANAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.arch.armv7m.cpu import Cpu
    from rprocfs.arch.armv7m.exceptions import ExceptionModel
    from rprocfs.arch.armv7m.scb import Scb


class Faults:
    """Raises them in *model*, with their status in *scb*; between two slices only."""

    def __init__(self, model: ExceptionModel, cpu: Cpu, scb: Scb) -> None:
        self._model, self._cpu, self._scb = model, cpu, scb

    def division(self) -> None:
        """By zero, trapped."""
        self._model.usage_fault(bits.DIVBYZERO, "division by zero")

    def fpu_off(self) -> None:
        """A floating point instruction without CPACR's leave."""
        self._model.usage_fault(bits.NOCP, "the fpu is off")

    def no_coprocessor(self) -> None:
        """An instruction of a coprocessor that there is not."""
        self._model.usage_fault(bits.NOCP, "no coprocessor")

    def undefined(self) -> None:
        """An instruction that there is not, or one that is not Thumb."""
        if self._cpu.thumb:
            self._model.usage_fault(bits.UNDEFINSTR, f"undefined instruction at {self._cpu.pc:#x}")
        else:
            self._model.usage_fault(bits.INVSTATE, f"not in Thumb state at {self._cpu.pc:#x}")

    def unaligned(self, pc: int) -> None:
        """The access of the instruction at *pc*: trapped, or an exclusive one."""
        self._cpu.pc = pc
        self._model.usage_fault(bits.UNALIGNED, "unaligned access")

    def fetch(self, refused: bool) -> None:
        """Nothing is where the core is, or the MPU or the default memory map has it *refused*."""
        pc = self._cpu.pc
        if refused:
            self._scb.cfsr |= bits.IACCVIOL
            self._model.raise_exception(MEMMANAGE, f"memory fault: fetch from {pc:#x}")
        else:
            self._scb.cfsr |= bits.IBUSERR
            self._model.raise_exception(BUSFAULT, f"bus fault: fetch from {pc:#x}")

    def data(self, pc: int, address: int, behind: int) -> None:
        """The access of the instruction at *pc* to *address*; the next one is *behind* it.

        CCR.BFHFNMIGN lets handlers of HardFault and NMI go on: a load loads nothing then.
        """
        self._scb.cfsr |= bits.PRECISERR | bits.BFARVALID
        self._scb.bfar = address
        if self._scb.ccr & bits.CCR_BFHFNMIGN and self._model.priority < 0:
            self._cpu.pc = behind
            return
        self._cpu.pc = pc
        self._model.raise_exception(BUSFAULT, f"bus fault at {address:#x}")

    def refused(self, pc: int, address: int) -> None:
        """The MPU does not let the instruction at *pc* access *address*."""
        self._scb.cfsr |= bits.DACCVIOL | bits.MMARVALID
        self._scb.mmfar = address
        self._cpu.pc = pc
        self._model.raise_exception(MEMMANAGE, f"memory fault at {address:#x}")

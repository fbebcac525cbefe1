"""A halted Armv7-R core in Unicorn, as a debugger sees it."""

from __future__ import annotations

from rprocfs.arch.armv7r import features
from rprocfs.engines.unicorn import libunicorn
from rprocfs.engines.unicorn.target import MemoryTarget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.engines.unicorn.armv7r.cpu import Cpu

PC, CPSR, D0, FPSCR, SPSR = (features.NAMES.index(n) for n in ("pc", "cpsr", "d0", "fpscr", "spsr"))
CP15 = tuple(features.CP15.values())


class CortexRTarget(MemoryTarget):
    """See :class:`rprocfs.engines.gdb.stub.Target`. *blocks* include the interrupt controller.

    Registers are those of the mode that the core is in.
    """

    description, sizes = features.DESCRIPTION, features.SIZES
    _cpu: Cpu

    def register(self, number: int) -> int | None:
        """The value of one."""
        if number <= PC:
            return self._cpu.register(number)
        if number == CPSR:
            return self._cpu.cpsr
        if number < FPSCR:
            return self.double(number - D0)
        if number == FPSCR:
            return self._uc.read(libunicorn.FPSCR)
        index = number - SPSR
        return self._cpu.system()[index] if number < len(self.sizes) else None

    def set_register(self, number: int, value: int) -> bool:
        """Set one."""
        if number >= len(self.sizes):
            return False
        if number == PC:
            self._cpu.pc = value
        elif number < PC:
            self._cpu.set_register(number, value)
        elif number == CPSR:
            self._cpu.set_cpsr(value)
        elif number < FPSCR:
            self.set_double(number - D0, value)
        elif number == FPSCR:
            self._uc.write(libunicorn.FPSCR, value)
        elif number == SPSR:
            self._cpu.spsr = value
        else:
            self._cpu.write_system(CP15[number - SPSR - 1], value)
            self._uc.flush()  # the MPU may be on or off now
        return True

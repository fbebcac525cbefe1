"""The registers of an Armv7-R core in Unicorn.

A write to CPSR that changes the mode changes the banked registers, too. Unicorn executes
exception returns by itself; it takes no exception.
"""

from __future__ import annotations

from ctypes import Structure, byref, c_uint32, c_uint64

from rprocfs.arch.armv7r.cp15 import SCTLR
from rprocfs.arch.armv7r.cpu import MODE, THUMB, USR
from rprocfs.arch.armv7r.features import CP15
from rprocfs.engines.unicorn import libunicorn
from rprocfs.engines.unicorn.libunicorn import RegisterSet, Unicorn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.arch.armv7r.cp15 import Key

CPSR, SPSR, CP_REG = 3, 13, 139


class CpReg(Structure):
    """``uc_arm_cp_reg``."""

    _fields_ = (
        ("cp", c_uint32), ("is64", c_uint32), ("sec", c_uint32), ("crn", c_uint32),
        ("crm", c_uint32), ("opc1", c_uint32), ("opc2", c_uint32), ("val", c_uint64),
    )  # fmt: skip


class Cpu:
    """The core's registers. Valid between two runs, and in hooks."""

    def __init__(self, unicorn: Unicorn) -> None:
        self._uc = unicorn
        numbers = (*libunicorn.GENERAL[:15], *range(libunicorn.S0, libunicorn.S0 + 32))
        self._all = RegisterSet(unicorn, numbers)
        self._state = RegisterSet(unicorn, (libunicorn.PC, CPSR))
        self._entry = RegisterSet(unicorn, (CPSR, SPSR, libunicorn.LR))
        self._system: dict[Key, CpReg] = {}

    @property
    def pc(self) -> int:
        """The address of the next instruction, without the Thumb bit."""
        return self._uc.read(libunicorn.PC)

    @pc.setter
    def pc(self, value: int) -> None:
        self._uc.write(libunicorn.PC, value | (1 if self.thumb else 0))

    @property
    def cpsr(self) -> int:
        """The program status."""
        return self._uc.read(CPSR)

    @property
    def thumb(self) -> bool:
        """Whether the core is in Thumb state."""
        return bool(self.cpsr & THUMB)

    @property
    def entry(self) -> int:
        """The PC, with bit 0 set in Thumb state."""
        pc, cpsr = self._state.read()
        return pc | 1 if cpsr & THUMB else pc

    @property
    def unprivileged(self) -> bool:
        """Whether the core is in User mode."""
        return self.cpsr & MODE == USR

    def register(self, number: int) -> int:
        """A general register, R0 to R15, by its number in an instruction."""
        return self._uc.read(libunicorn.GENERAL[number])

    def set_register(self, number: int, value: int) -> None:
        """Set it; 15 is for the flags, as MRC has it."""
        if number == 15:
            flags = 0xF000_0000
            self._uc.write(CPSR, self.cpsr & ~flags | value & flags)
        else:
            self._uc.write(libunicorn.GENERAL[number], value)

    def registers(self) -> tuple[int, ...]:
        """R0 to R15 and CPSR."""
        return (*map(self.register, range(16)), self.cpsr)

    @property
    def process_stack(self) -> int:
        """There is none that is known."""
        return 0

    def reset(self, cpsr: int, pc: int) -> None:
        """Begin at *pc* with *cpsr*."""
        self._uc.write(CPSR, cpsr)
        self.pc = pc

    def enter(self, cpsr: int, spsr: int, lr: int, pc: int) -> None:
        """Go on at *pc* with *cpsr*; SPSR and LR are those of its mode."""
        self._entry.write((cpsr, spsr, lr))
        # By itself: in a hook, Unicorn takes one of several that are written at once back.
        self._uc.write(libunicorn.PC, pc | 1 if cpsr & THUMB else pc)

    def save(self) -> tuple[list[int], int, int]:
        """All that an instruction may change."""
        return self._all.read(), self.cpsr, self.pc

    def restore(self, saved: tuple[list[int], int, int]) -> None:
        """As it was."""
        values, cpsr, pc = saved
        self._uc.write(CPSR, cpsr)
        self._all.write(values)
        self.pc = pc

    @property
    def spsr(self) -> int:
        """SPSR of the mode; that of no mode in User and System mode."""
        return self._uc.read(SPSR)

    @spsr.setter
    def spsr(self, value: int) -> None:
        self._uc.write(SPSR, value)

    def set_cpsr(self, value: int) -> None:
        """Set it, and with it the mode and its registers."""
        pc = self.pc
        self._uc.write(CPSR, value)
        self.pc = pc

    def system(self) -> tuple[int, ...]:
        """Those of :data:`rprocfs.arch.armv7r.features.SYSTEM`."""
        return (self.spsr, *map(self.read_system, CP15.values()))

    def read_system(self, key: Key) -> int:
        """A register of CP15."""
        register = self._system_register(key)
        self._uc.lib.uc_reg_read(self._uc.handle, CP_REG, byref(register))
        return int(register.val) & 0xFFFF_FFFF

    def write_system(self, key: Key, value: int) -> None:
        """Set it."""
        register = self._system_register(key)
        register.val = value
        self._uc.lib.uc_reg_write(self._uc.handle, CP_REG, byref(register))
        if key == SCTLR:
            self.set_cpsr(self.cpsr)  # what translated code depends on is worked out anew

    def _system_register(self, key: Key) -> CpReg:
        found = self._system.get(key)
        if found is None:
            opc1, crn, crm, opc2 = key
            found = self._system[key] = CpReg(15, 0, 0, crn, crm, opc1, opc2, 0)
        return found

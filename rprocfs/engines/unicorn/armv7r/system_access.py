"""MRC and MCR of the registers of CP15 that are kept here, and not by Unicorn."""

from __future__ import annotations

from rprocfs.arch.armv7m.conditions import passes
from rprocfs.engines.unicorn.armv7r import instructions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.arch.armv7r.cp15 import SystemControl
    from rprocfs.engines.unicorn.armv7r.cpu import Cpu
    from rprocfs.engines.unicorn.ram import WorkerRam


def access_system(cpu: Cpu, system: SystemControl, ram: WorkerRam) -> bool:
    """Execute the instruction at the PC; False: it is none of a register of *system*."""
    thumb = cpu.thumb
    word = next((one[2] for one in instructions.decode(ram.code(cpu.pc, 4), thumb)), 0)
    access = instructions.system_access(word, thumb)
    if access is None or not system.takes(*access[:2]):
        return False
    key, reads, register = access
    if passes(word >> 28, cpu.cpsr):
        if reads:
            cpu.set_register(register, system.read(key))
        else:
            system.write(key, cpu.register(register))
    cpu.pc += 4
    return True

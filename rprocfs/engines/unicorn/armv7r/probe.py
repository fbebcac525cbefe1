"""Which access the MPU refused: Unicorn does not say it, so the instruction is executed without.

What it stored is undone, and so is what it did to the registers.
"""

from __future__ import annotations

from rprocfs.arch.armv7r.cp15 import SCTLR, SCTLR_M
from rprocfs.engines.unicorn import libunicorn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.arch.armv7r.cp15 import SystemControl
    from rprocfs.engines.unicorn.armv7r.cpu import Cpu
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ram import WorkerRam


class Probe:
    """Looks at instructions of *cpu*; *runs* while it does."""

    def __init__(self, unicorn: Unicorn, cpu: Cpu, ram: WorkerRam, system: SystemControl) -> None:
        self._uc, self._cpu, self._ram, self._system = unicorn, cpu, ram, system
        self._found: list[tuple[int, bool]] = []
        self._undo: list[tuple[int, bytes]] = []
        self.runs = False

    def refused(self) -> tuple[int, bool]:
        """Address, and whether it is written to; the PC if the instruction has no access."""
        cpu, pc = self._cpu, self._cpu.pc
        saved, sctlr = cpu.save(), self._system.sctlr
        hook = self._uc.hook(libunicorn.HOOK_MEM_ACCESS, self._on_access)
        cpu.write_system(SCTLR, sctlr & ~SCTLR_M)
        self._uc.flush()
        self._found.clear()
        self.runs = True
        self._uc.run(cpu.entry, 1)
        self.runs = False
        for address, before in reversed(self._undo):
            self._ram.put(address, before)
        self._undo.clear()
        self._uc.unhook(hook)
        cpu.write_system(SCTLR, sctlr)
        self._uc.flush()
        cpu.restore(saved)
        return self._found[0] if self._found else (pc, False)

    def accesses(self, address: int, write: bool) -> None:
        """In a hook: the instruction accesses *address*; the first one counts."""
        self._found.append((address, write))

    def _on_access(self, _uc: int, kind: int, address: int, size: int, *_: int) -> bool:
        write = kind in libunicorn.MEM_WRITES
        self.accesses(address, write)
        if write:
            self._undo.append((address, self._ram.code(address, size)))
        return True

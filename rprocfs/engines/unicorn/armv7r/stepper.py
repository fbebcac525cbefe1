"""An Armv7-R core by single instructions, and its breakpoints: what a debugger asks for."""

from __future__ import annotations

from rprocfs.engines.unicorn.runner import Runner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.arch.armv7r.faults import Faults
    from rprocfs.engines.unicorn.armv7r.cpu import Cpu
    from rprocfs.engines.unicorn.armv7r.sites import Sites


class Stepper(Runner):
    """A core that can also be executed by single instructions."""

    _cpu: Cpu
    _faults: Faults
    _sites: Sites
    _bkpt = -1  # where one halted the core, for a debugger

    # For a debugger: see rprocfs.engines.unicorn.debugger.Core

    @property
    def breaks(self) -> set[int]:
        """Where breakpoints are."""
        return self._sites.breaks

    @property
    def in_it_block(self) -> bool:
        """Unicorn executes an IT block as one."""
        return False

    def step(self) -> None:
        """Execute one instruction, or an IT block, and take no interrupt."""
        pc = self.pc
        if self._pass_breakpoint():
            return
        self._stepping = True
        try:
            # Unicorn counts instructions of code only that it translates while it counts.
            self._uc.forget(pc, pc + 4)
            self._sites.stopped = False
            self._slice(1, self._now())
            if self._sites.stopped and self.pc == pc:  # in front of the instruction
                self._slice(1, self._now())
        finally:
            self._stepping = False

    def jump(self, address: int) -> None:
        """Go on at *address*."""
        self._cpu.pc = address

    def proceed(self) -> None:
        """Behind a BKPT."""
        self._pass_breakpoint()

    def _pass_breakpoint(self) -> bool:
        """Go on behind the BKPT that halted the core."""
        passed = self._bkpt == self.pc
        if passed:
            self._cpu.pc += 2 if self._cpu.thumb else 4
        self._bkpt = -1
        return passed

    def _breakpoint(self) -> None:
        if self.debugger is not None and self.debugger.attached:
            self._bkpt = self.pc
            self.debugger.at_breakpoint()
        self._faults.breakpoint()

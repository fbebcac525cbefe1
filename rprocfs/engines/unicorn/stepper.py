"""An Armv7-M core by single instructions: what an IT block, an address or a debugger asks for.

Inside an IT block Unicorn neither stops nor traps, so a block with an instruction that may trap is
executed here, each of its instructions by itself.
"""

from __future__ import annotations

from rprocfs.arch.armv7m import conditions
from rprocfs.engines.unicorn.accesses import Accesses
from rprocfs.engines.unicorn.instructions import divides, instructions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.engines.unicorn.alignment import Alignment


class Stepper(Accesses):
    """A core that can also be executed by single instructions."""

    _alignment: Alignment
    _bkpt = -1  # where one halted the core, for a debugger

    def after(self) -> None:
        """What was found is to be trapped from now on."""
        if self._sites.pending:
            self._sites.update()
        if self._alignment.block is not None:
            self._translate_aligned()

    def _translate_aligned(self) -> None:
        """The block in front of which the run has ended, for aligned addresses."""
        block, self._alignment.block = self._alignment.block, None
        if block is not None:
            self._uc.forget(block, block + 2)
        if block == self._cpu.pc and self._event is None:
            with self._alignment.strictly(), self._slices.empty():
                self._execute(2)

    def _execute(self, count: int) -> None:
        if count == 1 and self._alignment.single(self._cpu.pc):
            self._uc.forget(self._cpu.pc, self._cpu.pc + 2)
            with self._alignment.strictly():
                super()._execute(1)
        else:
            super()._execute(count)

    def reached(self) -> int:
        """An instruction with a fault counts as executed, one that is to be executed anew does not.

        One that ended its block was executed, whatever comes of it.
        """
        pc = self._cpu.pc
        again = self._event is None or self._event == self._step_conditional
        return pc if again else self._behind(pc)

    # For a debugger

    @property
    def breaks(self) -> set[int]:
        """Where breakpoints are."""
        return self._sites.breaks

    @property
    def in_it_block(self) -> bool:
        """In a hook: whether the instruction is one of an IT block, executed by itself."""
        return self._sites.stepping

    def step(self) -> None:
        """Execute one instruction: see :class:`~rprocfs.engines.unicorn.debugger.Core`."""
        pc = self._cpu.pc
        if self._pass_breakpoint():
            return
        self._stepping = True
        try:
            state = conditions.from_xpsr(self._cpu.xpsr)
            instruction = next(instructions(self._ram.code(pc, 4)), (0, 0, -1))
            if state:
                self._step_block(pc, state, 1)
            elif conditions.is_it(instruction[1]):
                self._cpu.pc = pc + 2
                self._cpu.set_itstate(instruction[1] & 0xFF)
            else:
                self._step_alone(pc)
        finally:
            self._stepping = False

    def _step_alone(self, pc: int) -> None:
        """Unicorn counts instructions of code only that it translates while it counts."""
        self._uc.forget(pc, pc + 4)
        self._sites.stopped = False
        self._slice(1, self._now())
        if self._sites.stopped and self._cpu.pc == pc:  # in front of the instruction
            self._slice(1, self._now())

    def jump(self, address: int) -> None:
        """Go on at *address*, in no IT block."""
        self._cpu.pc = address
        self._cpu.set_itstate(0)

    def proceed(self) -> None:
        """Behind a BKPT, and with the rest of an IT block."""
        self._pass_breakpoint()
        state = conditions.from_xpsr(self._cpu.xpsr)
        if state:
            self._step_block(self._cpu.pc, state)

    def _halt(self) -> None:
        assert self.debugger is not None, "breakpoints are a debugger's"
        self.debugger.at_breakpoint()

    def _pass_breakpoint(self) -> bool:
        """Go on behind the BKPT that halted the core."""
        passed = self._bkpt == self._cpu.pc
        if passed:
            self._cpu.pc += 2
        self._bkpt = -1
        return passed

    def _step_conditional(self) -> None:
        """Execute the IT block at the PC by single instructions, up to the first that traps."""
        pc = self._cpu.pc
        self._step_block(pc + 2, self._ram.code(pc, 1)[0])

    def _step_block(self, begin: int, state: int, count: int = 4) -> None:
        """The rest of an IT block, which is at *begin*, with ITSTATE as given; or *count* of it."""
        cpu = self._cpu
        block = list(self._sites.block(begin, conditions.length(state)))
        for pc, first, second in block[:count]:
            cpu.pc = pc
            if pc in self._sites.breaks and not self._stepping:
                cpu.set_itstate(state)
                self._halt()
            if conditions.passes(state >> 4, cpu.xpsr):
                self._step(first, second)
                if self._event is not None:
                    state = state if cpu.pc == pc else conditions.advance(state)
                    cpu.set_itstate(state)
                    event, self._event = self._event, None
                    event()
                    return
            else:
                cpu.pc = pc + (2 if second < 0 else 4)
            state = conditions.advance(state)
        if state:
            cpu.set_itstate(state)

    def _step(self, first: int, second: int) -> None:
        """Execute the instruction at the PC, as one of an IT block: it sets no flags."""
        if not self._sites.traps(first, second):
            trap = None
        elif divides(first, second):
            trap = None if self._divisor(second) else self._faults.division
        else:
            trap = self._faults.fpu_off
        if trap is not None:
            self._event = trap
            return
        self._sites.stepping = True
        self._cpu.set_itstate(conditions.ALWAYS_LAST)
        self._execute(1)
        self._cut = None  # inside an IT block Unicorn does not stop, so the access is complete
        self._cpu.set_itstate(0)
        self._sites.stepping = False

    def _on_divide(self, address: int) -> None:
        if self._divisor(self._ram.code(address + 2, 1)[0]) == 0:
            self._event = self._faults.division
            self._uc.stop()

    def _divisor(self, second: int) -> int:
        return self._cpu.register(second & 15)

    def _on_conditional(self, address: int) -> None:
        state = self._ram.code(address, 1)[0]
        (_, first, second), *more = self._sites.block(address + 2, conditions.length(state))
        usual = not more and divides(first, second)  # if (b) a / b
        if usual and not (
            self._divisor(second) == 0 and conditions.passes(state >> 4, self._cpu.xpsr)
        ):
            return
        self._event = self._step_conditional
        self._uc.stop()

"""What exceptions do to an Armv7-M core: entry, return, faults (Armv7-M ARM B1.5).

Knows registers through a :class:`~rprocfs.arch.armv7m.cpu.Cpu` and stacks through
functions that load and store words, so no instruction needs to be executed to test it.
The registers of the FPU are stacked at once, also where FPCCR.LSPEN asks for laziness: a
handler finds them where FPCAR says, earlier than it could expect. FPCCR.LSPACT is set until
it uses the FPU all the same. Without FPCCR.ASPEN they are not stacked. Words that the MPU refuses
are left where laziness would not have stored them yet.
"""

from __future__ import annotations

from rprocfs.arch.armv7m import scb as bits
from rprocfs.arch.armv7m.cpu import FPCA, IPSR_MASK, NPRIV, SPSEL, THUMB
from rprocfs.arch.armv7m.nvic import (
    BUSFAULT,
    HARDFAULT,
    LOCKUP,
    MEMMANAGE,
    NMI,
    SVCALL,
    USAGEFAULT,
)
from rprocfs.arch.armv7m.stacks import BusError, Refused, Stacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rprocfs.arch.armv7m.cpu import Cpu
    from rprocfs.arch.armv7m.scs import SystemControlSpace

HANDLER, THREAD_MSP, THREAD_PSP = 0xFFFF_FFF1, 0xFFFF_FFF9, 0xFFFF_FFFD
NO_FP = 0x10  # EXC_RETURN: the frame is the basic one
BASIC, EXTENDED, FP_WORDS = 0x20, 0x68, 17
TAKEN, LEFT = 0, 1
ALIGNED = 1 << 9  # in the stacked xPSR: four bytes were skipped


class Lockup(Exception):
    """The core gave up: a fault inside the handling of a fault."""


class ExceptionModel:
    """Takes exceptions on *cpu*, as the NVIC of *scs* decides.

    *load* (address, count) and *store* (address, words) access memory and raise
    :class:`BusError`. *fault* (exception number, cause) is told of every fault that is about
    to be taken, with its status in *scs*. Every method leaves the core ready to go on, or raises
    :class:`Lockup`.
    """

    def __init__(
        self,
        cpu: Cpu,
        scs: SystemControlSpace,
        load: Callable[[int, int], Sequence[int]],
        store: Callable[[int, Sequence[int]], None],
        fault: Callable[[int, str], None] = lambda _number, _cause: None,
    ) -> None:
        self._fault = fault
        self._cpu, self._nvic, self._scb, self._mpu = cpu, scs.nvic, scs.scb, scs.mpu
        self._load, self._stacks = load, Stacks(scs.mpu, load, store)
        self.event = False  # WFE's event register
        self.resumed = 0  # the xPSR that the last return gave back
        #: Told of each exception that is TAKEN and LEFT, by its number.
        self.tell: Callable[[int, int], None] | None = None
        scs.scb.floats = lambda: bool(cpu.control & FPCA)

    def reset(self) -> None:
        """Take SP and PC from the vector table."""
        try:
            sp, pc = self._load(self._scb.vtor, 2)
        except BusError:
            raise Lockup("vector fetch") from None
        self._cpu.reset(sp, pc)
        self._check_state(pc & 1)

    def take_pending(self) -> bool:
        """Take the exception that is due, if one is."""
        if not self._nvic.pending:
            return False
        number = self._nvic.takeable(*self._cpu.masks())
        if number:
            self._enter(number)
        return bool(number)

    def due(self) -> bool:
        """Whether an exception is to be taken now."""
        nvic = self._nvic
        if not nvic.pending or not nvic.takeable():
            return False
        return nvic.takeable(*self._cpu.masks()) != 0

    @property
    def priority(self) -> int:
        """The execution priority."""
        return self._nvic.execution_priority(*self._cpu.masks())

    def wakes(self) -> bool:
        """Whether WFI ends: PRIMASK does not count."""
        if not self._nvic.pending:
            return False
        _, basepri, faultmask = self._cpu.masks()
        return self._nvic.takeable(0, basepri, faultmask) != 0

    def raise_exception(self, number: int, cause: str) -> None:
        """Take the synchronous exception *number* now, or what it escalates to."""
        taken = self._nvic.escalate(number, *self._cpu.masks())
        if taken == LOCKUP:
            raise Lockup(cause)
        if taken == HARDFAULT and number != HARDFAULT:
            self._scb.hfsr |= bits.HFSR_FORCED
        if number != SVCALL:
            self._fault(taken, cause)
        self._enter(taken)

    def usage_fault(self, bit: int, cause: str) -> None:
        """A UsageFault for the reason *bit* of CFSR."""
        self._scb.cfsr |= bit
        self.raise_exception(USAGEFAULT, cause)

    def breakpoint(self) -> None:
        """BKPT, and no debugger: a HardFault."""
        self._scb.hfsr |= bits.HFSR_DEBUGEVT
        self._scb.dfsr |= bits.DFSR_BKPT
        self.raise_exception(HARDFAULT, "breakpoint")

    def _enter(self, number: int) -> None:
        """``ExceptionEntry()``: registers on the stack, and on with the handler."""
        cpu, scb = self._cpu, self._scb
        frame, sp, control = cpu.frame()
        in_handler = frame[7] & IPSR_MASK != 0
        with_fp = bool(control & FPCA & ~self._kept)
        sp -= EXTENDED if with_fp else BASIC
        skipped = sp & 4 if scb.ccr & bits.CCR_STKALIGN else 0
        frame[7] = frame[7] & ~ALIGNED | (ALIGNED if skipped else 0)
        sp -= skipped
        lr = HANDLER if in_handler else THREAD_PSP if control & SPSEL else THREAD_MSP
        privileged = in_handler or not control & NPRIV
        try:
            self._stacks.push(sp, frame, privileged)
            if with_fp:
                self._push_fp(sp + BASIC, privileged)
        except (BusError, Refused) as error:
            number = self._derived(number, self._stacking(error, bits.STKERR, bits.MSTKERR))
        self._vector(number, lr & ~NO_FP if with_fp else lr, sp & 0xFFFF_FFFF, (control, frame[7]))

    def _push_fp(self, sp: int, privileged: bool) -> None:
        lazy = self._scb.fpccr & bits.FPCCR_LSPEN
        try:
            self._stacks.push(sp, self._cpu.fp_frame(), privileged)
        except Refused:
            if not lazy:
                raise
        if lazy:
            self._scb.fpcar = sp
            self._scb.fpccr |= bits.FPCCR_LSPACT

    def _stacking(self, error: Exception, bus: int, refused: int) -> int:
        """The fault of an access to a stack, whose bit of CFSR is *bus* or *refused*."""
        self._scb.cfsr |= refused if isinstance(error, Refused) else bus
        return MEMMANAGE if isinstance(error, Refused) else BUSFAULT

    @property
    def _kept(self) -> int:
        """FPCA, where no exception has to do with it.

        Unicorn sets it without FPCCR.ASPEN, too. If it was cleared, the next instruction of
        the FPU would be one of a new context, which clears FPSCR.
        """
        return 0 if self._scb.fpccr & bits.FPCCR_ASPEN else FPCA

    def _derived(self, number: int, fault: int) -> int:
        """A *fault* while *number* was being taken: what is taken instead, if anything."""
        nvic = self._nvic
        fault = nvic.escalate(fault, *self._cpu.masks())
        if fault == LOCKUP or (fault == number == HARDFAULT):
            raise Lockup("stacking")
        if fault == HARDFAULT:
            self._scb.hfsr |= bits.HFSR_FORCED
        first = min(fault, number, key=lambda n: (nvic.priorities[n], n))
        nvic.pend(fault if first == number else number)
        return first

    def _vector(
        self, number: int, lr: int, sp: int | None = None, mode: tuple[int, int] | None = None
    ) -> None:
        """Go on with the handler of *number*; the stack is as it must be, but for its pointer.

        *mode*: CONTROL and xPSR, if they are known.
        """
        try:
            (pc,) = self._load(self._scb.vtor + 4 * number, 1)
        except BusError:
            if sp is not None:
                self._cpu.sp = sp
            self._scb.hfsr |= bits.HFSR_VECTTBL
            if number == HARDFAULT or self._nvic.execution_priority() <= -1:
                raise Lockup("vector fetch") from None
            self._nvic.pend(number)
            self._vector(HARDFAULT, lr)
            return
        self._nvic.activate(number)
        if number in (NMI, HARDFAULT):
            self._mpu.negative = True
        if self.tell is not None:
            self.tell(number, TAKEN)
        self._cpu.enter_handler(number, lr, pc, self._kept, sp, mode)
        self.event = True
        if not pc & 1:
            self._check_state(0)

    def _check_state(self, thumb: int) -> None:
        if not thumb:
            self.usage_fault(bits.INVSTATE, "not in Thumb state")

    def exception_return(self, value: int) -> bool:
        """``ExceptionReturn()`` by the EXC_RETURN *value*. True: back in Thread mode."""
        cpu, nvic = self._cpu, self._nvic
        xpsr, control, faultmask, *stacks = cpu.handler()
        self.resumed = 0
        number = xpsr & IPSR_MASK
        legal = self._legal(value, number)
        nvic.deactivate(number)
        if self.tell is not None:
            self.tell(number, LEFT)
        if faultmask and number != NMI:
            cpu.clear_faultmask()
        if self._mpu.negative:
            self._mpu.negative = self.priority < 0
        if not legal:
            self._bad_return(value)
            return False
        self.event = True
        self._scb.settle()
        tail = nvic.takeable(*cpu.masks()) if nvic.pending else 0
        if tail:
            self._vector(tail, value)
            return False
        sp = stacks[value | NO_FP == THREAD_PSP]
        return self._unstack(value, sp, control)

    def _legal(self, value: int, number: int) -> bool:
        kind = value | NO_FP
        if kind not in (HANDLER, THREAD_MSP, THREAD_PSP) or number not in self._nvic.active:
            return False
        if not value & NO_FP and not self._scb.fpu:
            return False
        return (kind == HANDLER) == (len(self._nvic.active) > 1)

    def _bad_return(self, value: int) -> None:
        """EXC_RETURN makes no sense: a UsageFault, tail-chained."""
        self._scb.cfsr |= bits.INVPC
        taken = self._nvic.escalate(USAGEFAULT, *self._cpu.masks())
        if taken == LOCKUP:
            raise Lockup("illegal exception return")
        if taken == HARDFAULT:
            self._scb.hfsr |= bits.HFSR_FORCED
        self._vector(taken, value)

    def _unstack(self, value: int, sp: int, control: int) -> bool:
        cpu, scb = self._cpu, self._scb
        kind, with_fp = value | NO_FP, not value & NO_FP
        privileged = kind == HANDLER or not control & NPRIV
        try:
            frame = self._stacks.pop(sp, 8, privileged)
            if with_fp:
                self._pop_fp(sp + BASIC, privileged)
        except (BusError, Refused) as error:
            fault = self._stacking(error, bits.UNSTKERR, bits.MUNSTKERR)
            self._vector(self._derived_from_return(fault), value)
            return False
        control = control & NPRIV | (FPCA if with_fp else control & self._kept)
        if with_fp or kind != HANDLER:
            scb.fpccr &= ~bits.FPCCR_LSPACT
        skipped = 4 if frame[7] & ALIGNED and scb.ccr & bits.CCR_STKALIGN else 0
        sp = sp + (EXTENDED if with_fp else BASIC) + skipped & 0xFFFF_FFFF
        frame[7] &= ~ALIGNED
        self.resumed = frame[7]
        if kind == HANDLER:
            cpu.back_to_handler(sp, control, frame)
        else:
            frame[7] &= ~IPSR_MASK
            cpu.enter_thread(sp, control | (SPSEL if kind == THREAD_PSP else 0), frame)
        if not frame[7] & THUMB:
            self._check_state(0)
        return kind != HANDLER

    def _pop_fp(self, sp: int, privileged: bool) -> None:
        """The registers of the FPU, which still are in it if none of the handlers has used it."""
        try:
            self._cpu.load_fp(self._stacks.pop(sp, FP_WORDS, privileged))
        except Refused:
            if not self._scb.fpccr & bits.FPCCR_LSPACT:
                raise

    def _derived_from_return(self, fault: int) -> int:
        fault = self._nvic.escalate(fault, *self._cpu.masks())
        if fault == LOCKUP:
            raise Lockup("unstacking")
        if fault == HARDFAULT:
            self._scb.hfsr |= bits.HFSR_FORCED
        return fault

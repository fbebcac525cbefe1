"""One Armv7-M core in Unicorn: what ends a slice (:mod:`.runner`), and what happens then.

What an instruction causes (a fault) ends the slice at once. SVC, an exception return, an
instruction that unmasks an exception that waits (:mod:`.sites`), and behind its block of
translated code an access that makes one pending (a store to the NVIC), do not: the hook sends
the core elsewhere, and Unicorn goes on there. They do end it while something looks on that needs
to see where runs end (coverage, samples, a debugger), in an IT block, and where instructions are
counted.

A store that changes what is to be trapped ends a slice at once, and so does, where instructions
are counted, every access that makes an exception pending.
"""

from __future__ import annotations

from functools import partial

from rprocfs.arch.armv7m import conditions
from rprocfs.arch.armv7m import scb as bits
from rprocfs.arch.armv7m.exceptions import ExceptionModel, Lockup
from rprocfs.arch.armv7m.faults import Faults
from rprocfs.arch.armv7m.mpu import EXECUTE
from rprocfs.arch.armv7m.nvic import SVCALL
from rprocfs.arch.armv7m.scs import PPB, PPB_SIZE
from rprocfs.engines.unicorn import libunicorn, ports, semihosting
from rprocfs.engines.unicorn.alignment import Alignment, base
from rprocfs.engines.unicorn.bus import apart
from rprocfs.engines.unicorn.closed_memory import ClosedMemory
from rprocfs.engines.unicorn.pages import Pages
from rprocfs.engines.unicorn.protection import Protection
from rprocfs.engines.unicorn.refusals import Refusals
from rprocfs.engines.unicorn.sampler import Sampler
from rprocfs.engines.unicorn.sites import Sites
from rprocfs.engines.unicorn.spin_watch import SpinWatch
from rprocfs.engines.unicorn.stepper import Stepper
from rprocfs.hw.clock import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.arch.armv7m.scs import SystemControlSpace
    from rprocfs.engines.unicorn.bus import Bus
    from rprocfs.engines.unicorn.cpu import Cpu
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.probes import Probes
    from rprocfs.engines.unicorn.ram import WorkerRam

WFE_SECONDS = 0.01  # SEV cannot be seen, so WFE never sleeps for longer
WFE, SEV = b"\x20\xbf", b"\x40\xbf"
UNKNOWN = (
    "this Unicorn is another one than 2.1: the MPU refuses whole KiB only, and unaligned accesses"
    " are not trapped; pip install 'unicorn<2.2'"
)
SVC, PREFETCH_ABORT, DATA_ABORT, BKPT, EXCEPTION_EXIT, NOCP = 2, 3, 4, 7, 8, 17


class Core(Stepper):
    """Runs *unicorn* with *bus* around it, until a
    :class:`~rprocfs.arch.armv7m.exceptions.Lockup` or what ends a :class:`.runner.Runner`.
    *fault* is told of every fault (exception number, cause), *info* gets lines for people."""

    def __init__(
        self,
        unicorn: Unicorn,
        cpu: Cpu,
        ram: WorkerRam,
        scs: SystemControlSpace,
        bus: Bus,
        sockets: tuple[ports.Socket, ...],
        now: Callable[[], int],
        fault: Callable[[int, str], None],
        info: Callable[[str], None],
    ) -> None:
        self._cpu, self._ram, self._scs, self._bus = cpu, ram, scs, bus
        closed = ClosedMemory(ram, bus.peripherals.violated)
        self._model = ExceptionModel(cpu, scs, closed.load, closed.store, fault)
        self._faults = Faults(self._model, cpu, scs.scb)
        spins = SpinWatch(cpu, lambda: self._model.priority, info)
        super().__init__(unicorn, bus, sockets, now, spins)
        self._pc = 0
        pages = Pages(unicorn, cpu, ram, self._on_refused)
        protection = Protection(unicorn, cpu, scs.mpu, pages, closed)
        self._alignment = Alignment(protection.state, ram, scs.scb)
        if protection.state is None:
            info(UNKNOWN)
        self._sites = Sites(
            unicorn, self._slices, ram, scs.scb, self._take_if_due, self._stop_if_due,
            self._on_faultmask, self._on_divide, self._on_float, self._on_conditional,
            self._on_wide, self._alignment,
        )  # fmt: skip
        self._slices.ended = self._took
        for da, size in apart(bus.peripherals.ranges, bus.peripherals.apart):
            unicorn.map_registers(da, size, self._read, self._write)
        bus.peripherals.refuse, bus.peripherals.close = unicorn.refuse, closed.close
        unicorn.map_registers(PPB, PPB_SIZE, self._read_private, self._write_private)
        unicorn.hook(libunicorn.HOOK_INTR, self._on_interrupt)
        unicorn.hook(libunicorn.HOOK_INSN_INVALID, self._on_invalid)
        unicorn.hook_outside(libunicorn.HOOK_MEM_INVALID, self._on_bad_access)
        self._refusals = Refusals(
            self, protection, closed, self._alignment, unicorn, cpu, ram, self._faults, self._again,
            self._behind,
        )  # fmt: skip

    # See Runner.

    @property
    def pc(self) -> int:
        """Without the Thumb bit."""
        return self._cpu.pc

    @property
    def entry(self) -> int:
        """Always in Thumb state."""
        return self._cpu.pc | 1

    def begin(self) -> None:
        """SP and PC from the vector table."""
        self._model.reset()

    def take_pending(self) -> None:
        """By the NVIC."""
        self._model.take_pending()

    def wakes(self) -> bool:
        """PRIMASK does not count."""
        return self._model.wakes()

    def before(self) -> None:
        """A trap is not to be missed, nor a pending exception."""
        self._sites.begin()
        self._slices.pending(bool(self._scs.nvic.pending))

    def record(self, probes: Probes) -> None:
        """Exceptions and samples, too."""
        super().record(probes)
        if (events := probes.events) is not None:
            self._model.tell = lambda number, what: events.put(self._now(), number, what)
        if probes.samples is not None:
            self._sampler = Sampler(probes.samples, self._cpu, self._ram)
            self._slices.least = 0

    def waited(self) -> bool:
        """A WFI."""
        return self._sites.waited(self._cpu.pc)

    # Sleeping

    def _wait_for_event(self) -> None:
        if self._model.event or self._stepping:
            self._model.event = False
            return
        on_pend = self._scs.scb.scr & bits.SCR_SEVONPEND
        pending = set(self._scs.nvic.pending)
        end = self._now() + int(WFE_SECONDS * SECOND)
        while self._now() < end and not self._model.wakes():
            if on_pend and not self._scs.nvic.pending <= pending:
                return
            tick = self._until_tick()
            left = max(0, end - self._now()) / SECOND
            self._look_around(left if tick is None else min(tick, left))

    # What instructions cause; called while Unicorn runs, so only to take note of it

    def _stop_if_due(self) -> None:
        if self._model.due() and not self._stepping:
            self._slices.stop()

    def _take_if_due(self) -> None:
        if not self._inside:
            self._stop_if_due()
        else:
            self._took()

    def _took(self) -> bool:
        """Take the exception that is due, in translated code. Whether one was."""
        took = self._inside and self._event is None and self._change(self._model.take_pending)
        if took:
            self._cpu.divert()
        return took

    def _change(self, how: Callable[[], bool]) -> bool:
        """Have the model send the core elsewhere, while Unicorn runs."""
        try:
            return how()
        except Lockup as death:
            self._end_with(partial(self._die, death))
            return False
        finally:
            self._slices.pending(bool(self._scs.nvic.pending))

    def _end_with(self, event: Callable[[], None]) -> None:
        """End the run in front of the next block: a stop is lost if the PC was written."""
        self._event = event
        self._slices.stop()

    @staticmethod
    def _die(death: Lockup) -> None:
        raise death

    def _on_faultmask(self) -> None:
        self._scs.mpu.negative = self._model.priority < 0

    def _on_wide(self, address: int) -> None:
        """In front of an instruction that was not translated for an aligned address."""
        if self._cpu.register(base(*self._alignment.at(address))) & 3:
            self._event = partial(self._faults.unaligned, address)
            self._uc.stop()

    def _on_float(self, address: int) -> None:
        self._event = self._faults.fpu_off
        self._uc.stop()

    def _on_interrupt(self, _uc: int, number: int, _data: int) -> None:
        if self._inside and self._event is None:
            if number == EXCEPTION_EXIT and self._slices.room:
                self._change(self._return_inside)
                return
            if number == SVC:
                self._change(self._call_inside)
                return
        handlers: dict[int, Callable[[], None]] = {
            SVC: self._call,
            BKPT: self._breakpoint,
            EXCEPTION_EXIT: self._return_outside,
            NOCP: self._faults.no_coprocessor,
            PREFETCH_ABORT: self._refusals.fetch,
        }
        if number == DATA_ABORT:
            handlers[number] = self._refusals.abort()
        self._event = handlers.get(number) or (lambda: self._unknown(number))
        self._uc.stop()

    def _unknown(self, number: int) -> None:
        raise libunicorn.UnicornError(f"unicorn interrupt {number} at {self._cpu.pc:#x}")

    def _on_invalid(self, _uc: int, _data: int) -> bool:
        # WFE and YIELD come here too, but leave the syndrome alone.
        hint = self._uc.read(libunicorn.SYNDROME) == libunicorn.NO_SYNDROME
        self._event = self._hint if hint else self._faults.undefined
        return False

    def _on_bad_access(
        self, _uc: int, kind: int, address: int, _size: int, _value: int, _data: int
    ) -> bool:
        if kind in libunicorn.MEM_FETCHES:
            allowed = self._scs.mpu.allowed(address, not self._cpu.unprivileged)
            if self._event is None:  # the run was not to end here anyway
                self._event = partial(self._faults.fetch, not allowed & EXECUTE)
        else:
            self._pc = self._cpu.pc
            self._event = lambda: self._faults.data(self._pc, address, self._behind(self._pc))
        return False

    def _on_refused(self, kind: int, page: int) -> None:
        if self._event is not None:  # the run was to end here anyway
            return
        if kind in libunicorn.MEM_FETCHES:
            self._event = self._refusals.fetch
        else:
            self._event = partial(self._refusals.of_page, page)

    # What follows, between two slices; a call and a return also while Unicorn runs.

    def _again(self) -> Callable[[], None] | None:
        """Execute the instruction at the PC: what is to follow, if it is not as it should be."""
        self._execute(1)
        event, self._event = self._event, None
        return event

    def _call(self) -> None:
        self._model.raise_exception(SVCALL, "supervisor call")

    def _call_inside(self) -> bool:
        self._call()
        self._uc.write(libunicorn.SYNDROME, libunicorn.NO_SYNDROME)
        return True

    def _return(self) -> tuple[bool, Callable[[], None] | None]:
        """Return from an exception: whether to a thread, and what else has to happen."""
        # Unicorn splits the value into an address and the Thumb bit.
        thread = self._model.exception_return(self._cpu.pc | 1)
        sleeps = thread and bool(self._scs.scb.scr & bits.SCR_SLEEPONEXIT)
        more = sleeps or self._model.resumed & conditions.ITSTATE_MASK
        return thread, partial(self._returned, sleeps) if more else None

    def _return_inside(self) -> bool:
        _, event = self._return()
        if event is not None:
            self._end_with(event)
        return True

    def _return_outside(self) -> None:
        self._resumed, event = self._return()
        if event is not None:
            event()

    def _returned(self, sleeps: bool) -> None:
        if sleeps:
            self._sleep()
        state = conditions.from_xpsr(self._cpu.xpsr)
        if state:
            self._step_block(self._cpu.pc, state)

    def _hint(self) -> None:
        done = self._ram.code(self._cpu.pc - 4, 4)
        if done[2:] == WFE and done[:2] != SEV:
            self._wait_for_event()

    def _breakpoint(self) -> None:
        pc = self._cpu.pc
        if self._ram.code(pc, 2) != semihosting.BKPT:
            if self.debugger is not None and self.debugger.attached:
                self._bkpt = pc
                self.debugger.at_breakpoint()
            self._model.breakpoint()
            return
        semihosting.call(self._cpu.register(0), self._cpu.register(1), self._ram.load)
        self._cpu.pc = pc + 2

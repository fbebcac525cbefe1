"""One Armv7-R core in Unicorn: what ends a slice (:mod:`..runner`), and what happens then.

What an instruction causes (a fault, SVC) ends the slice at once. An access that makes an
interrupt due, and an instruction that unmasks one, do not: behind its block of translated code
the hook has the core take the interrupt, and Unicorn goes on there. They do end it, behind that
block, while something looks on that needs to see where runs end (coverage, samples, a debugger).
"""

from __future__ import annotations

from rprocfs.arch.armv7m.conditions import passes
from rprocfs.arch.armv7r.core import HIVEC, SUPERVISOR
from rprocfs.arch.armv7r.cp15 import SCTLR_DZ
from rprocfs.arch.armv7r.cpu import MASK_IRQ
from rprocfs.arch.armv7r.exceptions import Dead, ExceptionModel
from rprocfs.arch.armv7r.faults import Faults
from rprocfs.arch.armv7r.mpu import Regions
from rprocfs.engines.unicorn import libunicorn, ports
from rprocfs.engines.unicorn.armv7r import instructions
from rprocfs.engines.unicorn.armv7r.aborts import Aborts
from rprocfs.engines.unicorn.armv7r.events import Events
from rprocfs.engines.unicorn.armv7r.probe import Probe
from rprocfs.engines.unicorn.armv7r.sites import Sites
from rprocfs.engines.unicorn.armv7r.stepper import Stepper
from rprocfs.engines.unicorn.armv7r.system_access import access_system
from rprocfs.engines.unicorn.pages import PAGE
from rprocfs.engines.unicorn.sampler import Sampler
from rprocfs.engines.unicorn.spin_watch import SpinWatch
from rprocfs.hw.clock import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.arch.armv7r.core import InterruptController
    from rprocfs.arch.armv7r.cp15 import SystemControl
    from rprocfs.engines.unicorn.armv7r.cpu import Cpu
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.probes import Probes
    from rprocfs.engines.unicorn.ram import WorkerRam
    from rprocfs.hw.peripherals import Peripherals

SVC, PREFETCH, DATA, BKPT = 2, 3, 4, 7  # Unicorn's numbers
WFE_NS = 1_000_000  # SEV cannot be seen, so WFE never sleeps for longer


class Core(Stepper):
    """Runs *unicorn*, until :class:`~rprocfs.arch.armv7r.exceptions.Dead` or what ends a
    :class:`..runner.Runner`. *high*: begin at the high vectors. *fault* is told of every
    fault (vector, cause), *info* gets lines for people."""

    def __init__(
        self,
        unicorn: Unicorn,
        cpu: Cpu,
        ram: WorkerRam,
        system: SystemControl,
        controller: InterruptController,
        peripherals: Peripherals,
        sockets: tuple[ports.Socket, ...],
        now: Callable[[], int],
        address: int,
        fault: Callable[[int, str], None],
        info: Callable[[str], None],
    ) -> None:
        spins = SpinWatch(cpu, lambda: int(not cpu.cpsr & MASK_IRQ), info)
        super().__init__(unicorn, peripherals, sockets, now, spins)
        self._cpu, self._ram, self._system, self._address = cpu, ram, system, address
        self._controller, self._peripherals = controller, peripherals
        self._model = ExceptionModel(
            cpu, system, controller, lambda da: len(ram.code(da, 4)) == 4, fault
        )
        regions = Regions(cpu)
        self._faults = Faults(self._model, cpu, system, regions)
        self._probe = Probe(unicorn, cpu, ram, system)
        self._aborts = Aborts(
            unicorn, cpu, ram, system, self._faults, regions, self._look, self._again
        )
        self._sites = Sites(
            unicorn, self._slices, ram, cpu, system, self._end_if_pending, self._on_access,
            self._on_divide,
        )  # fmt: skip
        self._slices.ended = self._took
        system.divisions, system.invalidated = unicorn.flush, self._invalidated
        for blocks in (peripherals, controller):
            for da, size in blocks.ranges:
                unicorn.map_registers(da, size, self._reader(blocks), self._writer(blocks))
        unicorn.hook(libunicorn.HOOK_INTR, self._on_interrupt)
        unicorn.hook(libunicorn.HOOK_INSN_INVALID, self._on_invalid)
        unicorn.hook(libunicorn.HOOK_MEM_INVALID, self._on_bad_access)

    # See Runner.

    @property
    def pc(self) -> int:
        """Without the Thumb bit."""
        return self._cpu.pc

    @property
    def entry(self) -> int:
        """With the Thumb bit."""
        return self._cpu.entry

    def begin(self) -> None:
        """At the reset vector."""
        self._model.reset(self._address == HIVEC)

    def take_pending(self) -> None:
        """By the interrupt controller."""
        self._model.take_pending()

    def wakes(self) -> bool:
        """CPSR.I and CPSR.F do not count."""
        return self._model.pending

    def before(self) -> None:
        """A pending interrupt is not to be missed."""
        self._sites.begin()
        self._slices.pending(self._model.pending)

    def after(self) -> None:
        """What was found is hooked from now on."""
        if self._sites.pending:
            self._sites.update()

    def record(self, probes: Probes) -> None:
        """Exceptions and samples, too."""
        super().record(probes)
        if probes.events is not None:
            events = Events(probes.events, self._now)
            self._model.tell = events.taken
            self._sites.record(events.left)
        if probes.samples is not None:
            self._sampler = Sampler(probes.samples, self._cpu, self._ram)
            self._slices.least = 0

    def reached(self) -> int:
        """An instruction with a fault counts as executed."""
        pc = self._cpu.pc
        if self._event is None or self._event == self._undefined:
            return pc
        word = next(instructions.decode(self._ram.code(pc, 4), self._cpu.thumb), None)
        return pc if word is None else pc + word[1]

    def waited(self) -> bool:
        """A WFI."""
        return self._sites.waited(self._cpu.pc)

    def _look_around(self, seconds: float | None) -> None:
        super()._look_around(seconds)
        if self._model.faulted is not None and seconds == 0:
            self._look_for_the_end(*self._model.faulted)

    def _look_for_the_end(self, vector: int, cause: str) -> None:
        """A fault's handler that spins with interrupts off is the end of most firmware."""
        cpu, thumb = self._cpu, self._cpu.thumb
        for _, size, word in instructions.decode(self._ram.code(cpu.pc, 4), thumb):
            if instructions.spins(word, size, thumb) and cpu.cpsr & MASK_IRQ:
                raise Dead(f"{cause}, its handler spins at {cpu.pc:#x}", vector)
            return

    # What instructions cause; called while Unicorn runs, so only to take note of it

    def _reader(self, blocks: Peripherals | InterruptController) -> Callable[[int, int], int]:
        def read(address: int, size: int) -> int:
            if self._probe.runs:
                return 0
            if self._replay is not None and self._replayed(address):
                return self._played
            self._slices.accessed()
            value = blocks.read(address, size)
            self._end_if_due(address, value)
            return value

        return read

    def _writer(self, blocks: Peripherals | InterruptController) -> Callable[..., None]:
        def write(address: int, size: int, value: int) -> None:
            if self._probe.runs or (self._replay is not None and self._replayed(address)):
                return
            self._slices.accessed()
            blocks.write(address, size, value)
            self._end_if_due(address, value)

        return write

    def _end_if_due(self, address: int, value: int) -> None:
        """End the slice, if an interrupt is to be taken: the access may have made it due."""
        pending = self._model.pending
        self._slices.pending(pending)
        if pending and self._model.due() and self._slices.end():
            self._cut = self._cpu.pc, address, value

    def _end_if_pending(self) -> None:
        """In front of an instruction that may unmask: let the slice end behind it."""
        if self._model.pending and self._event is None and self._slices.end():
            self._event = lambda: self._execute(1)

    def _took(self) -> bool:
        """Take the interrupt that is due, in translated code. Whether one was."""
        took = self._inside and self._event is None and self._model.take_pending()
        if took:
            self._slices.pending(self._model.pending)
        return took

    def _on_access(self) -> None:
        if self._event is None:
            self._event = self._undefined
            self._uc.stop()

    def _on_divide(self, address: int) -> None:
        """In front of an SDIV or UDIV."""
        thumb = self._cpu.thumb
        _, size, word = next(instructions.decode(self._ram.code(address, 4), thumb))
        executed = thumb or passes(word >> 28, self._cpu.cpsr)
        if not executed or not self._system.sctlr & SCTLR_DZ or self._event is not None:
            return
        if self._cpu.register(instructions.divides(word, size, thumb)) == 0:
            self._event = self._faults.undefined
            self._uc.stop()

    def _on_interrupt(self, _uc: int, number: int, _data: int) -> None:
        handlers = {
            SVC: lambda: self._model.enter(SUPERVISOR),
            PREFETCH: lambda: self._faults.fetch(refused=True),
            BKPT: self._breakpoint,
        }
        if number == DATA:
            handlers[number] = self._aborts.abort()
        self._event = handlers.get(number) or (lambda: self._unknown(number))
        self._uc.stop()

    def _unknown(self, number: int) -> None:
        raise libunicorn.UnicornError(f"unicorn interrupt {number} at {self.pc:#x}")

    def _on_invalid(self, _uc: int, _data: int) -> bool:
        # WFE and YIELD come here too, but leave the syndrome alone.
        hint = self._uc.read(libunicorn.SYNDROME) == libunicorn.NO_SYNDROME
        self._event = self._hint if hint else self._undefined
        return False

    def _on_bad_access(
        self, _uc: int, kind: int, address: int, _size: int, _value: int, _data: int
    ) -> bool:
        if self._probe.runs:  # neither the MPU nor any memory wants it
            self._probe.accesses(address, kind in libunicorn.MEM_WRITES)
            return False
        if kind in libunicorn.MEM_FETCHES:
            self._event = lambda: self._faults.fetch(refused=False)
        else:
            pc, write = self._cpu.pc, kind in libunicorn.MEM_WRITES
            self._event = lambda: self._no_memory(pc, address, write)
        return False

    # What follows, between two slices

    def _no_memory(self, pc: int, address: int, write: bool) -> None:
        self._cpu.pc = pc
        self._faults.no_memory(address, write)

    def _undefined(self) -> None:
        """What Unicorn does not know, or answers wrongly, may be a register of CP15."""
        if self._cpu.unprivileged or not access_system(self._cpu, self._system, self._ram):
            self._faults.undefined()

    def _invalidated(self, begin: int, end: int) -> None:
        """A DMA, another core or the host may have written code, which Unicorn does not see."""
        if end - begin > PAGE:
            self._uc.flush()
        else:
            self._uc.forget(begin, end)

    def _look(self) -> tuple[int, bool]:
        """What the instruction at the PC accesses."""
        found = self._probe.refused()
        self._event = None
        return found

    def _again(self) -> Callable[[], None] | None:
        """Execute the instruction at the PC: what is to follow, if it is not as it should be."""
        self._execute(1)
        event, self._event = self._event, None
        return event

    def _hint(self) -> None:
        if instructions.was_wfe(self._ram.code, self._cpu.pc, self._cpu.thumb):
            self._wait_for_event()

    def _wait_for_event(self) -> None:
        if self._stepping:
            return
        end = self._now() + WFE_NS
        while (left := end - self._now()) > 0 and not self._model.pending:
            tick = self._until_tick()
            self._look_around(left / SECOND if tick is None else min(tick, left / SECOND))

"""What loads and stores of an Armv7-M core do that are not to memory."""

from __future__ import annotations

from functools import partial

from rprocfs.engines.unicorn.instructions import instructions
from rprocfs.engines.unicorn.runner import Runner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.arch.armv7m.exceptions import ExceptionModel
    from rprocfs.arch.armv7m.faults import Faults
    from rprocfs.arch.armv7m.scs import SystemControlSpace
    from rprocfs.engines.unicorn.bus import Bus
    from rprocfs.engines.unicorn.cpu import Cpu
    from rprocfs.engines.unicorn.ram import WorkerRam
    from rprocfs.engines.unicorn.sites import Sites


class Accesses(Runner):
    """A :class:`.runner.Runner` of a core whose accesses to peripherals, and to those of its
    own, are made while Unicorn runs."""

    _cpu: Cpu
    _ram: WorkerRam
    _scs: SystemControlSpace
    _bus: Bus
    _model: ExceptionModel
    _faults: Faults
    _sites: Sites

    def _read(self, address: int, size: int) -> int:
        if self._replay is not None and self._replayed(address):
            return self._played
        self._slices.accessed()
        value = self._bus.peripherals.read(address, size)
        if self._scs.nvic.pending:
            self._end_if_due(address, value)
        return value

    def _write(self, address: int, size: int, value: int) -> None:
        if self._replay is not None and self._replayed(address):
            return
        self._slices.accessed()
        self._bus.peripherals.write(address, size, value)
        if self._scs.nvic.pending:
            self._end_if_due(address, value)

    def _read_private(self, address: int, size: int) -> int:
        if self._refuses(address):
            return 0
        if self._replay is not None and self._replayed(address):
            return self._played
        self._slices.accessed()
        value = self._scs.read(address, size)
        self._end_if_due(address, value)
        return value

    def _write_private(self, address: int, size: int, value: int) -> None:
        if self._refuses(address):
            return
        if self._replay is not None and self._replayed(address):
            return
        self._slices.accessed()
        self._scs.write(address, size, value)
        if self._sites.pending:
            self._slices.stop()
            self._cut = self._cpu.pc, address, value
        else:
            self._end_if_due(address, value)

    def _refuses(self, address: int) -> bool:
        if not self._cpu.unprivileged:
            return False
        self._event = partial(self._no_access, address)  # the PC is only known behind the run
        self._uc.stop()
        return True

    def _no_access(self, address: int) -> None:
        pc = self._cpu.pc
        self._faults.data(pc, address, self._behind(pc))

    def _end_if_due(self, address: int, value: int) -> None:
        """End the slice, if an exception is to be taken: the access may have made it pending."""
        self._slices.pending(bool(self._scs.nvic.pending))
        if self._model.due() and self._slices.end():
            self._cut = self._cpu.pc, address, value

    def _behind(self, pc: int) -> int:
        """The address of the instruction behind that at *pc*."""
        wide = next(instructions(self._ram.code(pc, 4)), (0, 0, -1))[2] >= 0
        return pc + (4 if wide else 2)

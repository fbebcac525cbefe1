"""What a load or store that Unicorn's core refused is to end with: a Data Abort, as a rule."""

from __future__ import annotations

from functools import partial

from rprocfs.arch.armv7r.cp15 import SCTLR, SCTLR_M
from rprocfs.arch.armv7r.faults import ALIGNMENT
from rprocfs.engines.unicorn.armv7r import instructions
from rprocfs.engines.unicorn.pages import PAGE
from rprocfs.engines.unicorn.state import LastAbort, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.arch.armv7r.cp15 import SystemControl
    from rprocfs.arch.armv7r.faults import Faults
    from rprocfs.arch.armv7r.mpu import Regions
    from rprocfs.engines.unicorn.armv7r.cpu import Cpu
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ram import WorkerRam


class Aborts:
    """Raises them in *faults*; *look* is :meth:`.probe.Probe.refused`. *again* executes one
    instruction, and returns what it ended with."""

    def __init__(
        self,
        unicorn: Unicorn,
        cpu: Cpu,
        ram: WorkerRam,
        system: SystemControl,
        faults: Faults,
        regions: Regions,
        look: Callable[[], tuple[int, bool]],
        again: Callable[[], Callable[[], None] | None],
    ) -> None:
        self._uc, self._cpu, self._ram, self._system = unicorn, cpu, ram, system
        self._faults, self._regions, self._look, self._again = faults, regions, look, again
        try:
            self._last: LastAbort | None = LastAbort(unicorn)
        except Unknown:
            self._last = None

    def abort(self) -> Callable[[], None]:
        """In a hook: what is to follow, between two slices."""
        if self._last is None:
            return self._refused
        status, address, store = self._last.fault()
        if store and address % PAGE == 0 and status != ALIGNMENT:
            return partial(self._store, status, address)
        return partial(self._faults.data, status, address, store)

    def _refused(self) -> None:
        """The MPU refused an access, and this Unicorn does not say which."""
        self._faults.refused(*self._look())

    def _store(self, status: int, page: int) -> None:
        """Of an unaligned one Unicorn also says that it is to the first address of the *page*."""
        address, _ = self._look()
        if not page < address < page + PAGE:
            self._faults.data(status, page, True)
        elif not self._regions.stores(address, not self._user):
            self._faults.refused(address, True)
        else:
            self._without_mpu()

    @property
    def _user(self) -> bool:
        """Whether the instruction at the PC accesses memory as one of user mode."""
        cpu, thumb = self._cpu, self._cpu.thumb
        code = self._ram.code(cpu.pc, 4)
        return cpu.unprivileged or any(
            instructions.unprivileged(word, size, thumb)
            for offset, size, word in instructions.decode(code, thumb)
            if offset == 0
        )

    def _without_mpu(self) -> None:
        """Execute one instruction as if the MPU were off."""
        sctlr = self._system.sctlr
        self._cpu.write_system(SCTLR, sctlr & ~SCTLR_M)
        self._uc.flush()
        event = self._again()
        self._cpu.write_system(SCTLR, sctlr)
        self._uc.flush()
        if event is not None:
            event()

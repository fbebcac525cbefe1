"""Finds the instructions of :mod:`.instructions` as code is translated.

A hook on one of them costs nothing elsewhere. In front of an instruction that may unmask an
interrupt which waits, the slice is made to end behind it. CP15's registers that Unicorn lacks,
or has other values of, are accessed between two slices, and SCTLR is stored to there. Divisions
have hooks while SCTLR.DZ is set.
"""

from __future__ import annotations

from rprocfs.arch.armv7m.conditions import passes
from rprocfs.arch.armv7r.cp15 import SCTLR_DZ
from rprocfs.engines.unicorn import libunicorn
from rprocfs.engines.unicorn.armv7r import instructions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rprocfs.arch.armv7r.cp15 import SystemControl
    from rprocfs.engines.unicorn.armv7r.cpu import Cpu
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ram import WorkerRam
    from rprocfs.engines.unicorn.slices import Counted

UNMASK, WFI, SYSTEM, RETURN, DIVIDE = "unmask", "wfi", "system", "return", "divide"


class Sites:
    """Finds them in *ram*. *unmasks* is called in front of an instruction that may unmask an
    interrupt, *access* in front of one that accesses a register of *system*, *divide* (address)
    in front of one that divides, if that may trap."""

    def __init__(
        self,
        unicorn: Unicorn,
        slices: Counted,
        ram: WorkerRam,
        cpu: Cpu,
        system: SystemControl,
        unmasks: Callable[[], None],
        access: Callable[[], None],
        divide: Callable[[int], None],
    ) -> None:
        self._uc, self._slices, self._ram, self._cpu = unicorn, slices, ram, cpu
        self._system = system
        self._found: set[tuple[str, int]] = set()
        self._hooked: set[tuple[str, int]] = set()
        self._behind: dict[int, tuple[int, int]] = {}  # a WFI: the address behind it, condition
        #: Whether a run was stopped for what was found, in front of it.
        self.stopped = False
        self.breaks: set[int] = set()  # a debugger's
        self._waiting = -1  # where the core goes on, if it executed a WFI
        self._callbacks = {
            UNMASK: slices.unmasked(unmasks),
            WFI: (libunicorn.CODE(lambda _uc, address, *_: self._waits(address)), None),
            SYSTEM: (libunicorn.CODE(lambda *_: access()), None),
            DIVIDE: (libunicorn.CODE(lambda _uc, address, *_: divide(address)), None),
        }
        self._records = False
        unicorn.hook(libunicorn.HOOK_EDGE, self._translated)

    def record(self, left: Callable[[], None]) -> None:
        """In front of all runs: call *left* in front of each return from an exception."""
        self._records = True
        self._callbacks[RETURN] = libunicorn.CODE(lambda *_: left()), None

    def begin(self) -> None:
        """In front of a run."""
        self._waiting = -1

    def waited(self, pc: int) -> bool:
        """After a run that ended at *pc*, by no hook: whether by the WFI in front of it."""
        return self._waiting == pc

    def _waits(self, address: int) -> None:
        behind, condition = self._behind[address]
        if passes(condition, self._cpu.cpsr):
            self._waiting = behind

    def update(self) -> None:
        """Between two runs: set the hooks that are needed."""
        for purpose, address in self._found:
            callback, data = self._callbacks[purpose]
            self._uc.add_hook(libunicorn.HOOK_CODE, callback, address, address, data)
            self._uc.forget(address, address + 2)
        self._hooked |= self._found
        self._found.clear()

    @property
    def pending(self) -> bool:
        """Whether :meth:`update` has something to do."""
        return bool(self._found)

    def _translated(self, _uc: int, block: int, _previous: int, _data: int) -> None:
        address, _, size = libunicorn.block(block)
        found = set(self._interesting(address, self._ram.code(address, size), self._cpu.thumb))
        found -= self._hooked
        if found:
            self._found |= found
            self.stopped = True
            self._slices.stop()

    def _interesting(self, begin: int, code: bytes, thumb: bool) -> Iterator[tuple[str, int]]:
        trapped = self._system.sctlr & SCTLR_DZ
        conditional = 0  # instructions of an IT block that are left: Unicorn does not stop there
        for offset, size, word in instructions.decode(code, thumb):
            address = begin + offset
            if thumb and instructions.is_it(word):
                conditional = instructions.it_length(word)
            elif conditional:
                conditional -= 1
            elif instructions.waits(word, size, thumb):
                condition = instructions.ALWAYS if thumb else word >> 28
                self._behind[address] = address + size, condition
                yield WFI, address
            elif instructions.unmasks(word, size, thumb):
                yield UNMASK, address
                if self._records and instructions.returns(word, size, thumb):
                    yield RETURN, address
            elif size == 4:
                access = instructions.system_access(word, thumb)
                if access is not None and self._system.takes(*access[:2]):
                    yield SYSTEM, address
                if trapped and instructions.divides(word, size, thumb) >= 0:
                    yield DIVIDE, address

"""Which address it was that the MPU of an Armv7-M core refused."""

from __future__ import annotations

from functools import partial

from rprocfs.arch.armv7m.mpu import WRITE
from rprocfs.engines.unicorn.pages import unprivileged
from rprocfs.engines.unicorn.state import ALIGNMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from rprocfs.arch.armv7m.faults import Faults
    from rprocfs.engines.unicorn.alignment import Alignment
    from rprocfs.engines.unicorn.cpu import Cpu
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.protection import Protection
    from rprocfs.engines.unicorn.ram import WorkerRam

    class Core(Protocol):
        """What executes instructions."""

        def step(self) -> None:
            """Execute one."""

        def proceed(self) -> None:
            """Execute the rest of an IT block."""


def stores_halfword(code: bytes) -> bool:
    """Whether *code* begins with STRH, as opposed to STR."""
    first = int.from_bytes(code[:2], "little")
    return first & 0xF800 == 0x8000 or first & 0xFE00 == 0x5200 or first & 0xFF70 == 0xF820


class Refusals:
    """Raises them in *faults*, between two runs; *again* executes one instruction, and returns
    what it ended with."""

    def __init__(
        self,
        core: Core,
        protection: Protection,
        alignment: Alignment,
        unicorn: Unicorn,
        cpu: Cpu,
        ram: WorkerRam,
        faults: Faults,
        again: Callable[[], Callable[[], None] | None],
    ) -> None:
        self._core, self._protection, self._cpu, self._ram = core, protection, cpu, ram
        self._alignment, self._uc = alignment, unicorn
        self._faults, self._again = faults, again
        self._address = 0  # that was refused last

    def of_page(self, page: int) -> None:
        """A load or store that a *page* does not allow: do it again, to be told its address."""
        if self._protection.state is None:
            self._faults.refused(self._cpu.pc, page)
            return
        with self._protection.alone(page):
            event = self._again()
        if event is not None:
            event()

    def abort(self) -> Callable[[], None]:
        """In a hook: what a load or store that Unicorn's core refused is to end with."""
        pc, state = self._cpu.pc, self._protection.state
        status, address = (ALIGNMENT, 0) if state is None else state.fault()
        self._address = address
        if status == ALIGNMENT:
            return partial(self._unaligned, pc)
        if self._protection.mistaken(address):
            return partial(self._store, pc, address)
        return partial(self._faults.refused, pc, address)

    def _unaligned(self, pc: int) -> None:
        if self._alignment.needed(pc):
            self._faults.unaligned(pc)
        else:
            self._uc.forget(pc, pc + 2)
            self._core.proceed()

    def _store(self, pc: int, page: int) -> None:
        """Of an unaligned one Unicorn says that it is to the first address of the *page*."""
        protection, code = self._protection, self._ram.code(pc, 4)
        with protection.alone(page, 0):
            self._again()
        address = self._address
        privileged = not (self._cpu.unprivileged or unprivileged(code))
        refused = protection.refused(address, 2 if stores_halfword(code) else 4, WRITE, privileged)
        if refused is not None:
            self._faults.refused(pc, refused)
            return
        with protection.off():
            self._core.step()
        self._core.proceed()

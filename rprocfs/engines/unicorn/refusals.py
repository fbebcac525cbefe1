"""Which address it was that the MPU of an Armv7-M core refused, or its bus."""

from __future__ import annotations

from functools import partial

from rprocfs.arch.armv7m.mpu import EXECUTE, READ, WRITE
from rprocfs.engines.unicorn.pages import unprivileged
from rprocfs.engines.unicorn.state import ALIGNMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from rprocfs.arch.armv7m.faults import Faults
    from rprocfs.engines.unicorn.alignment import Alignment
    from rprocfs.engines.unicorn.closed_memory import ClosedMemory
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
    what it ended with, *behind* is the address behind that at one."""

    def __init__(
        self,
        core: Core,
        protection: Protection,
        closed: ClosedMemory,
        alignment: Alignment,
        unicorn: Unicorn,
        cpu: Cpu,
        ram: WorkerRam,
        faults: Faults,
        again: Callable[[], Callable[[], None] | None],
        behind: Callable[[int], int],
    ) -> None:
        self._core, self._protection, self._cpu, self._ram = core, protection, cpu, ram
        self._alignment, self._uc, self._closed = alignment, unicorn, closed
        self._faults, self._again, self._behind = faults, again, behind
        self._address = 0  # that was refused last

    def of_page(self, page: int) -> None:
        """A load or store that a *page* does not allow: do it again, to be told its address."""
        if self._protection.state is None:
            kind = READ if self._closed.allowed(page) & WRITE else WRITE
            if self._closed.refused(page, 1, kind) is not None:
                self._faults.data(self._cpu.pc, page, self._behind(self._cpu.pc))
            else:
                self._faults.refused(self._cpu.pc, page)
            return
        with self._protection.alone(page):
            event = self._again()
        if event is not None:
            event()

    def abort(self) -> Callable[[], None]:
        """In a hook: what a load or store that Unicorn's core refused is to end with."""
        pc, state = self._cpu.pc, self._protection.state
        status, address, store = (ALIGNMENT, 0, False) if state is None else state.fault()
        self._address = address
        if status == ALIGNMENT:
            return partial(self._unaligned, pc)
        if store and self._protection.mistaken(address):
            return partial(self._store, pc, address)
        if self._closed:
            return partial(self._judge, pc, address, 1, WRITE if store else READ)
        return partial(self._faults.refused, pc, address)

    def fetch(self) -> None:
        """The instruction at the PC cannot be fetched, or what is behind its first halfword."""
        pc, privileged = self._cpu.pc, not self._cpu.unprivileged
        for address in (pc, pc + 2) if self._closed else ():
            if self._protection.refused(address, 1, EXECUTE, privileged) is not None:
                break
            if self._closed.refused(address, 2, READ) is not None:
                self._faults.fetch(refused=False)
                return
        else:
            if self._closed:
                self._without()
                return
        self._faults.fetch(refused=True)

    def _judge(self, pc: int, address: int, size: int, access: int) -> None:
        """What refuses it, if anything does that has to."""
        code = self._ram.code(pc, 4)
        privileged = not (self._cpu.unprivileged or unprivileged(code))
        refused = self._protection.refused(address, size, access, privileged)
        if refused is not None:
            self._faults.refused(pc, refused)
            return
        closed = self._closed.refused(address, size, access)
        if closed is not None:
            self._faults.data(pc, closed, self._behind(pc))
        else:
            self._without()

    def _without(self) -> None:
        """Execute the instruction as if all were allowed."""
        with self._protection.off():
            self._core.step()
        self._core.proceed()

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
        self._judge(pc, self._address, 2 if stores_halfword(code) else 4, WRITE)

"""Which pages hold code: only stores to these are looked at.

Code that was translated has to be forgotten when it is written over, so Unicorn calls a helper
for every store to a page that could be executed. By its own tables of an Armv7-M core that is
all of the RAM, and a loop that stores words takes six times as long. So it gets its tables from
here: a page may be executed from the moment on at which an instruction is fetched from it, or code
of it is translated, and for ever.

When a load or store misses the tables, Unicorn sets the state of the core to what it is in front
of that instruction, and goes on behind it: what is not set by the translated code has to be
put right. That is ITSTATE, which it sets behind a block, and the syndrome of :mod:`.runner`.

Unicorn also calls the helper wherever a hook on bad accesses could be meant: these are set
around the memory (:meth:`.libunicorn.Unicorn.hook_outside`).

An MPU that is on may say what the pages allow (:mod:`.protection`).
"""

from __future__ import annotations

import struct

from rprocfs.arch.armv7m.conditions import ITSTATE_MASK
from rprocfs.arch.armv7m.mpu import default
from rprocfs.engines.unicorn import libunicorn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rprocfs.engines.unicorn.cpu import Cpu
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ram import WorkerRam

DATA, CODE = libunicorn.PROT_READ | libunicorn.PROT_WRITE, libunicorn.PROT_ALL


#: Unicorn's pages on these cores.
PAGE = 1024
NEEDED = {
    libunicorn.MEM_READ: libunicorn.PROT_READ,
    libunicorn.MEM_WRITE: libunicorn.PROT_WRITE,
    libunicorn.MEM_FETCH: libunicorn.PROT_EXEC,
}


def unprivileged(code: bytes) -> bool:
    """Whether *code* begins with LDRT, STRT or one of those of bytes and halfwords."""
    if len(code) < 4:
        return False
    first, second = struct.unpack("<2H", code)
    return bool(first & 0xFE80 == 0xF800 and second & 0x0F00 == 0x0E00)


class Pages:
    """Fills the tables of *unicorn*, where an address is that of the memory.

    If a page does not allow an access, *refused* (kind, page) is called while Unicorn runs, and
    the run ends in front of the instruction.
    """

    #: What a page allows, if not what the default memory map does.
    allowed: Callable[[int], int] | None = None

    def __init__(
        self,
        unicorn: Unicorn,
        cpu: Cpu,
        ram: WorkerRam,
        refused: Callable[[int, int], None],
    ) -> None:
        self._uc, self._cpu, self._ram, self._refused = unicorn, cpu, ram, refused
        self._code: set[int] = set()
        unicorn.use_virtual_tlb()
        unicorn.hook(libunicorn.HOOK_TLB_FILL, self._fill)
        unicorn.hook(libunicorn.HOOK_EDGE, self._translated)

    def _fill(self, _uc: int, page: int, kind: int, entry: Any, _data: int) -> bool:
        fetch, allowed = kind == libunicorn.MEM_FETCH, libunicorn.PROT_ALL
        if not fetch:
            self._restore()
        if self.allowed is not None:
            if not fetch or self._fetches(page):
                allowed = self.allowed(page)
        elif fetch:
            allowed = default(page)
        if not allowed & NEEDED[kind]:
            self._refused(kind, page)
            return False
        if fetch and page not in self._code:
            self._code.add(page)
            # Of each mode of the core there is an entry, and what is stored by one that is
            # there is not looked at.
            self._uc.flush_tlb()
        found = entry.contents
        found.paddr, found.perms = page, (CODE if page in self._code else DATA) & allowed
        return True

    def _translated(self, _uc: int, block: int, _previous: int, _data: int) -> None:
        """Code: while Unicorn's own MPU is on, it does not ask for the page of a fetch."""
        address, _, size = libunicorn.block(block)
        self._code.update(range(address & -PAGE, address + size, PAGE))

    def _fetches(self, page: int) -> bool:
        """Whether an instruction is fetched there: Unicorn also looks at what it is to forget."""
        pc = self._cpu.pc
        return page in (pc & -PAGE, pc + 2 & -PAGE)

    @property
    def unprivileged(self) -> bool:
        """While a load or store is looked at: whether it is an LDRT or STRT."""
        return unprivileged(self._ram.code(self._cpu.pc, 4))

    def _restore(self) -> None:
        if self._cpu.xpsr & ITSTATE_MASK:
            self._cpu.set_itstate(0)
        self._uc.write(libunicorn.SYNDROME, libunicorn.NO_SYNDROME)

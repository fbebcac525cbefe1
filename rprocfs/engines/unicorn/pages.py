"""Which pages hold code: only stores to these are looked at.

Code that was translated has to be forgotten when it is written over, so Unicorn calls a helper
for every store to a page that could be executed. By its own tables of an Armv7-M core that is
all of the RAM, and a loop that stores words takes six times as long. So it gets its tables from
here: a page may be executed from the moment on at which an instruction is fetched from it, and
for ever.

When a load or store misses the tables, Unicorn sets the state of the core to what it is in front
of that instruction, and goes on behind it: what is not set by the translated code has to be
put right. That is ITSTATE, which it sets behind a block, and the syndrome of :mod:`.runner`.

Unicorn also calls the helper wherever a hook on bad accesses could be meant: these are set
around the memory (:meth:`.libunicorn.Unicorn.hook_outside`).
"""

from __future__ import annotations

from rprocfs.arch.armv7m.conditions import ITSTATE_MASK
from rprocfs.engines.unicorn import libunicorn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rprocfs.engines.unicorn.cpu import Cpu
    from rprocfs.engines.unicorn.libunicorn import Unicorn

DATA, CODE = libunicorn.PROT_READ | libunicorn.PROT_WRITE, libunicorn.PROT_ALL


class Pages:
    """Fills the tables of *unicorn*, where an address is that of the memory.

    *executable* (address) says whether the architecture lets a page be executed. If it does
    not, *refused* is called while Unicorn runs, and the run ends in front of the instruction.
    """

    def __init__(
        self,
        unicorn: Unicorn,
        cpu: Cpu,
        executable: Callable[[int], bool],
        refused: Callable[[], None],
    ) -> None:
        self._uc, self._cpu = unicorn, cpu
        self._executable, self._refused = executable, refused
        self._code: set[int] = set()
        unicorn.use_virtual_tlb()
        unicorn.hook(libunicorn.HOOK_TLB_FILL, self._fill)

    def _fill(self, _uc: int, page: int, kind: int, entry: Any, _data: int) -> bool:
        if kind != libunicorn.MEM_FETCH:
            self._restore()
        elif page not in self._code:
            if not self._executable(page):
                self._refused()
                return False
            self._code.add(page)
            # Of each mode of the core there is an entry, and what is stored by one that is
            # there is not looked at.
            self._uc.flush_tlb()
        found = entry.contents
        found.paddr, found.perms = page, CODE if page in self._code else DATA
        return True

    def _restore(self) -> None:
        if self._cpu.xpsr & ITSTATE_MASK:
            self._cpu.set_itstate(0)
        self._uc.write(libunicorn.SYNDROME, libunicorn.NO_SYNDROME)

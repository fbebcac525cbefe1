"""Instructions that need more than Unicorn does: found as code is translated.

- Behind CPSIE and MSR to PRIMASK, BASEPRI or FAULTMASK an interrupt that waited must be
  taken at once: firmware counts on it (``taskEXIT_CRITICAL()``). The hook is on the
  instruction behind it.
- Unicorn stops behind a WFI. With a budget that is no secret: the budget is not used up. Where
  instructions are counted, it cannot be told from a slice that just happened to end
  there. But a WFI ends a block as well: if the last block to be entered was one that
  ends with a WFI, and not the one behind it, the WFI was executed.
- SDIV and UDIV do not trap; CCR.DIV_0_TRP may ask for it.
- Unicorn always lets the FPU be used; CPACR may forbid it.

- Some accesses have to be aligned, or all (:mod:`.alignment`).

All hooks are on single instructions, which costs nothing elsewhere; a second hook on blocks
would have Unicorn look through all of them at every block. Those for SDIV, UDIV and the FPU
exist while the firmware asks for the trap, or has not turned the FPU on. Unicorn does not stop
inside an IT block, so the hook is on the IT instruction if one is in its block.
"""

from __future__ import annotations

import ctypes
from itertools import islice

from rprocfs.arch.armv7m import conditions
from rprocfs.arch.armv7m.scb import CCR_DIV_0_TRP, CCR_UNALIGN_TRP
from rprocfs.engines.unicorn import libunicorn
from rprocfs.engines.unicorn.instructions import (
    divides,
    floats,
    instructions,
    masks_faults,
    unmasks,
    waits,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rprocfs.arch.armv7m.scb import Scb
    from rprocfs.engines.unicorn.alignment import Alignment
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ram import WorkerRam
    from rprocfs.engines.unicorn.slices import Counted

WFI_NARROW, WFI_WIDE = b"\x30\xbf", b"\xaf\xf3\x03\x80"
UNMASK, UNMASK_IT, WFI, TRAP = "unmask", "unmask in an IT block", "wfi", "trap"
FAULTS, ALIGN = "faultmask", "align"


class Sites:
    """Finds such instructions in *ram* and calls back when they are executed.

    *unmasked* is called behind an instruction that may have unmasked an interrupt, *in_it*
    if that is one of an IT block; *faultmask* behind one that may have changed that; *divide*
    (address) and *float_off* (address) in front of a trapping one, *conditional* (address) in
    front of an IT block with one in it, *align* (address) in front of an instruction whose address
    has to be aligned; all of them while Unicorn runs.
    """

    def __init__(
        self,
        unicorn: Unicorn,
        slices: Counted,
        ram: WorkerRam,
        scb: Scb,
        unmasked: Callable[[], None],
        in_it: Callable[[], None],
        faultmask: Callable[[], None],
        divide: Callable[[int], None],
        float_off: Callable[[int], None],
        conditional: Callable[[int], None],
        align: Callable[[int], None],
        alignment: Alignment,
    ) -> None:
        self._uc, self._ram, self._scb = unicorn, ram, scb
        self._divide, self._float_off = divide, float_off
        self._conditional, self._alignment = conditional, alignment
        self._found: set[tuple[str, int]] = set()  # (purpose of the hook, address)
        self._hooks: dict[tuple[str, int], ctypes.c_size_t] = {}
        self._before_wfi: dict[int, int] = {}  # block that ends with WFI: address behind it
        self._entered = 0  # the last block of those, or behind one
        self._asked = (False, False, False)
        self._looked_at = 0, 0  # what of the SCB decides about it
        self.stepping = False  # inside an IT block, which is looked at as a whole
        self.stopped = False  # a run, in front of a block that is to be hooked
        self.breaks: set[int] = set()  # a debugger's breakpoints
        self._slices = slices
        self._callbacks = {
            UNMASK: slices.unmasked(unmasked),
            UNMASK_IT: slices.unmasked(in_it),
            FAULTS: (libunicorn.CODE(lambda *_: faultmask()), None),
            ALIGN: (libunicorn.CODE(lambda _uc, address, *_: align(address)), None),
            WFI: (libunicorn.CODE(lambda _uc, address, *_: self._enter(address)), None),
            TRAP: (libunicorn.CODE(lambda _uc, address, *_: self._trap(address)), None),
        }
        unicorn.hook(libunicorn.HOOK_EDGE, self._translated)
        self.update()

    @property
    def pending(self) -> bool:
        """Whether :meth:`update` has something to do."""
        scb = self._scb
        return bool(self._found) or self._looked_at != (scb.ccr, scb.cpacr)

    def _traps(self) -> tuple[bool, bool, bool]:
        scb = self._scb
        unaligned = bool(scb.ccr & CCR_UNALIGN_TRP)
        return bool(scb.ccr & CCR_DIV_0_TRP), not scb.fpu_enabled, unaligned

    def update(self) -> None:
        """Between two runs: set the hooks that are needed, remove the others."""
        for purpose, address in sorted(self._found):  # FAULTS in front of UNMASK
            callback, data = self._callbacks[purpose]
            hook = self._uc.add_hook(libunicorn.HOOK_CODE, callback, address, address, data)
            self._hooks[purpose, address] = hook
            self._uc.forget(address, address + 2)
        self._found.clear()
        self._looked_at = self._scb.ccr, self._scb.cpacr
        if self._asked != self._traps():
            self._asked = self._traps()
            for key in [key for key in self._hooks if key[0] == TRAP]:
                self._uc.unhook(self._hooks.pop(key))
            self._uc.flush()

    def _translated(self, _uc: int, block: int, _previous: int, _data: int) -> None:
        if self.stepping or self._alignment.busy:
            return
        address, _, size = libunicorn.block(block)
        code = self._ram.code(address, size)
        found = set(self._interesting(address, code))
        found.update((ALIGN, at) for at in self._alignment.look(address, code))
        found.difference_update(self._hooks)
        if found or self._alignment.block is not None:
            self._found |= found
            self.stopped = True
            self._slices.stop()

    def _interesting(self, address: int, code: bytes) -> Iterator[tuple[str, int]]:
        block_end = -1  # of an IT block
        for offset, first, second in instructions(code):
            behind = address + offset + (2 if second < 0 else 4)
            if masks_faults(first, second):
                yield FAULTS, behind
            if unmasks(first, second):
                yield UNMASK_IT if address + offset <= block_end else UNMASK, behind
            elif waits(first, second):
                if self._slices.tells:
                    continue
                self._before_wfi[address] = behind
                yield WFI, address
                yield WFI, behind
            elif conditions.is_it(first):
                block = list(self.block(behind, conditions.length(first & 0xFF)))
                block_end = block[-1][0] if block else -1
                if any(at in self.breaks or self.traps(*words) for at, *words in block):
                    yield TRAP, address + offset
            elif address + offset > block_end and self.traps(first, second):
                yield TRAP, address + offset

    def traps(self, first: int, second: int) -> bool:
        """Whether the instruction may have to be trapped, as the core is set now."""
        division, fpu_off, _ = self._asked
        return (division and divides(first, second)) or (fpu_off and floats(first, second))

    def block(self, begin: int, count: int) -> Iterator[tuple[int, int, int]]:
        """(address, first halfword, second or -1) of the *count* instructions at *begin*."""
        for offset, first, second in islice(instructions(self._ram.code(begin, 4 * count)), count):
            yield begin + offset, first, second

    def _enter(self, address: int) -> None:
        self._entered = address

    def begin(self) -> None:
        """In front of a run."""
        self._entered = 0

    def waited(self, pc: int) -> bool:
        """After a run that ended at *pc*, by no hook: whether by the WFI in front of it."""
        if not self._slices.tells:
            return self._before_wfi.get(self._entered) == pc
        if self._slices.used_up:
            return False
        code = self._ram.code(pc - 4, 4) or self._ram.code(pc - 2, 2)  # the first of the memory
        return code[-2:] == WFI_NARROW or code == WFI_WIDE

    def _trap(self, address: int) -> None:
        for _, first, second in instructions(self._ram.code(address, 4)):
            if conditions.is_it(first):
                self._conditional(address)
            elif divides(first, second):
                self._divide(address)
            else:
                self._float_off(address)
            return

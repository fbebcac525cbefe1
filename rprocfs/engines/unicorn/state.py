"""What Unicorn's core knows and has no register for: its MPU, and what it faulted for.

Unicorn's translator and TLB are those of QEMU 5, which has the MPU of Armv7-M. The registers of
that are not among Unicorn's: they are behind the bus there, and Unicorn has none. But they are in
the context that ``uc_context_save()`` copies, which is a ``CPUARMState``. Where in it is looked
for when the core is made: fields that have a register in Unicorn's interface are marked
through it, and the others have their places beside these. If anything is not as it should be there
(:class:`Unknown`), that Unicorn is another one, and has to do without.
"""

from __future__ import annotations

import struct
from ctypes import Array, c_uint32, c_uint64, c_void_p, string_at

from rprocfs.engines.unicorn import libunicorn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.engines.unicorn.libunicorn import Unicorn

REGIONS = 8
#: Bits of CPUARMState.features: of Armv7, PMSA and M, and of an M profile with all its
#: instructions. Without that the translator asks for aligned addresses.
V7, PMSA, M, M_MAIN = 1 << 5, 1 << 7, 1 << 9, 1 << 38
FEATURES = V7 | PMSA | M | M_MAIN
MARK, NUMBER = 0x5AA5_C33C, 0x1A5
#: From the exception number to MPU_CTRL, and from a fault's syndrome to its status and address.
CTRL, STATUS, ADDRESS = -8, 4, 8
#: Statuses of a fault (``arm_fi_to_sfsc()``): the low four bits. And that of one of a store.
ALIGNMENT, STORE = 1, 1 << 11


class Unknown(Exception):
    """That is no state of a core that is known here."""


class LastAbort:
    """That of *unicorn*, an Arm core. Unknown."""

    def __init__(self, unicorn: Unicorn) -> None:
        self._uc, self._context = unicorn, c_void_p()
        unicorn.allocate_context(self._context)
        self._size = unicorn.lib.uc_context_size(unicorn.handle)
        syndrome = self._marked(libunicorn.SYNDROME, MARK)
        self._status, self._address = self._word(syndrome + STATUS), self._word(syndrome + ADDRESS)

    def _word(self, offset: int) -> c_uint32:
        if not 0 <= offset <= self._size - 4:
            raise Unknown(offset)
        return c_uint32.from_address((self._context.value or 0) + offset)

    def _saved(self) -> bytes:
        self._uc.save_context(self._context)
        return string_at(self._context.value or 0, self._size)

    def _marked(self, register: int, value: int) -> int:
        """Where in the context a *register* is."""
        before, old = self._saved(), self._uc.read(register)
        self._uc.write(register, value)
        after = self._saved()
        self._uc.write(register, old)
        words = struct.Struct(f"<{self._size // 4}I")
        pairs = zip(words.unpack_from(before), words.unpack_from(after), strict=True)
        changed = [4 * index for index, (a, b) in enumerate(pairs) if a != b]
        if len(changed) != 1 or struct.unpack_from("<I", after, changed[0]) != (value,):
            raise Unknown(changed)
        return changed[0]

    def fault(self) -> tuple[int, int, bool]:
        """Its status, the address, and whether it was one of a store."""
        self._uc.save_context(self._context)
        status = self._status.value
        return status & 0xF, self._address.value, bool(status & STORE)


class State(LastAbort):
    """That of *unicorn*, an Armv7-M core. Unknown."""

    def __init__(self, unicorn: Unicorn) -> None:
        super().__init__(unicorn)
        exception = self._marked(libunicorn.IPSR, NUMBER)
        features = self._features()
        self._ctrl = self._word(exception + CTRL)
        base = self._context.value or 0
        self._feature_bits = c_uint64.from_address(base + features)
        self.rbar, self.rsr, self.racr = self._arrays(features + 8)

    def _features(self) -> int:
        """Where the features are: behind them the pointers to the arrays of the MPU."""
        words = struct.unpack_from(f"<{self._size // 8}Q", self._saved())
        known = [at for at, word in enumerate(words) if word & ~0xFF_FFFF_FFFF == 0]
        found = [
            8 * at
            for at in known
            if words[at] & FEATURES == FEATURES
            and at + 4 <= len(words)
            and all(words[at + 1 : at + 4])
        ]
        if len(found) != 1:
            raise Unknown(found)
        return found[0]

    def _arrays(self, offset: int) -> list[Array[c_uint32]]:
        """DRBAR, DRSR and DRACR, which are saved with their lengths behind the structure."""
        saved = self._saved()
        array = c_uint32 * REGIONS
        if struct.pack("<I", REGIONS) + bytes(4 * REGIONS) not in saved:
            raise Unknown(REGIONS)
        return [array.from_address(pointer) for pointer in struct.unpack_from("<3Q", saved, offset)]

    def set_ctrl(self, value: int) -> None:
        """MPU_CTRL. The TLB is up to the caller."""
        self._uc.save_context(self._context)
        self._ctrl.value = value
        self._uc.restore_context(self._context)

    def align(self, strictly: bool) -> None:
        """Whether what is translated from now on lets no load or store be unaligned."""
        self._uc.save_context(self._context)
        bits = self._feature_bits.value
        self._feature_bits.value = bits & ~M_MAIN if strictly else bits | M_MAIN
        self._uc.restore_context(self._context)

"""The Armv7-M memory protection unit (Armv7-M ARM B3.5): its registers, and what it lets through.

An engine asks :meth:`Mpu.allowed` for the loads, stores and fetches of instructions, the exception
model for those of stacks. A region whose base is no multiple of its size, which is UNPREDICTABLE,
counts as none, as on QEMU.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The eighths of the address space that are Code, SRAM and RAM: the others are XN.
EXECUTABLE = (0, 1, 3, 4)
SYSTEM, HIGHEST = 7, 0xFFFF_FFFF
PPB, PPB_END = 0xE000_0000, 0xE010_0000
ADDRESS, VALID, REGION = 0xFFFF_FFE0, 0x10, 0xF
ENABLE, HFNMIENA, PRIVDEFENA = 1, 2, 4
XN, SUBREGIONS = 1 << 28, 0xFF00
#: No region begins or ends inside of so many bytes.
GRANULE = 32
READ, WRITE, EXECUTE = 1, 2, 4
#: RASR.AP -> what it lets privileged and unprivileged accesses do (Armv7-M ARM B3.5.9).
ACCESS = (
    (0, 0), (READ | WRITE, 0), (READ | WRITE, READ), (READ | WRITE, READ | WRITE),
    (0, 0), (READ, 0), (READ, READ), (READ, READ),
)  # fmt: skip


def executable(address: int) -> bool:
    """Whether the default memory map lets an *address* be executed (Armv7-M ARM B3.1)."""
    return address >> 29 in EXECUTABLE


def default(address: int) -> int:
    """What the default memory map lets through: READ, WRITE, EXECUTE."""
    return READ | WRITE | (EXECUTE if executable(address) else 0)


class Mpu(Peripheral):
    """An MPU of *regions* regions; without any, its registers read as zero."""

    def __init__(self, regions: int) -> None:
        self._regions = regions
        self._ctrl = self._rnr = 0
        self.rbar, self.rasr = [0] * regions, [0] * regions
        #: Called when what is let through may have changed: by the registers of one region, or by
        #: all else (None).
        self.changed: Callable[[int | None], None] = lambda _region: None
        self._negative = False
        self._found: dict[tuple[int, bool], int] = {}
        self._areas: list[tuple[int, int, int, int]] = []  # those of _look_at_regions()

    @property
    def on(self) -> bool:
        """Whether accesses are looked at now."""
        needed = ENABLE | HFNMIENA if self._negative else ENABLE
        return self._ctrl & needed == needed

    @property
    def background(self) -> bool:
        """MPU_CTRL.PRIVDEFENA."""
        return bool(self._ctrl & PRIVDEFENA)

    @property
    def negative(self) -> bool:
        """Whether the execution priority is negative: in a HardFault, an NMI, by FAULTMASK."""
        return self._negative

    @negative.setter
    def negative(self, value: bool) -> None:
        if value != self._negative:
            self._negative = value
            if self._ctrl & (ENABLE | HFNMIENA) == ENABLE:
                self._change(None)

    def allowed(self, address: int, privileged: bool) -> int:
        """What may be done at *address*: READ, WRITE, EXECUTE."""
        if not self.on:
            return default(address)
        key = address // GRANULE, privileged
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._look_up(address, privileged)
        return found

    def _look_up(self, address: int, privileged: bool) -> int:
        if PPB <= address < PPB_END:
            return default(address)
        for begin, end, bits, rasr in self._areas or self._look_at_regions():
            if not begin <= address < end:
                continue
            if bits >= 8 and rasr >> 8 + (address - begin >> bits - 3) & 1:
                continue
            access = ACCESS[rasr >> 24 & 7][not privileged]
            never = rasr & XN or address >> 29 == SYSTEM or not access
            return access if never else access | EXECUTE
        return default(address) if privileged and self.background else 0

    def _look_at_regions(self) -> list[tuple[int, int, int, int]]:
        """Begin, end, bits and RASR of those that are on, the highest first."""
        self._areas = [
            (self.rbar[number], self.rbar[number] + (1 << bits), bits, self.rasr[number])
            for number in reversed(self.enabled())
            if (bits := size(self.rasr[number])) and not self.rbar[number] & (1 << bits) - 1
        ]
        return self._areas

    def passes(self, address: int, words: int, access: int, privileged: bool) -> int:
        """How many of so many *words*, from the first on, may be accessed."""
        if not self.on:
            return words
        word = 0
        while word < words:
            if not self.allowed(address + 4 * word & HIGHEST, privileged) & access:
                return word
            word += (GRANULE - (address + 4 * word) % GRANULE) // 4 or 1
        return words

    def enabled(self) -> list[int]:
        """The regions that are on, the lowest one first."""
        return [number for number, rasr in enumerate(self.rasr) if rasr & 1]

    def granule(self) -> int:
        """A number of bytes inside of which no region begins or ends; 4096 at most."""
        smallest = 12
        for number in self.enabled():
            bits = size(self.rasr[number])
            if bits:
                smallest = min(smallest, bits - 3 if self.rasr[number] & SUBREGIONS else bits)
        return 1 << smallest

    def divided(self, number: int, bits: int) -> bool:
        """Whether a region has subregions of less than 2^bits that are not all on."""
        rasr = self.rasr[number]
        return bool(rasr & SUBREGIONS) and 8 <= size(rasr) < bits + 3

    def whole(self, bits: int) -> Iterator[tuple[int, int]]:
        """RBAR and RASR of what is on, the lowest first, none of them :meth:`divided`."""
        for number in self.enabled():
            rbar, rasr = self.rbar[number], self.rasr[number]
            if not self.divided(number, bits):
                yield rbar, rasr
                continue
            smaller = rasr & ~(SUBREGIONS | 0x3E) | size(rasr) - 4 << 1
            for index in range(8):
                if not rasr >> 8 + index & 1:
                    yield rbar + (index << size(rasr) - 3), smaller

    def _change(self, region: int | None) -> None:
        self._found.clear()
        self._areas.clear()
        self.changed(region)

    @register(0xD90)
    def type(self) -> int:
        """MPU_TYPE: how many regions there are."""
        return self._regions << 8

    @register(0xD94)
    def ctrl(self) -> int:
        """MPU_CTRL: ENABLE, HFNMIENA, PRIVDEFENA."""
        return self._ctrl

    @ctrl.store
    def _(self, value: int) -> None:
        value = value & 7 if self._regions else 0
        if value != self._ctrl:
            self._ctrl = value
            self._change(None)

    @register(0xD98)
    def rnr(self) -> int:
        """MPU_RNR: the region that RBAR and RASR are of."""
        return self._rnr

    @rnr.store
    def _(self, value: int) -> None:
        self._select(value & 0xFF)

    def _select(self, number: int) -> None:
        if number < self._regions:
            self._rnr = number

    # RBAR and RASR, and three aliases of both.
    @register(0xD9C, count=8)
    def pair(self, index: int) -> int:
        """MPU_RBAR and MPU_RASR."""
        if not self._regions:
            return 0
        return self.rasr[self._rnr] if index & 1 else self.rbar[self._rnr] | self._rnr

    @pair.store
    def _(self, index: int, value: int) -> None:
        if not self._regions:
            return
        if index & 1:
            registers, value = self.rasr, value & 0x173F_FF3F
        else:
            if value & VALID:
                self._select(value & REGION)
            registers, value = self.rbar, value & ADDRESS
        if registers[self._rnr] != value:
            registers[self._rnr] = value
            if self._ctrl & ENABLE:
                self._change(self._rnr)


def size(rasr: int) -> int:
    """How many bits of an address are inside of a region; 0: the region is off."""
    bits = rasr >> 1 & 0x1F
    return bits + 1 if rasr & 1 and bits else 0

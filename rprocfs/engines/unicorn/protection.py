"""Makes Unicorn refuse what the MPU of an Armv7-M core refuses, and what its bus does.

There are two ways. Unicorn's own MPU (:mod:`.state`) looks at every access to a page that regions
divide, such as one with a guard below a stack: that takes some 70 ns instead of 2 ns, as on
QEMU, and nothing elsewhere. But where it is on, each store to a page that may be executed is slow.
So while all regions are of whole pages, the pages are filled with what the MPU allows
(:mod:`.pages`).

Unicorn's MPU has eight regions. If more of them are on and one divides a page, that page
allows what any part of it allows. What the bus closes takes some of them, if it is asked at all;
it may refuse more then than it has to, and :mod:`.refusals` tells what.
"""

from __future__ import annotations

from contextlib import contextmanager

from rprocfs.arch.armv7m import mpu as bits
from rprocfs.engines.unicorn.pages import PAGE
from rprocfs.engines.unicorn.state import REGIONS, State, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.arch.armv7m.mpu import Mpu
    from rprocfs.engines.unicorn.closed_memory import ClosedMemory
    from rprocfs.engines.unicorn.cpu import Cpu
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.pages import Pages

PAGE_BITS = PAGE.bit_length() - 1
#: RASR of a region of all addresses, and of one page, without AP and XN.
EVERYTHING, ONE_PAGE = 31 << 1 | 1, 9 << 1 | 1
FULL = 3 << 24
#: RASR.AP that allows as much to unprivileged accesses as to others.
AP = {0: 0, bits.READ: 6 << 24, bits.WRITE: 0, bits.READ | bits.WRITE: FULL}
#: The default memory map, by two regions: the eighths that are XN are none of the second.
DEFAULT = (
    (0, EVERYTHING | FULL | bits.XN),
    (0, EVERYTHING | FULL | sum(0x100 << n for n in range(8) if n not in bits.EXECUTABLE)),
)


class Protection:
    """That of *unicorn* by *mpu*, whose *pages* are filled if it is not Unicorn's own; and by the
    bus, which has *closed* memory."""

    def __init__(
        self, unicorn: Unicorn, cpu: Cpu, mpu: Mpu, pages: Pages, closed: ClosedMemory
    ) -> None:
        self._uc, self._cpu, self._mpu, self._pages = unicorn, cpu, mpu, pages
        self._closed = closed
        self._own = False
        self._alike = False  # the regions of Unicorn's MPU have the numbers of the others
        try:
            self.state: State | None = State(unicorn)
        except Unknown:
            self.state = None
        mpu.changed = self._changed
        closed.changed = lambda: self._changed(None)

    @property
    def _on(self) -> bool:
        """Whether anything may be refused."""
        return self._mpu.on or bool(self._closed)

    def _granule(self) -> int:
        mpu = self._mpu.granule() if self._mpu.on else PAGE
        return min(PAGE, mpu, self._closed.granule())

    def _changed(self, region: int | None) -> None:
        own = self._on and self.state is not None
        if own and not (self._own and region is not None):
            own = self._granule() < PAGE
        if own and not (self._own and self._reload(region)):
            own = self._load()
        if own != self._own or (own and region is None):
            self._use_own(own)
        self._pages.allowed = self._allowed if self._on and not own else None
        self._uc.flush_tlb()

    def _use_own(self, own: bool) -> None:
        """Whether Unicorn's MPU is to be asked, or the pages."""
        assert self.state is not None, "there is none without"
        self._own = own
        background = bits.PRIVDEFENA if self._mpu.background else 0
        self.state.set_ctrl(bits.ENABLE | bits.HFNMIENA | background if own else 0)
        self._uc.use_virtual_tlb(not own)

    def _load(self) -> bool:
        """Copy the regions to Unicorn's. False: there are too many.

        A page that holds a disabled subregion would be filled as if that were all of it.
        """
        mpu = self._mpu
        regions = list(mpu.whole(PAGE_BITS) if mpu.on else DEFAULT)
        self._alike = len(mpu.rasr) <= REGIONS and not any(
            mpu.divided(number, PAGE_BITS) for number in mpu.enabled()
        )
        if self._closed:
            self._alike = False
            regions += self._blocks()
        if self._alike:
            regions = list(zip(mpu.rbar, mpu.rasr, strict=True))
        if len(regions) > REGIONS:
            return False
        for slot in range(REGIONS):
            self._set(slot, *(regions[slot] if slot < len(regions) else (0, 0)))
        return True

    def _blocks(self) -> Iterator[tuple[int, int]]:
        """RBAR and RASR of what the bus closes; of the MPU's regions none is above them."""
        for base, size, allowed in self._closed.blocks():
            exact = 0 if self._mpu.on else AP[allowed & (bits.READ | bits.WRITE)]
            never = 0 if bits.executable(base) else bits.XN
            yield base, size - 1 << 1 | 1 | exact | never

    def _reload(self, region: int | None) -> bool:
        """Copy one region. False: all have to be looked at."""
        if region is None or not self._alike or self._mpu.divided(region, PAGE_BITS):
            return False
        self._set(region, self._mpu.rbar[region], self._mpu.rasr[region])
        return True

    def _set(self, slot: int, rbar: int, rasr: int) -> None:
        state = self.state
        assert state is not None, "there is none without"
        state.rbar[slot], state.rsr[slot], state.racr[slot] = rbar, rasr & 0xFFFF, rasr >> 16

    def _allowed(self, page: int) -> int:
        """What any part of a *page* allows the core to do."""
        mpu, closed, step = self._mpu, self._closed, self._granule()
        privileged = not (self._cpu.unprivileged or self._pages.unprivileged)
        allowed = 0
        for address in range(page, page + PAGE, step):
            allowed |= mpu.allowed(address, privileged) & closed.allowed(address)
        return allowed

    @contextmanager
    def alone(self, page: int, allowed: int | None = None) -> Iterator[None]:
        """Let Unicorn's MPU refuse that *page* alone: it knows which address was meant."""
        allowed = self._allowed(page) & (bits.READ | bits.WRITE) if allowed is None else allowed
        for slot in range(REGIONS):
            self._set(slot, 0, EVERYTHING | FULL if slot == 0 else 0)
        self._set(1, page, ONE_PAGE | AP[allowed])
        with self._instead(True):
            yield

    @contextmanager
    def off(self) -> Iterator[None]:
        """Let everything be accessed."""
        allowed, self._pages.allowed = self._pages.allowed, None
        with self._instead(False):
            yield
        self._pages.allowed = allowed

    @contextmanager
    def _instead(self, own: bool) -> Iterator[None]:
        self._use_own(own)
        self._uc.flush_tlb()
        yield
        self._changed(None)

    def refused(self, address: int, size: int, access: int, privileged: bool) -> int | None:
        """The first of *size* bytes from *address* on that are refused, None if none is."""
        for byte in range(address, address + size):
            if not self._mpu.allowed(byte & bits.HIGHEST, privileged) & access:
                return byte & bits.HIGHEST
        return None

    def mistaken(self, address: int) -> bool:
        """Whether a refusal at *address* may be a mistake.

        At an unaligned store Unicorn's MPU looks at the first address of the page, too.
        """
        return self._own and address % PAGE == 0

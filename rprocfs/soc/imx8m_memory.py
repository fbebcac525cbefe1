"""What the RDC of an i.MX 8M closes of the memory, as the core sees it."""

from __future__ import annotations

from rprocfs.hw.peripherals import Closed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rprocfs.hw.nxp.rdc import Rdc
    from rprocfs.soc.machine import Bank


class MemoryRegions:
    """Those of *rdc*: *regions* says which are those of which memory (first, count, resolution).

    *banks* has the memories at the core's addresses, *bus* at those of the RDC. A region does
    nothing outside of its memory.
    """

    def __init__(
        self,
        rdc: Rdc,
        regions: Mapping[str, tuple[int, int, int]],
        banks: Sequence[Bank],
        bus: Sequence[Bank],
    ) -> None:
        self._rdc, self._regions = rdc, regions
        self._banks = [bank for bank in banks if bank.name in regions]
        self._bus = {bank.name: bank for bank in bus}

    def closed(self) -> list[Closed]:
        """All that is closed to the core, by its addresses."""
        found = []
        for _, memory, begin, end, loads, stores in self._closing():
            for bank in self._banks:
                if bank.name == memory.name:
                    at = bank.da - memory.da
                    first, last = max(bank.da, begin + at), min(bank.end, end + at)
                    if first < last:
                        found.append(Closed(first, last, loads, stores))
        return found

    def violated(self, address: int, store: bool) -> None:
        """A load or a *store* at the core's *address* was refused."""
        for bank in self._banks:
            if bank.holds(address, 1):
                there = address - bank.da + self._bus[bank.name].da
                for number, memory, begin, end, *kinds in self._closing():
                    if memory.name == bank.name and begin <= there < end and kinds[store]:
                        self._rdc.violated(number, there)
                return

    def _closing(self) -> Iterator[tuple[int, Bank, int, int, bool, bool]]:
        for name, (first, count, resolution) in self._regions.items():
            for number in range(first, first + count):
                begin, end, loads, stores = self._rdc.closed(number)
                if loads or stores:
                    begin, end = begin & -resolution, end & -resolution
                    yield number, self._bus[name], begin, end, loads, stores

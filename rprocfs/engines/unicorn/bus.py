"""What a core's loads and stores reach outside of the RAM: peripherals, and its own."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from rprocfs.arch.armv7m.scs import SystemControlSpace
    from rprocfs.hw.peripherals import Peripherals

PAGE = 0x1000


def apart(ranges: Iterable[tuple[int, int]], pages: Collection[int]) -> Iterator[tuple[int, int]]:
    """The *ranges*, (address, size), with each of the *pages* as one of its own."""
    for at, size in ranges:
        begin, end = at, at + size
        for page in sorted(page for page in pages if begin <= page < end):
            if begin < page:
                yield begin, page - begin
            yield page, PAGE
            begin = page + PAGE
        if begin < end:
            yield begin, end - begin


class Bus:
    """The *peripherals* of a machine around *scs*."""

    def __init__(self, scs: SystemControlSpace, peripherals: Peripherals) -> None:
        self._tick, self.peripherals = scs.systick, peripherals

    @property
    def deadline(self) -> int | None:
        """When :meth:`poll` next has something to do by itself."""
        tick, other = self._tick.deadline, self.peripherals.deadline
        if tick is None or other is None:
            return other if tick is None else tick
        return min(tick, other)

    def poll(self) -> None:
        """Let the peripherals and SysTick pass their time."""
        self.peripherals.poll()
        self._tick.advance()

"""What a core's loads and stores reach outside of the RAM: peripherals, and its own."""

from __future__ import annotations

from rprocfs.arch.armv7m.scs import PPB, PPB_SIZE, SystemControlSpace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.hw.peripherals import Peripherals


class Bus:
    """The *peripherals* of a machine around *scs*."""

    def __init__(self, scs: SystemControlSpace, peripherals: Peripherals) -> None:
        self._scs, self._peripherals = scs, peripherals

    def mappings(self) -> Iterator[tuple[int, int]]:
        """(address, size) of everything that is here."""
        yield from self._peripherals.ranges
        yield PPB, PPB_SIZE

    def read(self, address: int, size: int) -> int:
        """A load of *size* bytes."""
        return (self._scs if address >= PPB else self._peripherals).read(address, size)

    def write(self, address: int, size: int, value: int) -> None:
        """A store of *size* bytes."""
        (self._scs if address >= PPB else self._peripherals).write(address, size, value)

    @property
    def deadline(self) -> int | None:
        """When :meth:`poll` next has something to do by itself."""
        tick, other = self._scs.systick.deadline, self._peripherals.deadline
        if tick is None or other is None:
            return other if tick is None else tick
        return min(tick, other)

    def poll(self) -> None:
        """Let the peripherals and SysTick pass their time."""
        self._peripherals.poll()
        self._scs.systick.advance()

"""What controllers of direct memory access have in common: requests, and what they reach."""

from __future__ import annotations

from rprocfs.hw.peripherals import PAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from rprocfs.hw.peripherals import Peripherals
    from rprocfs.hw.registers import Peripheral

    class Master(Protocol):
        """What a transfer can reach; None and False: there is nothing."""

        def load(self, address: int, size: int) -> bytes | None:
            """The *size* bytes at *address*."""

        def store(self, address: int, data: bytes) -> bool:
            """Write them."""

        def most(self, address: int, size: int) -> int:
            """How many of *size* bytes at *address* are to be moved before the core goes on."""


#: Bytes of registers that are moved at once: each word of them takes as long as 1 KiB of memory.
REGISTERS = 0x1000


class Request:
    """A request line: *asks* whether the peripheral wants an item.

    The peripheral is told that one was moved (*taken*), and that the last one was (*done*).
    *paused* says whether all that came in was moved, and nothing follows for now.
    """

    __slots__ = ("asks", "done", "paused", "taken")

    def __init__(
        self,
        asks: Callable[[], bool],
        done: Callable[[], None] = lambda: None,
        taken: Callable[[], None] = lambda: None,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self.asks = asks
        self.done = done
        self.taken = taken
        self.paused = paused


def accesses(address: int, size: int) -> Iterator[tuple[int, int]]:
    """What registers see of *size* bytes at *address*: aligned words, halfwords and bytes."""
    end = address + size
    while address < end:
        lanes = next(one for one in (4, 2, 1) if not address % one and address + one <= end)
        yield address, lanes
        address += lanes


class Bus:
    """What a controller reaches: *peripherals*, but none of those *kinds*, and memory.

    They are those that reach it by themselves, so that none sets another one going, or itself.
    """

    def __init__(self, peripherals: Peripherals, *kinds: type[Peripheral]) -> None:
        self._peripherals, self._kinds = peripherals, kinds

    def _has(self, address: int) -> bool:
        if isinstance(self._peripherals.pages.get(address & ~(PAGE - 1)), self._kinds):
            return False
        return any(at <= address < at + size for at, size in self._peripherals.ranges)

    def most(self, address: int, size: int) -> int:
        """How many of *size* bytes at *address* are to be moved before the core goes on."""
        return min(size, REGISTERS) if self._has(address) else size

    def load(self, address: int, size: int) -> bytes | None:
        """The *size* bytes at *address*."""
        if not self._has(address):
            memory = self._peripherals.wires.memory
            data = memory.code(address, size) if memory else b""
            return data if len(data) == size else None
        found = bytearray()
        for at, lanes in accesses(address, size):
            if not self._has(at):
                return None
            found += self._peripherals.read(at, lanes).to_bytes(lanes, "little")
        return bytes(found)

    def store(self, address: int, data: bytes) -> bool:
        """Write them."""
        if not self._has(address):
            memory = self._peripherals.wires.memory
            return memory is not None and memory.put(address, data)
        for at, lanes in accesses(address, len(data)):
            if not self._has(at):
                return False
            word = data[at - address :][:lanes]
            self._peripherals.write(at, lanes, int.from_bytes(word, "little"))
        return True

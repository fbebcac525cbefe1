"""A core that died, as a debugger sees it: what its registers and memory were."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence


class DeadTarget:
    """See :class:`.stub.Target`: nothing can be changed.

    *values* are those of some registers by their names; *names* are all that the client was told
    of, in the order of its description, and *sizes* theirs; *numbers* are those of registers that
    the description numbers itself. *memory* has what there is, by its address.
    """

    description = b""

    def __init__(
        self,
        names: Sequence[str],
        sizes: Sequence[int],
        values: Mapping[str, int],
        memory: Mapping[int, bytes],
        numbers: Mapping[str, int],
    ) -> None:
        self._values = [values.get(name) for name in names]
        self._others = {numbers[name]: values[name] for name in numbers if name in values}
        self.sizes = sizes
        self._memory = memory
        self._addresses = sorted(memory)

    def register(self, number: int) -> int | None:
        """The value of one."""
        return self._values[number] if number < len(self._values) else self._others.get(number)

    def set_register(self, number: int, value: int) -> bool:
        """Not possible."""
        del number, value
        return False

    def read(self, address: int, size: int) -> bytes:
        """Up to *size* bytes, as many as are there."""
        index = bisect_right(self._addresses, address) - 1
        if index < 0:
            return b""
        begin = self._addresses[index]
        found = self._memory[begin][address - begin :][:size]
        return found + self.read(address + len(found), size - len(found)) if found else b""

    def write(self, address: int, data: bytes) -> bool:
        """Not possible."""
        del address, data
        return False

    def insert(self, kind: int, address: int, size: int) -> bool:
        """Pretended: a client does so before it lets the core go on, and hears then."""
        del kind, address, size
        return True

    remove = insert

"""The memory that a worker and its parent share of what the outside decides.

Each input has three 32-bit integers with a sign: the level that can be seen there, which the
worker writes; what the outside has decided; and whether it has decided anything. A worker
begins with what was decided before; what is decided later comes by a socket, in order.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rprocfs.hw.inputs import Input

CELL = 4


class InputPage:
    """The cells of the inputs called *names*, in *memory* of :meth:`size` bytes."""

    def __init__(self, names: Iterable[str], memory: memoryview) -> None:
        self._index = {name: index for index, name in enumerate(sorted(names))}
        cells, count = memory.cast("i"), len(self._index)
        self._levels, self._decided = cells[:count], cells[count : 2 * count]
        self._known = cells[2 * count : 3 * count]

    @staticmethod
    def size(count: int) -> int:
        """How much memory so many inputs take."""
        return 3 * CELL * count

    def level(self, name: str) -> int:
        """What can be seen at the input *name*."""
        return self._levels[self._index[name]]

    def writer(self, name: str) -> Callable[[int], None]:
        """What tells the level of the input *name*."""
        levels, index = self._levels, self._index[name]

        def write(level: int) -> None:
            levels[index] = level

        return write

    def decide(self, name: str, value: int | None) -> None:
        """The outside has decided the input *name*; None: it has not."""
        index = self._index[name]
        self._decided[index], self._known[index] = value or 0, value is not None

    def decided(self, name: str) -> int | None:
        """What it has decided, None: nothing yet."""
        index = self._index[name]
        return self._decided[index] if self._known[index] else None

    def follow(self, inputs: Mapping[str, Input]) -> None:
        """In a worker: drive *inputs* as decided, and keep their levels here from now on."""
        for name, one in inputs.items():
            value, write = self.decided(name), self.writer(name)
            if value is not None:
                one.drive(value)
            write(one.level)
            one.watchers.append(write)

"""General purpose I/O of K3 processors (SPRUIV7 "GPIO"): banks of 16 pins, two of them a word.

Edges are noted in INTSTAT; the router behind it, which leads them to a core, is not modelled.
"""

from __future__ import annotations

from functools import partial

from rprocfs.hw.inputs import Pins
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.hw.inputs import Input

#: The registers of the first pair of banks; those of the next one are a *PAIR* further.
DIR, OUT_DATA, SET_DATA, CLR_DATA, IN_DATA = range(0x10, 0x24, 4)
SET_RIS, CLR_RIS, SET_FAL, CLR_FAL, INTSTAT = range(0x24, 0x38, 4)
PAIR, WIDTH, ALL = 0x28, 32, 0xFFFF_FFFF
#: What a register sets or clears bits of; it reads the same.
SETS = {SET_DATA: OUT_DATA, SET_RIS: SET_RIS, SET_FAL: SET_FAL}
CLEARS = {CLR_DATA: OUT_DATA, CLR_RIS: SET_RIS, CLR_FAL: SET_FAL, INTSTAT: INTSTAT}


class Gpio(Words):
    """*count* pins, which are inputs at first. Those that nobody drives are low."""

    def __init__(self, count: int) -> None:
        sizes = [min(WIDTH, count - first) for first in range(0, count, WIDTH)]
        super().__init__({DIR + PAIR * pair: ALL for pair in range(len(sizes))})
        self._pins = [Pins(size, partial(self._changed, pair)) for pair, size in enumerate(sizes)]
        self._levels = [0] * len(sizes)  # as they were looked at last

    def inputs(self) -> Mapping[str, Input]:
        """The pins, by their numbers."""
        pins = (pin for pair in self._pins for pin in pair.inputs)
        return {str(number): pin for number, pin in enumerate(pins)}

    def _changed(self, pair: int, levels: int) -> None:
        """Note the edges that are asked for."""
        changed, self._levels[pair] = levels ^ self._levels[pair], levels
        first = PAIR * pair
        rising, falling = (self.words.get(first + kind, 0) for kind in (SET_RIS, SET_FAL))
        seen = changed & (levels & rising | ~levels & falling)
        self.words[first + INTSTAT] = self.words.get(first + INTSTAT, 0) | seen

    def _place(self, offset: int) -> tuple[int, int] | None:
        """The pair that a register is of, and which one it is; None: it is of none."""
        pair, kind = divmod(offset - DIR, PAIR)
        return (pair, kind + DIR) if 0 <= pair < len(self._pins) else None

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        found = self._place(offset)
        if found is None:
            return super().load(offset)
        pair, kind = found
        if kind == IN_DATA:
            return self._pins[pair].levels
        return super().load(PAIR * pair + (SETS | CLEARS).get(kind, kind))

    def ones(self, offset: int) -> bool:
        """Whether the register sets or clears bits."""
        found = self._place(offset)
        return found is not None and found[1] in SETS | CLEARS

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        found = self._place(offset)
        if found is None:
            super().store(offset, value)
            return
        pair, kind = found
        first, old = PAIR * pair, self.load(offset)
        if kind in SETS:
            self.words[first + SETS[kind]] = old | value
        elif kind in CLEARS:
            self.words[first + CLEARS[kind]] = old & ~value
        elif kind != IN_DATA:
            self.words[offset] = value
        pins = self._pins[pair]
        there = (1 << len(pins.inputs)) - 1
        pins.configure(
            ~self.words[first + DIR] & there, self.words.get(first + OUT_DATA, 0) & there
        )

"""The random number generator (RM0436 chapter 31)."""

from __future__ import annotations

import os

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Rng(Words):
    """Random numbers, while it is on; *interrupt* is told that there are."""

    CR, SR, DR, RNGEN, IE = 0x0, 0x4, 0x8, 4, 8

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        on = self.words.get(self.CR, 0) & self.RNGEN
        if offset == self.SR:
            return 1 if on else 0
        if offset == self.DR:
            return int.from_bytes(os.urandom(4), "little") if on else 0
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        super().store(offset, value)
        self._interrupt(not ~self.words.get(self.CR, 0) & (self.RNGEN | self.IE))

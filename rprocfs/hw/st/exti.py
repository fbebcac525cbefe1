"""The extended interrupt and event controller (RM0436 chapter 24)."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Exti(Words):
    """Of its lines, those of the pins: what software triggers; *interrupt* (line, level)."""

    SWIER1, RPR1, FPR1, C2IMR1 = 0x08, 0x0C, 0x10, 0xC0
    PINS = 0xFFFF

    def __init__(self, interrupt: Callable[[int, bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt

    def wakes(self, line: int) -> bool:
        """Whether an event on *line* wakes the M4."""
        return bool(self.load(self.C2IMR1 + line // 32 * 16) >> line % 32 & 1)

    def _update(self) -> None:
        pending = (self.load(self.RPR1) | self.load(self.FPR1)) & self.load(self.C2IMR1)
        for line in range(16):
            self._interrupt(line, bool(pending >> line & 1))

    def ones(self, offset: int) -> bool:
        """Triggers and pending bits."""
        return offset in (self.SWIER1, self.RPR1, self.FPR1)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == self.SWIER1:
            self.words[self.RPR1] = self.load(self.RPR1) | value & self.PINS
        elif offset in (self.RPR1, self.FPR1):
            self.words[offset] = self.load(offset) & ~value
        else:
            super().store(offset, value)
        if offset in (self.SWIER1, self.RPR1, self.FPR1, self.C2IMR1):
            self._update()

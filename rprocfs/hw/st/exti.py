"""The extended interrupt and event controller (RM0436 chapter 24)."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Exti(Words):
    """Of its lines, those of the pins: edges, and what software triggers.

    *interrupt* (line, level) is an interrupt of the M4, *wake* is called for every event on a
    line that wakes it.
    """

    RTSR1, FTSR1, SWIER1, RPR1, FPR1 = 0x00, 0x04, 0x08, 0x0C, 0x10
    EXTICR1, C2IMR1 = 0x60, 0xC0
    PINS = 0xFFFF

    def __init__(
        self, interrupt: Callable[[int, bool], None], wake: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__()
        self._interrupt, self._wake = interrupt, wake
        self._banks: dict[int, int] = {}  # levels of the pins, by the number of the bank

    def wakes(self, line: int) -> bool:
        """Whether an event on *line* wakes the M4."""
        return bool(self.load(self.C2IMR1 + line // 32 * 16) >> line % 32 & 1)

    def pins(self, bank: int, levels: int) -> None:
        """The pins of *bank*, by its number in EXTICRx, have these *levels* now."""
        before, self._banks[bank] = self._banks.get(bank, 0), levels
        changed = (before ^ levels) & self._selected(bank)
        if changed:
            self._happens(
                changed & levels & self.load(self.RTSR1), changed & ~levels & self.load(self.FTSR1)
            )

    def _selected(self, bank: int) -> int:
        """The lines that are those of *bank*."""
        return sum(
            1 << line
            for line in range(16)
            if self.words.get(self.EXTICR1 + line // 4 * 4, 0) >> line % 4 * 8 & 0xFF == bank
        )

    def _happens(self, rising: int, falling: int) -> None:
        self.words[self.RPR1] = self.load(self.RPR1) | rising
        self.words[self.FPR1] = self.load(self.FPR1) | falling
        self._update()
        if (rising | falling) & self.load(self.C2IMR1):
            self._wake()

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
            self._happens(value & self.PINS, 0)
        elif offset in (self.RPR1, self.FPR1):
            self.words[offset] = self.load(offset) & ~value
        else:
            super().store(offset, value)
        if offset in (self.RPR1, self.FPR1, self.C2IMR1):
            self._update()

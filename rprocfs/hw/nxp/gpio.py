"""General purpose I/O of i.MX processors (IMX8MMRM chapter "GPIO")."""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DR, GDIR, PSR, ICR1, ICR2, IMR, ISR, EDGE = range(0, 0x20, 4)
LOW, HIGH, RISING, FALLING = range(4)
DR_SET, DR_CLEAR, DR_TOGGLE = 0x84, 0x88, 0x8C


class Gpio(Words):
    """32 pins, *inputs* their levels; *interrupts* are told those of pins 0 to 15, 16 to 31."""

    def __init__(self, *interrupts: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupts = interrupts
        self.inputs = 0

    def set_input(self, pin: int, level: bool) -> None:
        """The level at a pin changes."""
        before = self._pads
        self.inputs = self.inputs & ~(1 << pin) | level << pin
        self._changed(before)

    @property
    def _pads(self) -> int:
        direction = self.words.get(GDIR, 0)
        return self.words.get(DR, 0) & direction | self.inputs & ~direction

    def _changed(self, before: int) -> None:
        pads, status = self._pads, self.words.get(ISR, 0)
        edges, any_edge = before ^ pads, self.words.get(EDGE, 0)
        for pin in range(32):
            bit = 1 << pin
            kind = self.words.get(ICR1 if pin < 16 else ICR2, 0) >> 2 * (pin & 15) & 3
            seen = (not pads & bit, pads & bit, edges & pads & bit, edges & ~pads & bit)[kind]
            if edges & bit if any_edge & bit else seen:
                status |= bit
        self.words[ISR] = status
        self._update()

    def _update(self) -> None:
        asked = self.words.get(ISR, 0) & self.words.get(IMR, 0)
        for interrupt, half in zip(self._interrupts, (0xFFFF, 0xFFFF_0000), strict=False):
            interrupt(bool(asked & half))

    def load(self, offset: int) -> int:
        """The word; DR reads the pad of an input."""
        if offset in (DR, PSR):
            return self._pads
        return super().load(offset)

    def ones(self, offset: int) -> bool:
        """ISR, and the registers that set, clear and toggle DR."""
        return offset in (ISR, DR_SET, DR_CLEAR, DR_TOGGLE)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        before, output = self._pads, self.words.get(DR, 0)
        if offset == ISR:
            self.words[ISR] = self.words.get(ISR, 0) & ~value
        elif offset in (DR_SET, DR_CLEAR, DR_TOGGLE):
            results = {DR_SET: output | value, DR_CLEAR: output & ~value}
            self.words[DR] = results.get(offset, output ^ value)
        elif offset != PSR:
            super().store(offset, value)
        self._changed(before)

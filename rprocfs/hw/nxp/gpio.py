"""General purpose I/O of i.MX processors (IMX8MMRM chapter "GPIO")."""

from __future__ import annotations

from rprocfs.hw.inputs import Pins
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.inputs import Input

DR, GDIR, PSR, ICR1, ICR2, IMR, ISR, EDGE = range(0, 0x20, 4)
LOW, HIGH, RISING, FALLING = range(4)
DR_SET, DR_CLEAR, DR_TOGGLE = 0x84, 0x88, 0x8C
#: Those of each interrupt.
PINS = (0xFFFF, 0xFFFF_0000, *(1 << pin for pin in range(8)))


class Gpio(Words):
    """32 pins; *interrupts* are told the levels of those of pins 0 to 15 and of 16 to 31.

    What is behind these are interrupts of single pins, from pin 0 on.
    """

    def __init__(self, *interrupts: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupts = interrupts
        self._seen = 0
        self._pins = Pins(32, lambda levels: self._look())

    def inputs(self) -> Mapping[str, Input]:
        """The pins, by their numbers."""
        return {str(number): pin for number, pin in enumerate(self._pins.inputs)}

    def _look(self) -> None:
        """What the levels and edges at the pins make pending."""
        pads, before = self._pins.levels, self._seen
        edges, any_edge, self._seen = before ^ pads, self.words.get(EDGE, 0), pads
        kinds = {LOW: ~pads, HIGH: pads, RISING: edges & pads, FALLING: edges & ~pads}
        seen = edges & any_edge
        for kind, bits in kinds.items():
            seen |= bits & self._configured(kind) & ~any_edge
        self.words[ISR] = self.words.get(ISR, 0) | seen & 0xFFFF_FFFF
        self._update()

    def _configured(self, kind: int) -> int:
        """The pins that interrupt for that *kind* of level or edge."""
        both = self.words.get(ICR2, 0) << 32 | self.words.get(ICR1, 0)
        return sum(1 << pin for pin in range(32) if both >> 2 * pin & 3 == kind)

    def _update(self) -> None:
        asked = self.words.get(ISR, 0) & self.words.get(IMR, 0)
        for interrupt, pins in zip(self._interrupts, PINS, strict=False):
            interrupt(bool(asked & pins))

    def load(self, offset: int) -> int:
        """The word; DR reads the pad of an input."""
        if offset in (DR, PSR):
            return self._pins.levels
        return super().load(offset)

    def ones(self, offset: int) -> bool:
        """ISR, and the registers that set, clear and toggle DR."""
        return offset in (ISR, DR_SET, DR_CLEAR, DR_TOGGLE)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        output = self.words.get(DR, 0)
        if offset == ISR:
            self.words[ISR] = self.words.get(ISR, 0) & ~value
        elif offset in (DR_SET, DR_CLEAR, DR_TOGGLE):
            results = {DR_SET: output | value, DR_CLEAR: output & ~value}
            self.words[DR] = results.get(offset, output ^ value)
        elif offset != PSR:
            super().store(offset, value)
        self._pins.configure(self.words.get(GDIR, 0), self.words.get(DR, 0))
        self._look()

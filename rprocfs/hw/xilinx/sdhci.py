"""An SD host controller (SD Host Controller specification 3.00, UG1087 module SDIO) without a card.

Commands time out, as they do with an empty slot.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Words; COMMAND is the upper half of its one, SW_RST the upper byte of CLOCK.
COMMAND, RESPONSE, PRESENT_STATE, CLOCK, STATUS, STATUS_EN, SIGNAL_EN = (
    0x0C, 0x10, 0x24, 0x2C, 0x30, 0x34, 0x38,
)  # fmt: skip
CAPABILITIES, CAPABILITIES_HIGH, CURRENT, VERSION = 0x40, 0x44, 0x48, 0xFC
RESET_ALL, RESETS = 1 << 24, 7 << 24
CLOCK_EN, CLOCK_STABLE = 1, 2
#: STATUS: any error, no answer to a command. PRESENT_STATE: no card, all lines are high.
ERROR, TIMEOUT = 1 << 15, 1 << 16
EMPTY = 0x01F2_0000 & ~(1 << 16)
CONSTANTS = {
    PRESENT_STATE: EMPTY, CAPABILITIES: 0x37EC_6481, CAPABILITIES_HIGH: 0x2807, CURRENT: 0,
    VERSION: 0x1002_0000,
}  # fmt: skip


class Sdhci(Words):
    """One controller. *interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__(CONSTANTS)
        self._interrupt = interrupt

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset == STATUS

    def write(self, offset: int, size: int, value: int) -> None:
        """Write *size* bytes at *offset*: one that reaches the command sends it."""
        super().write(offset, size, value)
        if offset <= COMMAND + 3 < offset + size and offset & ~3 == COMMAND:
            self._fail()

    def _fail(self) -> None:
        enabled = self.words.get(STATUS_EN, 0)
        if enabled & TIMEOUT:
            self.words[STATUS] = self.words.get(STATUS, 0) | TIMEOUT | ERROR
        self._update()

    def _update(self) -> None:
        status, signals = self.words.get(STATUS, 0), self.words.get(SIGNAL_EN, 0)
        self._interrupt(bool(status & signals))

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == STATUS:
            left = self.words.get(STATUS, 0) & ~value
            self.words[STATUS] = left if left >> 16 else left & ~ERROR
        elif offset == CLOCK:
            self._clock(value)
        elif offset not in CONSTANTS and not RESPONSE <= offset < 0x20:
            super().store(offset, value)
        self._update()

    def _clock(self, value: int) -> None:
        """Resets are over at once, and clear themselves; a clock is stable at once."""
        if value & RESET_ALL:
            self.words = dict(CONSTANTS)
            return
        value &= ~(RESETS | CLOCK_STABLE)
        self.words[CLOCK] = value | (CLOCK_STABLE if value & CLOCK_EN else 0)

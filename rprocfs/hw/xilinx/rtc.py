"""The real-time clock (UG1085 chapter 7, UG1087 module RTC): seconds since the core was started.

A time that is written counts from the next second on, as the manual says; the second that is
under way begins again.
"""

from __future__ import annotations

from rprocfs.hw.clock import SECOND
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SET_TIME_WRITE, SET_TIME_READ, CALIB_WRITE, CALIB_READ = 0x00, 0x04, 0x08, 0x0C
CURRENT_TIME, CURRENT_TICK, ALARM = 0x10, 0x14, 0x18
INT_STATUS, INT_MASK, INT_EN, INT_DIS, CONTROL = 0x20, 0x24, 0x28, 0x2C, 0x40
#: Interrupts: a second has passed, it is the time of the alarm. CALIB: ticks, and 16ths of one.
SECONDS, ALARMED = 1, 2
MAX_TICK, FRACTION_EN = 0xFFFF, 1 << 20
HZ, ALL = 32_768, 0xFFFF_FFFF
#: CALIB is what Linux has written.
RESET = {CALIB_READ: HZ - 1, CONTROL: 1 << 24}


class Rtc(Words):
    """*alarm* and *seconds* are the interrupts, each is told its level; *now* is the clock."""

    #: Time does not wait for it.
    limit = None

    def __init__(
        self,
        alarm: Callable[[bool], None],
        seconds: Callable[[bool], None],
        now: Callable[[], int],
    ) -> None:
        super().__init__(RESET)
        self._lines, self._now = {ALARMED: alarm, SECONDS: seconds}, now
        self._status, self._mask = 0, SECONDS | ALARMED
        self._began = now()  # when the second that is under way began
        self._time = 0
        self._next: int | None = None  # the time that was set
        #: When the next second ends, if anything is to be interrupted by it.
        self.deadline: int | None = None

    @property
    def _period(self) -> int:
        """A second, by CALIB."""
        calibration = self.words[CALIB_READ]
        sixteenths = 16 * ((calibration & MAX_TICK) + 1)
        sixteenths += calibration >> 16 & 15 if calibration & FRACTION_EN else 0
        return sixteenths * SECOND // (16 * HZ)

    def advance(self) -> None:
        """Count the seconds that have passed."""
        passed = (self._now() - self._began) // self._period
        if passed <= 0:
            return
        self._began += passed * self._period
        before = self._time
        if self._next is not None:
            before, self._next = self._next - 1, None
        self._time = before + passed & ALL
        self._status |= SECONDS
        if 0 < self.words.get(ALARM, 0) - before <= passed:
            self._status |= ALARMED
        self._update()

    def _update(self) -> None:
        for flag, line in self._lines.items():
            line(bool(self._status & ~self._mask & flag))
        waits = ~self._mask & ~self._status & (SECONDS | ALARMED)
        self.deadline = self._began + self._period if waits else None

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        self.advance()
        if offset == CURRENT_TICK:
            return (self._now() - self._began) * HZ // SECOND & MAX_TICK
        known = {
            CURRENT_TIME: self._time, INT_STATUS: self._status, INT_MASK: self._mask,
            INT_EN: 0, INT_DIS: 0, SET_TIME_WRITE: 0, CALIB_WRITE: 0,
        }  # fmt: skip
        return known.get(offset, super().load(offset))

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (INT_STATUS, INT_EN, INT_DIS)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        self.advance()
        if offset == INT_STATUS:
            self._status &= ~value
        elif offset == INT_EN:
            self._mask &= ~value
        elif offset == INT_DIS:
            self._mask |= value & (SECONDS | ALARMED)
        elif offset == SET_TIME_WRITE:
            self.words[SET_TIME_READ] = self._next = value
            self._began = self._now()
        elif offset == CALIB_WRITE:
            self.words[CALIB_READ] = value & (MAX_TICK | 0x1F << 16)
        elif offset not in (CURRENT_TIME, CURRENT_TICK, SET_TIME_READ, CALIB_READ, INT_MASK):
            super().store(offset, value)
        self._update()

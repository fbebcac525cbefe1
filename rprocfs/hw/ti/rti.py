"""The digital windowed watchdog of K3 processors (SPRUIV7 "RTI/WWDT").

It goes by the processor's own time: one that others on the host keep from executing feeds it late,
and is not to blame. The counters and compare interrupts of the RTI are not modelled.
"""

from __future__ import annotations

from rprocfs.hw.clock import SECOND
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.clock import Clock

DWDCTRL, DWDPRLD, WDSTATUS, WDKEY, DWDCNTR, WWDRXNCTRL, WWDSIZECTRL = range(0x90, 0xAC, 4)
ENABLE, DISABLED = 0xA985_59DA, 0x5312_ACED
KEYS = (0xE51A, 0xA35C)
#: WDSTATUS: the time is over; a wrong key; fed before the window, or not in it; either of these.
DWDST, KEYST, START_TIME, END_TIME, DWWD = (1 << bit for bit in range(1, 6))
UNIT = 1 << 13  # counts of DWDPRLD
#: WWDSIZECTRL: by how many bits the period is shifted for the length of the window.
SIZES = {0x5: 0, 0x50: 1, 0x500: 2, 0x5000: 3, 0x5_0000: 4}
SMALLEST = 5


class Rti(Words):
    """*clock* is that of the core, *hz* that of the counter, *bite* (reason) the end.

    It bites whatever its reaction is: what it would interrupt resets the SoC.
    """

    #: Time does not wait for it.
    limit = None

    def __init__(self, clock: Clock, hz: int, bite: Callable[[], None]) -> None:
        super().__init__({DWDCTRL: DISABLED, DWDPRLD: 0xFFF, WWDRXNCTRL: 5, WWDSIZECTRL: 5})
        self._clock, self._now, self._hz, self._bite = clock, clock.own, hz, bite
        self._since = 0
        self._closed = 0  # counts of this period in which it must not be fed

    @property
    def _on(self) -> bool:
        return self.words[DWDCTRL] == ENABLE

    @property
    def _period(self) -> int:
        return (self.words[DWDPRLD] + 1) * UNIT

    def _counts(self) -> int:
        return (self._now() - self._since) * self._hz // SECOND if self._on else 0

    def _end(self) -> int:
        return self._since - (-self._period * SECOND // self._hz)

    def _restart(self) -> None:
        self._since = self._now()
        size = self._period >> SIZES.get(self.words[WWDSIZECTRL], SMALLEST)
        self._closed = self._period - size

    def _fail(self, status: int) -> None:
        self.words[WDSTATUS] = self.words.get(WDSTATUS, 0) | status
        self._bite()

    @property
    def deadline(self) -> int | None:
        """When it bites, at the earliest; None: it does not run."""
        return self._clock() + max(0, self._end() - self._now()) if self._on else None

    def advance(self) -> None:
        """Bite, if it is time."""
        if self._on and self._now() >= self._end():
            self._fail(DWDST | END_TIME | DWWD)

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset == DWDCNTR:
            return max(0, self._period - 1 - self._counts())
        return super().load(offset)

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (WDSTATUS, WDKEY)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; once it runs it goes on, with the same time."""
        if offset == WDSTATUS:
            self.words[WDSTATUS] = self.words.get(WDSTATUS, 0) & ~value
        elif offset == WDKEY:
            self._feed(value & 0xFFFF)
        elif offset == DWDPRLD:
            self.words[DWDPRLD] = self.words[DWDPRLD] if self._on else value & 0xFFF
        elif offset == DWDCTRL:
            if value == ENABLE and not self._on:
                self.words[DWDCTRL] = ENABLE
                self._restart()
        elif offset != DWDCNTR:
            super().store(offset, value)

    def _feed(self, key: int) -> None:
        """The two keys in order; the first may come again."""
        before, self.words[WDKEY] = self.words.get(WDKEY, 0), key
        if not self._on or key == KEYS[0]:
            return
        if (before, key) != KEYS:
            self._fail(KEYST)
        elif self._counts() < self._closed:
            self._fail(START_TIME | DWWD)
        else:
            self._restart()

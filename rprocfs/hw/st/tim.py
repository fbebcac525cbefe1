"""Timers (RM0436 chapters 36 to 39), as far as they count up: updates, compares, DMA requests.

Neither inputs (capture, external clocks, the trigger of another timer) nor outputs are
connected. Software can generate every event (EGR).
"""

from __future__ import annotations

from rprocfs.hw.clock import AT_ONCE, LAG, PATIENCE, SECOND
from rprocfs.hw.dma import Request
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Line = Callable[[bool], None]

CR1, CR2, DIER, SR, EGR, CCMR1, CNT, PSC, ARR = 0, 4, 0x0C, 0x10, 0x14, 0x18, 0x24, 0x28, 0x2C
RCR, CCR1, DCR, DMAR, CCMR3 = 0x30, 0x34, 0x48, 0x4C, 0x54
CEN, UDIS, URS, OPM, CCDS = 1, 2, 4, 8, 8
MMS, MMS_UPDATE = 7 << 4, 2 << 4

#: Events have the same bits in SR, EGR and DIER, where DMA requests have them 8 higher.
UIF, COMIF, TIF, CC1IF = 1, 1 << 5, 1 << 6, 1 << 1
CCIFS, FLAGS, DE = 0x1E, 0x7F, 8
#: In the order of their numbers at the DMAMUX.
REQUESTS = (*(CC1IF << channel for channel in range(4)), UIF, TIF, COMIF)
#: Which events each of the interrupts is for, if there are so many.
INTERRUPTS = {1: (FLAGS,), 3: (UIF, CCIFS, TIF | COMIF)}


class Tim(Words):
    """A counter of *bits* bits with *channels* that compare, at wall-clock time.

    *now* is the clock in nanoseconds, *hz* what it counts by, *lines* are told the levels of
    the interrupts. While an event is to interrupt, those behind it wait, but not for
    ever, until it was seen: none is lost while nobody looks. *busy* is how long
    the processor has executed. Where updates are its trigger output (TRGO), *trigger* is
    called for them while somebody *listens*; of those that are due only the last one counts.
    *serve* lets DMA move what is requested. Only one that *repeats* has RCR.
    """

    def __init__(
        self,
        now: Callable[[], int],
        hz: Callable[[], int],
        lines: tuple[Line, ...],
        bits: int = 16,
        channels: int = 0,
        repeats: bool = False,
        busy: Callable[[], int] = lambda: 0,
        listens: Callable[[], bool] = lambda: False,
        trigger: Callable[[], None] = lambda: None,
        serve: Callable[[], object] = lambda: None,
    ) -> None:
        self._listens, self._trigger, self._serve = listens, trigger, serve
        self._busy, self._told = busy, 0
        self._all = (1 << bits) - 1
        super().__init__({ARR: self._all, CR1: 0, CR2: 0, DIER: 0, SR: 0, PSC: 0, RCR: 0, DCR: 0})
        self._now, self._hz = now, hz
        self._channels, self._repeats = channels, repeats
        self._lines = tuple(zip(lines, INTERRUPTS[len(lines)], strict=True))
        self._prescale = 1  # what is in use of PSC
        self._start = self._base = 0  # when it had which count
        self._at = 0  # the count of the next event
        self._left = 0  # overflows until the next update
        self._due: int | None = None  # when that is
        self._wanted = 0  # events that DMA is to serve
        self._burst = 0  # the register that DMAR stands for, counted from DCR.DBA
        self._then: int | None = None  # the time of the event that is made up for

    def requests(self) -> tuple[Request, ...]:
        """To the DMAMUX: of the channels, of updates, of the trigger, of commutation."""
        return tuple(self._request(event) for event in REQUESTS)

    def _request(self, event: int) -> Request:
        return Request(lambda: bool(self._wanted & event), taken=lambda: self._taken(event))

    def _taken(self, event: int) -> None:
        """DMA has moved an item; a burst goes on until all of its registers had their turn."""
        if not self._burst:
            self._wanted &= ~event

    # Counting

    def _time(self) -> int:
        """What time it is; while an event happens, when it was due."""
        return self._now() if self._then is None else self._then

    def _count(self) -> int:
        if not self.words[CR1] & CEN:
            return self._base
        elapsed = (self._time() - self._start) * self._hz() // (SECOND * self._prescale)
        return min(self._base + elapsed, self._period - 1)

    @property
    def _period(self) -> int:
        return (self.words[ARR] & self._all) + 1

    def _ns(self, counts: int) -> int:
        return -(-counts * self._prescale * SECOND // self._hz())

    def _run_from(self, count: int, start: int) -> None:
        """It had *count* at the time *start*."""
        self._base, self._start, self._at = count, start, count
        self._plan()

    def _plan(self) -> None:
        """Find the next event behind the count ``_at``, and when it is due."""
        if not self.words[CR1] & CEN or self._period <= 1:
            self._due = None
            return
        marks = [mark for mark in map(self._mark, range(self._channels)) if mark > self._at]
        self._at = min([*marks, self._period])
        self._due = self._start + self._ns(max(0, self._at - self._base))

    def _mark(self, channel: int) -> int:
        """The count that *channel* compares with; -1: it is an input."""
        selection = self.words.get(CCMR1 + channel // 2 * 4, 0) >> channel % 2 * 8
        return -1 if selection & 3 else self.words.get(CCR1 + 4 * channel, 0) & self._all

    def _matches(self, count: int) -> int:
        """The flags of the channels that compare with *count*."""
        return sum(CC1IF << one for one in range(self._channels) if self._mark(one) == count)

    # What happens meanwhile

    def _asked(self) -> bool:
        """Whether a time will come at which an interrupt or DMA is asked for."""
        asked = self.words[DIER]
        return bool((asked | asked >> DE & ~self._wanted) & (UIF | CCIFS))

    @property
    def limit(self) -> int | None:
        """When it interrupts next."""
        return self._due if self.words[DIER] & (UIF | CCIFS) else None

    @property
    def deadline(self) -> int | None:
        """When somebody is to be told next."""
        return self._due if self._asked() or self._triggers() else None

    def _triggers(self) -> bool:
        return self.words[CR2] & MMS == MMS_UPDATE and self._listens()

    def advance(self) -> None:
        """Let it pass its events, if it is time."""
        for _ in range(AT_ONCE):
            if self._due is None or (now := self._now()) < self._due:
                return
            event = UIF if self._at == self._period else self._matches(self._at)
            late = now - self._due > LAG
            if event & self.words[DIER] & self.words[SR] and not late and self._patient():
                return
            asked = self._asked() and not late
            self._then = self._due
            if self._at == self._period:
                self._overflow(self._due, 0 if asked else now - self._due)
            else:
                self._plan()
                self._happens(event)
            self._then = None

    def _patient(self) -> bool:
        return self._busy() - self._told < PATIENCE

    def _overflow(self, due: int, behind: int) -> None:
        """It passes its end, at *due*; the rounds in the time *behind* that are one with it."""
        self._prescale = (self.words[PSC] & 0xFFFF) + 1
        around = self._ns(self._period)
        missed = behind // around
        flags = self._matches(0)
        if missed:
            flags |= sum(self._matches(mark) for mark in {*map(self._mark, range(self._channels))})
        if self._left and not missed:
            self._left -= 1
        else:
            flags |= UIF
            self._left = self.words[RCR] & 0xFFFF
            if self.words[CR1] & OPM:
                self.words[CR1] &= ~CEN
        self._run_from(0, due + missed * around)
        self._happens(flags & ~UIF if self.words[CR1] & UDIS else flags)

    def _happens(self, events: int) -> None:
        """Flags, interrupts, requests, the trigger output."""
        if events & ~self.words[SR]:
            self._told = self._busy()
        self.words[SR] |= events
        self._update()
        at_update = self.words[CR2] & CCDS
        requested = events & ~CCIFS | (CCIFS if events & UIF else 0) if at_update else events
        requested &= self.words[DIER] >> DE & FLAGS
        if requested:
            self._wanted |= requested
            self._serve()
        if events & UIF and self._triggers():
            self._trigger()

    def _update(self) -> None:
        pending = self.words[SR] & self.words[DIER]
        for line, events in self._lines:
            line(bool(pending & events))

    # Registers

    def _dmar(self) -> int:
        """The register that DMAR stands for now; the next one at the next access."""
        control = self.words[DCR]
        offset = 4 * ((control & 31) + self._burst)
        self._burst = (self._burst + 1) % ((control >> 8 & 31) + 1)
        return CR1 if offset == DMAR else offset

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset in (CNT, SR):
            self.advance()
        if offset == CNT:
            return self._count()
        return self.load(self._dmar()) if offset == DMAR else super().load(offset)

    def ones(self, offset: int) -> bool:
        """EGR."""
        return offset == EGR

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; a zero clears a flag in SR."""
        if offset == DMAR:
            self.store(self._dmar(), value)
        elif offset == EGR:
            self._generate(value & FLAGS)
        elif offset == SR:
            self.words[SR] &= value
            self._update()
        elif offset != RCR or self._repeats:
            self._configure(offset, value)

    def _generate(self, events: int) -> None:
        if events & UIF:
            self._prescale = (self.words[PSC] & 0xFFFF) + 1
            self._left = self.words[RCR] & 0xFFFF
            self._run_from(0, self._time())
            if self.words[CR1] & (UDIS | URS):
                events &= ~UIF
        if events:
            self._happens(events)

    def _configure(self, offset: int, value: int) -> None:
        count = self._count()
        super().store(offset, value)
        if offset == CNT:
            self._run_from(value & self._all, self._time())
        elif offset in (CR1, ARR):
            self._run_from(count, self._time())
        elif CCMR1 <= offset < CCMR1 + 8 or CCR1 <= offset < CCR1 + 16:
            self._at = count
            self._plan()
        elif offset == DCR:
            self._burst = 0
        elif offset == DIER:
            self._wanted &= value >> DE
            self._update()

"""The DM timer of K3 processors (SPRUIV7 "Timers"): counting, overflow and comparing.

Posted writes are done at once. There is no capture, and no output.
"""

from __future__ import annotations

from rprocfs.hw.clock import AT_ONCE, LAG, SECOND, Patience
from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CYCLE = 1 << 32
ST, AR, PRE, CE = 1, 1 << 1, 1 << 5, 1 << 6  # TCLR
MAT, OVF, ALL = 1, 2, 7


class DmTimer(Peripheral):
    """32 bits that count up at *hz*. *now* is the clock in nanoseconds.

    *interrupt* is told the level, *busy* is how long the processor has executed. An event that
    interrupts waits, but not for ever, until the one before was seen.
    """

    def __init__(
        self,
        interrupt: Callable[[bool], None],
        now: Callable[[], int],
        hz: int,
        busy: Callable[[], int] = lambda: 0,
    ) -> None:
        self._interrupt, self._now, self._input = interrupt, now, hz
        self._patience = Patience(busy)
        self._reset()

    def _reset(self) -> None:
        self._tclr = self._tldr = self._tmar = 0
        self._status = self._enabled = 0
        self._base = self._start = 0  # since when it counts on from where

    @property
    def _running(self) -> bool:
        return bool(self._tclr & ST)

    @property
    def _unit(self) -> int:
        """How many nanoseconds are as many counts as its input has hertz."""
        return SECOND << ((self._tclr >> 2 & 7) + 1 if self._tclr & PRE else 0)

    def _counts(self, nanoseconds: int) -> int:
        return nanoseconds * self._input // self._unit

    def _when(self, counts: int) -> int:
        return self._start - (-counts * self._unit // self._input)

    @property
    def _next(self) -> tuple[int, int]:
        """In how many counts something happens next, and the flags that it has."""
        left, flags = CYCLE - self._base, OVF
        ahead = self._tmar - self._base
        if self._tclr & CE and 0 < ahead < left:
            return ahead, MAT
        return left, flags

    @property
    def limit(self) -> int | None:
        """When it interrupts next, or before."""
        return self._when(self._next[0]) if self._running and self._enabled else None

    @property
    def deadline(self) -> int | None:
        """When somebody is to be told next."""
        return self.limit

    def advance(self) -> None:
        """Let it come to the next event, if it is time."""
        for _ in range(AT_ONCE):
            if not self._running:
                return
            left, flags = self._next
            due = self._when(left)
            late = self._now() - due
            if late < 0:
                return
            wanted = self._enabled if late <= LAG else 0
            if flags & wanted & self._status and self._patience.lasts():
                return
            self._patience.renew()
            self._status |= flags
            self._base, self._start = self._behind(left, flags), due
            if not wanted:
                self._skip(late)
            self._update()

    def _behind(self, left: int, flags: int) -> int:
        """The count behind an event; one shot stops at 0."""
        if flags != OVF:
            return self._base + left
        if not self._tclr & AR:
            self._tclr &= ~ST
            return 0
        return self._tldr

    def _skip(self, late: int) -> None:
        """Nobody is to be told: pass whole rounds at once."""
        rounds = self._counts(late) // (CYCLE - self._tldr)
        if rounds and self._base == self._tldr and self._tclr & AR:
            self._start = self._when(rounds * (CYCLE - self._tldr))

    def _update(self) -> None:
        self._interrupt(bool(self._status & self._enabled))

    def _count(self) -> int:
        passed = self._counts(self._now() - self._start) if self._running else 0
        return (self._base + passed) % CYCLE

    def _go_on(self, count: int) -> None:
        """Count on from *count*."""
        self._base, self._start = count, self._now()
        self._update()

    @register(0x10)
    def tiocp_cfg(self) -> int:
        """TIOCP_CFG: a software reset is over at once."""
        return 0

    @tiocp_cfg.store
    def _(self, value: int) -> None:
        if value & 1:
            self._reset()
            self._update()

    @register(0x24, ones=True)
    def irqstatus_raw(self) -> int:
        """IRQSTATUS_RAW; a one sets the event."""
        self.advance()
        return self._status

    @irqstatus_raw.store
    def _(self, value: int) -> None:
        self._status |= value & ALL
        self._update()

    @register(0x28, ones=True)
    def irqstatus(self) -> int:
        """IRQSTATUS: pending and enabled; a one clears it."""
        self.advance()
        return self._status & self._enabled

    @irqstatus.store
    def _(self, value: int) -> None:
        self._status &= ~value
        self.advance()
        self._update()

    @register(0x2C, ones=True)
    def irqenable_set(self) -> int:
        """IRQENABLE_SET."""
        return self._enabled

    @irqenable_set.store
    def _(self, value: int) -> None:
        self.advance()
        self._enabled |= value & ALL
        self._update()

    @register(0x30, ones=True)
    def irqenable_clr(self) -> int:
        """IRQENABLE_CLR."""
        return self._enabled

    @irqenable_clr.store
    def _(self, value: int) -> None:
        self._enabled &= ~value
        self._update()

    @register(0x38)
    def tclr(self) -> int:
        """TCLR: ST, AR, PTV and PRE, CE."""
        self.advance()
        return self._tclr

    @tclr.store
    def _(self, value: int) -> None:
        self.advance()
        count = self._count()
        self._tclr = value
        self._go_on(count)

    @register(0x3C)
    def tcrr(self) -> int:
        """TCRR: the count."""
        self.advance()
        return self._count()

    @tcrr.store
    def _(self, value: int) -> None:
        self.advance()
        self._go_on(value)

    @register(0x40)
    def tldr(self) -> int:
        """TLDR: what it begins with behind an overflow, or a trigger."""
        return self._tldr

    @tldr.store
    def _(self, value: int) -> None:
        self.advance()
        self._tldr = value

    @register(0x44)
    def ttgr(self) -> int:
        """TTGR: any value loads TLDR."""
        return 0xFFFF_FFFF

    @ttgr.store
    def _(self, value: int) -> None:
        del value
        self.advance()
        self._go_on(self._tldr)

    @register(0x48)
    def twps(self) -> int:
        """TWPS: no write is pending."""
        return 0

    @register(0x4C)
    def tmar(self) -> int:
        """TMAR: what the count is compared with."""
        return self._tmar

    @tmar.store
    def _(self, value: int) -> None:
        self.advance()
        self._tmar = value

    @register(0x54)
    def tsicr(self) -> int:
        """TSICR: POSTED, and a software reset that is over at once."""
        return 4

    @tsicr.store
    def _(self, value: int) -> None:
        if value & 2:
            self._reset()
            self._update()

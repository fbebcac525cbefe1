"""The Armv7-M SysTick timer, at wall-clock time (Armv7-M ARM B3.3)."""

from __future__ import annotations

from rprocfs.hw.clock import LAG, SECOND
from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.clock import Clock

ENABLE, TICKINT, CLKSOURCE, COUNTFLAG = 1, 2, 4, 1 << 16


class SysTick(Peripheral):
    """A 24-bit counter down from the reload value.

    *now* is the clock, in nanoseconds; *cpu_hz* and *ref_hz* are the frequencies that
    CTRL.CLKSOURCE selects. *tick* is called when the counter reaches zero with TICKINT
    set: once for each period, also for those that passed while nobody looked, one by one as
    *waits* says that the one before was taken. So a processor that lagged behind catches
    up, as if it had not; but not more than LAG.
    """

    def __init__(
        self,
        now: Clock,
        cpu_hz: int,
        ref_hz: int,
        tick: Callable[[], None],
        waits: Callable[[], bool] = lambda: False,
    ) -> None:
        self._now, self._waits = now, waits
        self._hz = (ref_hz, cpu_hz)
        self._tick = tick
        self._ctrl = self._reload = 0
        self._start = 0  # when it had
        self._left = 0  # this many cycles to go until it is zero
        self._top = 0  # from more than that it was zero when it started
        #: When :meth:`advance` next has something to do; None while nothing is coming.
        self.deadline: int | None = None

    @property
    def limit(self) -> int | None:
        """When it next interrupts; None while it does not."""
        return self.deadline if self._ctrl & TICKINT else None

    def set_clock(self, cpu_hz: int, ref_hz: int) -> None:
        """Count by other frequencies from now on."""
        current = self._current()
        self._hz = (ref_hz, cpu_hz)
        self._run_from(current)

    def advance(self) -> bool:
        """Let the counter pass zero, if it is time. True if it did."""
        if self.deadline is None or not self._now.reached(self.deadline):
            return False
        now = self._now()
        late = not self._ctrl & TICKINT or now - self.deadline > LAG
        if not late and self._waits():
            return False
        self._ctrl |= COUNTFLAG
        if self._reload:
            periods = (self._elapsed() - self._left) // (self._reload + 1) if late else 0
            self._start += self._nanoseconds(self._left + periods * (self._reload + 1))
            self._top, self._left = self._reload, self._reload + 1
            self.deadline = self._start + self._nanoseconds(self._left)
        else:
            self.deadline = None
            self._left = 0
        if self._ctrl & TICKINT:
            self._tick()
        return True

    def _nanoseconds(self, cycles: int) -> int:
        hz = self._hz[bool(self._ctrl & CLKSOURCE)]
        return -(-cycles * SECOND // hz)

    def _elapsed(self) -> int:
        hz = self._hz[bool(self._ctrl & CLKSOURCE)]
        return (self._now() - self._start) * hz // SECOND

    def _run_from(self, value: int) -> None:
        """Count down from *value*. From zero it takes one cycle more to the reload value."""
        self._left = value or (self._reload + 1 if self._reload else 0)
        self._top = value or self._reload
        self._start = self._now()
        running = self._ctrl & ENABLE and self._left
        self.deadline = self._start + self._nanoseconds(self._left) if running else None

    @register(0x010)
    def csr(self) -> int:
        """SYST_CSR; reading it clears COUNTFLAG."""
        self.advance()
        value = self._ctrl
        self._ctrl &= ~COUNTFLAG
        return value

    @csr.store
    def _(self, value: int) -> None:
        current = self._current()
        self._ctrl = self._ctrl & COUNTFLAG | value & 7
        self._run_from(current)

    @register(0x014)
    def rvr(self) -> int:
        """SYST_RVR, the reload value: used from the next time that the counter is zero."""
        return self._reload

    @rvr.store
    def _(self, value: int) -> None:
        current, stopped = self._current(), self.deadline is None
        self._reload = value & 0xFF_FFFF
        if stopped:
            self._run_from(current)

    @register(0x018)
    def cvr(self) -> int:
        """SYST_CVR, the counter; writing anything clears it, and COUNTFLAG."""
        self.advance()
        return self._current()

    @cvr.store
    def _(self, value: int) -> None:
        self._ctrl &= ~COUNTFLAG
        self._run_from(0)

    @register(0x01C)
    def calib(self) -> int:
        """SYST_CALIB: cycles of the reference clock in 10 ms."""
        return self._hz[0] // 100

    def _current(self) -> int:
        """What the counter holds: zero is the cycle before the reload value.

        One that waits is in front of zero: it is there when COUNTFLAG says so, not before.
        """
        if self.deadline is None:
            return self._left if self._left <= self._top else 0
        left = max(1, self._left - self._elapsed())
        return left if left <= self._top else 0

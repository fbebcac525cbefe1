"""The temperature sensors of the i.MX 8M (TMU, chapter "Thermal Monitoring Unit" of the manuals).

What is measured is an input, in millidegrees as in hwmon. Linux has turned the monitor on.
"""

from __future__ import annotations

from rprocfs.hw.clock import SECOND
from rprocfs.hw.inputs import Value
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rprocfs.hw.inputs import Input

ENABLE = 0x00
EN = 1 << 31
INTERVAL = SECOND // 100  # between two measurements of what has interrupted, at least


class Site:
    """One that is measured: where its temperature is *reported*, at once and as an average.

    It is *shift* bits up, and valid by the bit *valid*, by which a threshold has it enabled, too.
    *flags* say that it is above the three thresholds: at once, average, critical.
    """

    __slots__ = ("flags", "reported", "shift", "valid")

    def __init__(
        self,
        reported: tuple[int, int],
        flags: tuple[int, int, int],
        *,
        shift: int = 0,
        valid: int = 1 << 31,
    ) -> None:
        self.reported, self.flags = reported, flags
        self.shift, self.valid = shift, valid


class Layout:
    """Where the registers of a TMU are: enables and flags of interrupts, thresholds, *sites*.

    An enable is *above* bits above its flag. *captured* are the places of bits for the sites that
    were too hot, (register, shift) for each threshold; *interval* is the register of that.
    """

    __slots__ = ("above", "captured", "interval", "sites", "thresholds", "tidr", "tier")

    def __init__(
        self,
        tier: int,
        thresholds: int,
        sites: Sequence[Site],
        *,
        above: int = 0,
        captured: Sequence[tuple[int, int]] = (),
        interval: int | None = None,
    ) -> None:
        self.tier, self.tidr = tier, tier + 4
        self.thresholds = (thresholds, thresholds + 4, thresholds + 8)
        self.sites, self.above = sites, above
        self.captured, self.interval = captured, interval


MINI = Layout(0x08, 0x10, (Site((0x20, 0x24), (1 << 30, 1 << 29, 1 << 28)),), above=1)
PLUS = Layout(
    0x08,
    0x10,
    (
        Site((0x20, 0x24), (1 << 27, 1 << 26, 1 << 25), valid=1 << 30),
        Site((0x20, 0x24), (1 << 31, 1 << 30, 1 << 29), shift=16),
    ),
)
QUAD = Layout(
    0x20,
    0x50,
    tuple(Site((at, at + 4), (1 << 31, 1 << 30, 1 << 29)) for at in range(0x100, 0x130, 0x10)),
    captured=((0x28, 16), (0x28, 0), (0x2C, 0)),
    interval=0x08,
)


class Tmu(Words):
    """All sites of a *layout* have the one temperature. *now* is the clock in nanoseconds."""

    #: Time does not wait for it.
    limit = None

    def __init__(
        self, layout: Layout, now: Callable[[], int], interrupt: Callable[[bool], None]
    ) -> None:
        super().__init__({ENABLE: EN})
        self._layout, self._now, self._interrupt = layout, now, interrupt
        self._flags = 0
        self._next: int | None = None
        self._temperature = Value(125_000, -40_000, 45_000)
        self._temperature.watchers.append(lambda level: self._measure())

    def inputs(self) -> Mapping[str, Input]:
        """The temperature in millidegrees Celsius."""
        return {"temp1_input": self._temperature}

    @property
    def _celsius(self) -> int:
        return self._temperature.level // 1000

    def _measure(self) -> None:
        """Compare with the thresholds that are enabled."""
        self._next = None
        if self.words.get(ENABLE, 0) & EN:
            for number, site in enumerate(self._layout.sites):
                self._compare(number, site)
        self._update()

    def _compare(self, number: int, site: Site) -> None:
        for kind, flag in enumerate(site.flags):
            threshold = self.words.get(self._layout.thresholds[kind], 0)
            limit = threshold >> site.shift & 0xFF
            if not threshold & site.valid or self._celsius <= limit - (limit & 0x80) * 2:
                continue
            self._flags |= flag
            if self._layout.captured:  # of the sites that are monitored; the first one is bit 15
                register, shift = self._layout.captured[kind]
                monitored = self.words.get(ENABLE, 0) & 1 << 15 - number
                self.words[register] = self.words.get(register, 0) | monitored << shift

    @property
    def _interval(self) -> int:
        if self._layout.interval is None:
            return INTERVAL
        doubled = self.words.get(self._layout.interval, 0) & 0xF
        return INTERVAL << (0 if doubled == 0xF else doubled)

    def _update(self) -> None:
        enabled = self.words.get(self._layout.tier, 0) >> self._layout.above
        self._interrupt(bool(self._flags & enabled))

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if offset == self._layout.tidr:
            return self._flags
        if not self.words.get(ENABLE, 0) & EN:
            return super().load(offset)
        sites = [site for site in self._layout.sites if offset in site.reported]
        if not sites:
            return super().load(offset)
        return sum(site.valid | (self._celsius & 0xFF) << site.shift for site in sites)

    def ones(self, offset: int) -> bool:
        """The flags are cleared by ones."""
        return offset == self._layout.tidr

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; what is still too hot is found so at the next measurement."""
        if offset == self._layout.tidr:
            self._flags &= ~value
            self._next = self._now() + self._interval
            self._update()
            return
        super().store(offset, value)
        if offset in self._layout.thresholds or offset == ENABLE:
            self._measure()
        self._update()

    @property
    def deadline(self) -> int | None:
        """When it measures again."""
        return self._next

    def advance(self) -> None:
        """Measure, if it is time."""
        if self._next is not None and self._now() >= self._next:
            self._measure()

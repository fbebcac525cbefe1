"""Blocks of the i.MX 8M that mostly read what was written: GPC, SRC, system counter."""

from __future__ import annotations

from rprocfs.hw.clock import SECOND
from rprocfs.hw.peripherals import Words
from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Gpc(Words):
    """Power control: *requests* are the registers whose bits clear themselves.

    At *handshake* an acknowledge stands *shift* bits above what it answers. Both are active low:
    nothing is asked to power down at first.
    """

    def __init__(self, requests: Iterable[int], handshake: int, shift: int) -> None:
        super().__init__({handshake: (1 << shift) - 1})
        self._requests = frozenset(requests)
        self._handshake, self._shift = handshake, shift

    def load(self, offset: int) -> int:
        """The word; domains are up and down as soon as that is asked for."""
        word = super().load(offset)
        if offset == self._handshake:
            return (word | word << self._shift) & 0xFFFF_FFFF
        return 0 if offset in self._requests else word

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        keeps = (1 << self._shift) - 1 if offset == self._handshake else 0xFFFF_FFFF
        super().store(offset, value & keeps)


class Src(Words):
    """The reset controller; the core runs. *reset* is called if it resets itself."""

    M4RCR = 0x0C
    ENABLE, SW_MP_RST, SW_MC_RST = 1 << 3, 1 << 2, 1 << 1

    def __init__(self, reset: Callable[[], None]) -> None:
        super().__init__({self.M4RCR: 0xA8})
        self._reset = reset

    def store(self, offset: int, value: int) -> None:
        """Write the word; resets of the core clear themselves."""
        if offset == self.M4RCR:
            if value & (self.SW_MC_RST | self.SW_MP_RST):
                self._reset()
            value &= ~(self.SW_MC_RST | self.SW_MP_RST)
        super().store(offset, value)


class SystemCounter(Peripheral):
    """The system counter, 8 MHz: *now* is the clock in nanoseconds."""

    HZ = 8_000_000

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now

    @register(0x08, count=2)
    def cntcv(self, index: int) -> int:
        """CNTCV0, CNTCV1: the count, low word and high word."""
        return self._now() * self.HZ // SECOND >> 32 * index & 0xFFFF_FFFF

"""The messaging unit between two processors (IMX8MMRM chapter "Messaging Unit").

Each side has four transmit and four receive registers, four general purpose interrupts and
three flags. A word that one side writes is full at the other until it reads it. The layout is
that of ``fsl,imx6sx-mu`` in Linux's drivers/mailbox/imx-mailbox.c; channel 0 is the highest bit
of each field.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CHANNELS = 4
ALL = (1 << CHANNELS) - 1
# The fields of SR and CR: GIP and GIE, RF and RIE, TE and TIE, GIR; flags are the lowest bits.
GI, RF, TE, GIR = 28, 24, 20, 16
FLAGS, MUR = 7, 1 << 5
ENABLES = ALL << GI | ALL << RF | ALL << TE | FLAGS


def bit(field: int, channel: int) -> int:
    """The bit of *channel* in a *field*."""
    return 1 << field + CHANNELS - 1 - channel


class Mu(Peripheral):
    """One side; :func:`connect` makes two of them one unit.

    *interrupt* is told the level of this side's interrupt, whenever it may have changed.
    """

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        self.other = self
        self._interrupt = interrupt
        self._words = [0] * CHANNELS
        self._full = self._rung = 0  # RF and GIP, in place
        self._cr = 0

    @property
    def _sr(self) -> int:
        """GIP, RF, TE, and the flags of the other side."""
        empty = ~self.other._full >> (RF - TE) & ALL << TE
        return self._rung | self._full | empty | self.other._cr & FLAGS

    def _update(self) -> None:
        self._interrupt(bool(self._sr & self._cr & ~FLAGS))

    def _both(self) -> None:
        self._update()
        self.other._update()

    @register(0x00, count=CHANNELS)
    def tr(self, index: int) -> int:
        """TRn: a word for the other side; write only."""
        del index
        return 0

    @tr.store
    def _(self, index: int, value: int) -> None:
        self.other._words[index] = value
        self.other._full |= bit(RF, index)
        self._both()

    @register(0x10, count=CHANNELS)
    def rr(self, index: int) -> int:
        """RRn: the word of the other side, which may send the next one once this was read."""
        self._full &= ~bit(RF, index)
        self._both()
        return self._words[index]

    @register(0x20, ones=True)
    def sr(self) -> int:
        """SR: what is pending, full and empty; a one clears GIP, and GIR of the other side."""
        return self._sr

    @sr.store
    def _(self, value: int) -> None:
        self._rung &= ~value
        self._both()

    @register(0x24)
    def cr(self) -> int:
        """CR: interrupt enables and flags; a one rings GIR until the other side clears it."""
        return self._cr | self.other._rung >> GI - GIR

    @cr.store
    def _(self, value: int) -> None:
        if value & MUR:
            for side in (self, self.other):
                side._full = side._rung = side._cr = 0
        else:
            self._cr = value & ENABLES
            self.other._rung |= (value >> GIR & ALL) << GI
        self._both()


def connect(one: Mu, other: Mu) -> None:
    """Make *one* and *other* the two sides of one unit."""
    one.other, other.other = other, one

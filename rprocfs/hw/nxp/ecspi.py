"""The SPI controller of i.MX (IMX8MMRM chapter "ECSPI"): nobody is on its bus.

Bursts are exchanged as soon as they are asked for. What comes in is all ones or, with
TESTREG.LBC, what went out.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

RXDATA, TXDATA, CONREG, CONFIGREG, INTREG, DMAREG, STATREG = range(0, 0x1C, 4)
PERIODREG, TESTREG = 0x1C, 0x20
EN, XCH, SMC, BURST = 1, 1 << 2, 1 << 3, 20
#: STATREG: transmit FIFO empty, below its threshold, full; receive FIFO ready, above its threshold,
#: full, has overflowed; transfer completed. The last two are cleared by a one.
TE, TDR, TF, RR, RDR, RF, RO, TC = (1 << bit for bit in range(8))
LBC, DEPTH = 1 << 31, 64


class Ecspi(Words):
    """One controller. *interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt
        self._tx: list[int] = []
        self._rx: list[int] = []
        self._kept = 0  # RO and TC

    def _status(self) -> int:
        thresholds, sent, received = self.words.get(DMAREG, 0), len(self._tx), len(self._rx)
        flags = (TE, not sent), (TDR, sent <= thresholds & 0x3F), (TF, sent == DEPTH)
        more = (RR, received), (RDR, received > thresholds >> 16 & 0x3F), (RF, received == DEPTH)
        return self._kept | sum(flag for flag, holds in flags + more if holds)

    def load(self, offset: int) -> int:
        """The word at *offset*; RXDATA takes one."""
        if offset == RXDATA:
            word = self._rx.pop(0) if self._rx else 0
            self._update()
            return word
        if offset == STATREG:
            return self._status()
        if offset == TESTREG:
            return self.words.get(TESTREG, 0) & LBC | len(self._rx) << 8 | len(self._tx)
        return 0 if offset == TXDATA else super().load(offset)

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (TXDATA, STATREG)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; a controller that is off has empty FIFOs."""
        control = self.words.get(CONREG, 0)
        if offset == STATREG:
            self._kept &= ~value
        elif offset == TXDATA:
            if control & EN and len(self._tx) < DEPTH:
                self._tx.append(value)
        elif offset != RXDATA:
            super().store(offset, value & ~XCH if offset == CONREG else value)
        control = self.words.get(CONREG, 0)
        if not control & EN:
            self._tx.clear()
            self._rx.clear()
        elif self._tx and (control & SMC or (offset == CONREG and value & XCH)):
            self._exchange(control)
        self._update()

    def _exchange(self, control: int) -> None:
        ones = (2 << min(31, control >> BURST & 0xFFF)) - 1
        loops = self.words.get(TESTREG, 0) & LBC
        for word in self._tx:
            if len(self._rx) < DEPTH:
                self._rx.append(word & ones if loops else ones)
            else:
                self._kept |= RO
        self._tx.clear()
        self._kept |= TC

    def _update(self) -> None:
        self._interrupt(bool(self._status() & self.words.get(INTREG, 0)))

"""The SPI controller of i.MX (IMX8MMRM chapter "ECSPI"), as a controller.

Bursts are exchanged as soon as they are asked for; a target waits for ever. What comes in is what
devices answer, all ones without any or, with TESTREG.LBC, what went out.
"""

from __future__ import annotations

from rprocfs.hw.controllers import SpiController
from rprocfs.hw.dma import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

RXDATA, TXDATA, CONREG, CONFIGREG, INTREG, DMAREG, STATREG = range(0, 0x1C, 4)
PERIODREG, TESTREG = 0x1C, 0x20
EN, XCH, SMC, CHANNEL_MODE, CHANNEL_SELECT, BURST = 1, 1 << 2, 1 << 3, 4, 18, 20
#: STATREG: transmit FIFO empty, below its threshold, full; receive FIFO ready, above its threshold,
#: full, has overflowed; transfer completed. The last two are cleared by a one.
TE, TDR, TF, RR, RDR, RF, RO, TC = (1 << bit for bit in range(8))
TEDEN, RXDEN, RXTDEN = 1 << 7, 1 << 23, 1 << 31  # DMAREG
LBC, DEPTH = 1 << 31, 64


class Ecspi(SpiController):
    """One controller. *interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt
        self._tx: list[int] = []
        self._rx: list[int] = []
        self._kept = 0  # RO and TC
        self._left = 0  # bits of a burst that are to come

    def requests(self) -> tuple[Request, Request]:
        """The events of the SDMA: to receive, to send. RXTDEN asks for what is below, too."""
        return Request(self._asks_to_receive), Request(lambda: self._asks(TEDEN, TDR))

    def _asks(self, enable: int, flag: int) -> bool:
        on = self.words.get(CONREG, 0) & EN and self.words.get(DMAREG, 0) & enable
        return bool(on and self._status() & flag)

    def _asks_to_receive(self) -> bool:
        return self._asks(RXDEN, RDR) or (not self._tx and self._asks(RXTDEN, RR))

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
        for device in self._devices:
            self._select(device, bool(control & EN))
        if not control & EN:
            self._tx.clear()
            self._rx.clear()
            self._left = 0
        elif self._tx and (control & SMC or (offset == CONREG and value & XCH)):
            self._exchange(control)
        self._update()

    def _exchange(self, control: int) -> None:
        if not control >> CHANNEL_MODE + (control >> CHANNEL_SELECT & 3) & 1:
            return  # a target
        for word in self._tx:
            # The first word of a burst has what is above a multiple of 32 bits.
            self._left = self._left or (control >> BURST & 0xFFF) + 1
            bits = self._left % 32 or 32
            self._left -= bits
            answer = self._transfer(word & (1 << bits) - 1, bits)
            if len(self._rx) < DEPTH:
                self._rx.append(answer)
            else:
                self._kept |= RO
        self._tx.clear()
        self._kept |= TC

    def _transfer(self, word: int, bits: int) -> int:
        """A word each way, the most significant byte first."""
        ones = (1 << bits) - 1
        if self.words.get(TESTREG, 0) & LBC:
            return word
        if not self._selected:
            return ones
        answer, size = 0, -(-bits // 8)
        for byte in word.to_bytes(size, "big"):
            answers = [device.transfer(byte) for device in self._selected]
            answer = answer << 8 | answers[0] & 0xFF
        return answer & ones

    def _update(self) -> None:
        self._interrupt(bool(self._status() & self.words.get(INTREG, 0)))

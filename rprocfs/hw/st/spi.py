"""SPI (RM0436 chapter 53), as a controller; frames take no time.

A frame is clocked as soon as it is to be sent; if DMA is to take the answers, when there is
room for one, too. I2S, CRC and what a target does are not there: a target waits for ever.
"""

from __future__ import annotations

from rprocfs.hw.controllers import SpiController
from rprocfs.hw.dma import Request
from rprocfs.hw.registers import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CR1, CR2, CFG1, CFG2, IER, SR, IFCR, TXDR, RXDR = 0, 4, 8, 0x0C, 0x10, 0x14, 0x18, 0x20, 0x30
SPE, CSTART, CSUSP, HDDIR = 1, 1 << 9, 1 << 10, 1 << 11
RXDMAEN, TXDMAEN = 1 << 14, 1 << 15
COMM, TRANSMIT, RECEIVE, HALF_DUPLEX, MASTER = 17, 1, 2, 3, 1 << 22
# Flags, each enabled by the same bit of IER; that of TXC and SUSP by that of EOT.
RXP, TXP, DXP, EOT, TXTF, OVR, SUSP, TXC = (1 << bit for bit in (0, 1, 2, 3, 4, 6, 11, 12))
RXWNE, RXPLVL, CTSIZE = 1 << 15, 13, 16
FIFO = 16  # bytes


class Spi(SpiController):
    """*interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__({CR1: 0, CR2: 0, CFG1: 0x0007_0007, CFG2: 0, IER: 0})
        self._interrupt = interrupt
        self._tx, self._rx = bytearray(), bytearray()
        self._flags = 0  # EOT, TXTF, OVR, SUSP
        self._written = self._clocked = 0  # frames since the start

    def requests(self) -> tuple[Request, Request]:
        """To the DMAMUX: to receive, to send."""
        return Request(lambda: self._asks(RXP, RXDMAEN)), Request(lambda: self._asks(TXP, TXDMAEN))

    def _asks(self, flag: int, enable: int) -> bool:
        enabled = self.words[CR1] & SPE and self.words[CFG1] & enable
        return bool(enabled and self._status() & flag)

    # Frames

    @property
    def _size(self) -> int:
        """Bytes that a frame takes in a FIFO."""
        bits = (self.words[CFG1] & 31) + 1
        return 1 if bits <= 8 else 2 if bits <= 16 else 4

    @property
    def _packet(self) -> int:
        """Bytes of so many frames as the threshold says."""
        return min(FIFO, ((self.words[CFG1] >> 5 & 15) + 1) * self._size)

    @property
    def _total(self) -> int:
        """Frames of the transfer; 0: it has no end."""
        return self.words[CR2] & 0xFFFF

    @property
    def _directions(self) -> tuple[bool, bool]:
        """Whether it sends, and whether it receives."""
        mode = self.words[CFG2] >> COMM & 3
        if mode == HALF_DUPLEX:
            sends = bool(self.words[CR1] & HDDIR)
            return sends, not sends
        return mode != RECEIVE, mode != TRANSMIT

    def _clock(self) -> None:
        """Clock what can be."""
        control, size = self.words[CR1], self._size
        sends, receives = self._directions
        if not (control & SPE and control & CSTART and self.words[CFG2] & MASTER):
            return
        while not self._total or self._clocked < self._total:
            full = receives and len(self._rx) + size > FIFO
            waits = full and (not sends or self.words[CFG1] & RXDMAEN)
            if waits or (sends and len(self._tx) < size):
                return
            frame = bytes(self._tx[:size]) if sends else b"\xff" * size
            del self._tx[: size if sends else 0]
            answer = self._exchange(frame)
            if full:
                self._flags |= OVR
            elif receives:
                self._rx += answer
            self._clocked += 1
        self._flags |= EOT
        self.words[CR1] &= ~CSTART

    def _exchange(self, frame: bytes) -> bytes:
        """A frame each way; the most significant byte goes first, and nobody leaves it at ones."""
        answer = bytearray()
        for byte in reversed(frame):
            value = 0xFF
            for device in self._selected:
                value &= device.transfer(byte)
            answer.insert(0, value & 0xFF)
        bits = (self.words[CFG1] & 31) + 1
        return (int.from_bytes(answer, "little") & (1 << bits) - 1).to_bytes(len(frame), "little")

    def _status(self) -> int:
        sends, receives = self._directions
        flags, size = self._flags, self._size
        if not self.words[CR1] & SPE:
            return flags | TXP | TXC
        wanted = not self._total or (self._written < self._total and not flags & EOT)
        if sends and wanted and len(self._tx) + self._packet <= FIFO:
            flags |= TXP
        if receives and len(self._rx) >= self._packet:
            flags |= RXP
        flags |= DXP if flags & (TXP | RXP) == TXP | RXP else 0
        if not self._tx and (not self._total or flags & EOT):
            flags |= TXC
        flags |= RXWNE if len(self._rx) >= 4 else 0
        left = self._total - self._clocked if self._total else 0
        return flags | (len(self._rx) % 4 // size) << RXPLVL | left << CTSIZE

    # Registers

    def read(self, offset: int, size: int) -> int:
        """A load; one of RXDR takes as many bytes as it is wide."""
        if offset & ~3 != RXDR:
            return super().read(offset, size)
        data = bytes(self._rx[:size])
        del self._rx[:size]
        self._clock()
        self._update()
        return int.from_bytes(data, "little")

    def write(self, offset: int, size: int, value: int) -> None:
        """A store; one to TXDR brings as many bytes as it is wide."""
        if offset & ~3 != TXDR:
            super().write(offset, size, value)
            return
        if not self.words[CR1] & SPE or len(self._tx) + size > FIFO:
            return
        self._tx += (value & LANES[size]).to_bytes(size, "little")
        self._written += max(1, size // self._size)
        if self._total and self._written >= self._total:
            self._flags |= TXTF
        self._clock()
        self._update()

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        return self._status() if offset == SR else super().load(offset)

    def ones(self, offset: int) -> bool:
        """IFCR."""
        return offset == IFCR

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == IFCR:
            self._flags &= ~value
        elif offset == CR1:
            self._control(value)
        elif offset != SR:
            super().store(offset, value)
        self._update()

    def _control(self, value: int) -> None:
        before = self.words[CR1]
        self.words[CR1] = value & ~CSUSP
        if value & CSUSP and before & CSTART:
            self.words[CR1] &= ~CSTART
            self._flags |= SUSP
        if (value ^ before) & SPE:
            self._enable(bool(value & SPE))
        if value & CSTART and not before & CSTART:
            self._clocked, self._written = 0, len(self._tx) // self._size
        self._clock()

    def _enable(self, on: bool) -> None:
        for device in self._devices:
            self._select(device, on)
        self._tx.clear()
        self._rx.clear()
        self._written = self._clocked = 0
        if not on:
            self._flags = 0
            self.words[CR1] &= ~CSTART

    def _update(self) -> None:
        status = self._status()
        events = status & 0x7FF | (EOT if status & (TXC | SUSP) else 0)
        self._interrupt(bool(self.words[CR1] & SPE and events & self.words[IER]))

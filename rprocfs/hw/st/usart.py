"""The USART (RM0436 chapter 52), asynchronous, one byte each way; a byte takes no time."""

from __future__ import annotations

from rprocfs.hw.controllers import UartController
from rprocfs.hw.dma import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


CR1, CR2, CR3, RQR, ISR, ICR, RDR, TDR = 0x00, 0x04, 0x08, 0x18, 0x1C, 0x20, 0x24, 0x28
UE, RE, TE, RXNEIE, TCIE, TXEIE, FIFOEN = 1, 4, 8, 1 << 5, 1 << 6, 1 << 7, 1 << 29
ORE, IDLE, RXNE, TC, TXE = (1 << bit for bit in range(3, 8))
TEACK, REACK, TXFE = 1 << 21, 1 << 22, 1 << 23
RXFRQ, EIE, DMAR, DMAT = 1 << 3, 1, 1 << 6, 1 << 7
# Of a FIFO, which is as deep as a register here: thresholds in ISR, their interrupts in CR3.
RXFT, TXFT, TXFTIE, RXFTIE = 1 << 26, 1 << 27, 1 << 23, 1 << 28


class Usart(UartController):
    """*transmit* sends a byte and says whether there was room; *interrupt* is told the level."""

    def __init__(self, transmit: Callable[[int], bool], interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._transmit, self._interrupt = transmit, interrupt
        self._flags = TC | TXE
        self._tx = self._rx = 0
        self._level = False
        self.sent = False  # whether it ever sent anything

    def _next(self) -> None:
        if self._waiting and self.ready:
            self.receive(self._waiting.pop(0), last=not self._waiting)

    def requests(self) -> tuple[Request, Request]:
        """To the DMAMUX: to receive, to send."""
        return Request(self.gives), Request(self.takes)

    def _on(self, what: int) -> bool:
        control = self.words.get(CR1, 0)
        return bool(control & UE and control & what)

    @property
    def ready(self) -> bool:
        """Whether a byte may come in now: reception is on and the last one was read."""
        return self._on(RE) and not self._flags & RXNE

    @property
    def idle(self) -> bool:
        """Whether no byte waits to be sent."""
        return bool(self._flags & TXE)

    def gives(self) -> bool:
        """Whether DMA is to take a byte."""
        return bool(self._flags & RXNE and self.words.get(CR3, 0) & DMAR)

    def takes(self) -> bool:
        """Whether DMA is to send a byte."""
        return self._on(TE) and bool(self._flags & TXE and self.words.get(CR3, 0) & DMAT)

    def receive(self, byte: int, last: bool = False) -> None:
        """A byte arrives, lost and an overrun unless :attr:`ready`; silence after the *last*."""
        if not self._on(RE):
            return
        if self._flags & RXNE:
            self._flags |= ORE
        else:
            self._rx = byte
            self._flags |= RXNE | (IDLE if last else 0)
        self._update()

    def retry(self) -> None:
        """Try again to send the byte that nobody took."""
        if not self._flags & TXE and self._on(TE) and self._transmit(self._tx):
            self._flags |= TXE | TC
            self._update()

    def _update(self) -> None:
        control, flags = self.words.get(CR1, 0), self._flags
        # All but that of ORE stand at the bits of what they enable; RXNEIE is for ORE, too.
        wanted = flags & control & (IDLE | RXNE | TC | TXE)
        control3 = self.words.get(CR3, 0)
        wanted |= flags & ORE and (control & RXNEIE or control3 & EIE)
        if control & FIFOEN:
            wanted |= flags & TXE and control3 & TXFTIE
            wanted |= flags & RXNE and control3 & RXFTIE
        level = bool(control & UE and wanted)
        if level != self._level:
            self._level = level
            self._interrupt(level)

    def load(self, offset: int) -> int:
        """The word at *offset*; reading RDR makes room for the next byte."""
        if offset == ISR:
            self.retry()
            acks = (TEACK if self._on(TE) else 0) | (REACK if self._on(RE) else 0)
            return self._flags | acks | self._fifo()
        if offset == RDR:
            byte = self._rx
            self._flags &= ~RXNE
            self._update()
            self._next()
            return byte
        return super().load(offset)

    def _fifo(self) -> int:
        if not self.words.get(CR1, 0) & FIFOEN:
            return 0
        return (TXFE | TXFT if self._flags & TXE else 0) | (RXFT if self._flags & RXNE else 0)

    def ones(self, offset: int) -> bool:
        """Whether it is a register of requests or of data."""
        return offset in (RQR, ICR, TDR)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == TDR:
            self._send(value & 0xFF)
        elif offset == ICR:
            self._flags &= ~(value & (ORE | IDLE | TC))
        elif offset == RQR:
            if value & RXFRQ:
                self._flags &= ~RXNE
        elif offset not in (ISR, RDR):
            super().store(offset, value)
        self._update()
        self._next()

    def _send(self, byte: int) -> None:
        if not self._on(TE) or not self._flags & TXE:
            return
        self._tx, self.sent = byte, True
        self._flags &= ~(TXE | TC)
        self.retry()

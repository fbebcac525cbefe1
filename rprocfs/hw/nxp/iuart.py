"""The UART of i.MX processors (IMX8MMRM chapter "UART"); a byte takes no time to be sent.

FIFOs have 32 entries. There is no break, parity or framing error, and RTS and CTS are not
connected. Silence is noticed a millisecond behind the last byte, whatever the baud rate is.
"""

from __future__ import annotations

from rprocfs.hw.controllers import UartController
from rprocfs.hw.dma import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


URXD, UTXD, UCR1, UCR2, UCR3, UCR4 = 0x00, 0x40, 0x80, 0x84, 0x88, 0x8C
UFCR, USR1, USR2, UBIR, UBMR, UBRC, UTS = 0x90, 0x94, 0x98, 0xA4, 0xA8, 0xAC, 0xB4
DEPTH = 32
CHARRDY, OVRRUN = 1 << 15, 1 << 13
UARTEN, ATDMAEN, TXDMAEN, TXMPTYEN, RXDMAEN, RRDYEN = (1 << bit for bit in (0, 2, 3, 6, 8, 9))
IDEN, TRDYEN, ADBR, ADEN = (1 << bit for bit in (12, 13, 14, 15))  # UCR1, both lines
SRST, RXEN, TXEN, ATEN = 1, 2, 4, 8  # UCR2
DREN, OREN, TCEN, IDDMAEN, WKEN = 1, 2, 8, 1 << 6, 1 << 7  # UCR4
RXDS, AGTIM, RRDY, TRDY, RTSS = (1 << bit for bit in (6, 8, 9, 13, 14))  # USR1
RDR, ORE, TXDC, WAKE, ACST, IDLE, TXFE, ADET = (1 << bit for bit in (0, 1, 3, 7, 11, 12, 14, 15))
UTS_SOFTRST, UTS_RXFULL, UTS_TXFULL, UTS_RXEMPTY, UTS_TXEMPTY, UTS_LOOP = (
    1, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 12
)  # fmt: skip
SILENCE = 1_000_000
RESET = {UCR2: SRST, UCR3: 0x700, UCR4: 0x8000, UFCR: 0x801, 0x9C: 0x2B, UBRC: 4}


class Iuart(UartController):
    """*transmit* sends a byte and says whether there was room; *interrupt* is told the level.

    *now* is the clock in nanoseconds, *due* is called when :attr:`deadline` has changed.
    """

    #: Time does not wait for it.
    limit = None

    def __init__(
        self,
        transmit: Callable[[int], bool],
        interrupt: Callable[[bool], None],
        now: Callable[[], int],
        due: Callable[[], None],
    ) -> None:
        super().__init__(RESET)
        self._transmit, self._interrupt = transmit, interrupt
        self._now, self._due = now, due
        self._silent: int | None = None  # when it has been silent for long enough
        self._tx, self._rx = bytearray(), bytearray()
        self._flags1 = self._flags2 = 0  # AGTIM; the others that are kept
        self._overrun = False
        self.sent = False  # whether it ever sent anything

    def _next(self) -> None:
        while self._waiting and self.ready:
            self.receive(self._waiting.pop(0), last=not self._waiting)

    def requests(self) -> tuple[Request, Request]:
        """The events of the SDMA: to receive, to send."""
        received = Request(self._gives, self._awake, paused=self._paused)
        return received, Request(self._takes)

    def _gives(self) -> bool:
        """Whether DMA is to read: a byte or, when it is idle, that there is none."""
        ready = self.words.get(UCR1, 0) & RXDMAEN and self._usr1() & RRDY
        idle = self.words[UCR4] & IDDMAEN and self._flags2 & IDLE
        return self._on(RXEN) and bool(ready or idle or (self._aged() and self._rx))

    def _aged(self) -> int:
        return self.words.get(UCR1, 0) & ATDMAEN and self._flags1 & AGTIM

    def _paused(self) -> bool:
        return not self._rx and bool(self._aged())

    def _awake(self) -> None:
        """That what came in is old was noticed."""
        self._flags1 &= ~AGTIM
        self._update()

    def _takes(self) -> bool:
        return bool(self.words.get(UCR1, 0) & TXDMAEN and self._on(TXEN) and self._usr1() & TRDY)

    def _on(self, what: int) -> bool:
        return bool(self.words.get(UCR1, 0) & UARTEN and self.words[UCR2] & what)

    @property
    def ready(self) -> bool:
        """Whether a byte may come in now: reception is on and there is room."""
        return self._on(RXEN) and len(self._rx) < DEPTH

    @property
    def idle(self) -> bool:
        """Whether no byte waits to be sent."""
        return not self._tx

    def receive(self, byte: int, last: bool = False) -> None:
        """A byte arrives, lost and an overrun unless :attr:`ready`; silence after the *last*."""
        if not self._on(RXEN):
            return
        if byte in b"Aa" and self.words.get(UCR1, 0) & ADBR:
            self._flags2 |= ADET | ACST
        if len(self._rx) == DEPTH:
            self._flags2 |= ORE
            self._overrun = True
        else:
            self._rx.append(byte)
        self._flags2 |= WAKE
        self._listen(last)
        self._update()

    def _listen(self, silence: bool) -> None:
        """Silence begins, or has ended."""
        self._silent = self._now() + SILENCE if silence else None
        self._due()

    @property
    def deadline(self) -> int | None:
        """When silence is noticed."""
        return self._silent

    def advance(self) -> None:
        """Notice silence."""
        if self._silent is not None and self._now() >= self._silent:
            self._silent = None
            self._flags1 |= AGTIM if self._rx else 0
            self._flags2 |= IDLE
            self._update()

    def retry(self) -> None:
        """Send what waits, as far as there is room."""
        while self._tx and self._on(TXEN) and self._transmit(self._tx[0]):
            del self._tx[0]
        self._update()

    def _usr1(self) -> int:
        level = self.words[UFCR]
        ready = RRDY if len(self._rx) >= max(1, level & 0x3F) else 0
        room = TRDY if len(self._tx) <= level >> 10 & 0x3F else 0
        aged = self._flags1 & AGTIM if self._rx else 0
        return ready | room | aged | RTSS | RXDS

    def _usr2(self) -> int:
        empty = 0 if self._tx else TXFE | TXDC
        return empty | (RDR if self._rx else 0) | self._flags2

    def _uts(self) -> int:
        value = self.words.get(UTS, 0) & UTS_LOOP
        value |= (0 if self._tx else UTS_TXEMPTY) | (0 if self._rx else UTS_RXEMPTY)
        value |= UTS_TXFULL if len(self._tx) >= DEPTH else 0
        return value | (UTS_RXFULL if len(self._rx) >= DEPTH else 0)

    def _update(self) -> None:
        ucr1, ucr2, ucr4 = self.words.get(UCR1, 0), self.words[UCR2], self.words[UCR4]
        one, two = self._usr1(), self._usr2()
        wanted = (
            (one & TRDY and ucr1 & TRDYEN)
            or (two & TXFE and ucr1 & TXMPTYEN)
            or (two & TXDC and ucr4 & TCEN)
            or (one & RRDY and ucr1 & RRDYEN)
            or (one & AGTIM and ucr2 & ATEN)
            or (two & RDR and ucr4 & DREN)
            or (two & ORE and ucr4 & OREN)
            or (two & IDLE and ucr1 & IDEN)
            or (two & WAKE and ucr4 & WKEN)
            or (two & ADET and ucr1 & ADEN)
        )
        self._interrupt(bool(ucr1 & UARTEN and wanted))

    def load(self, offset: int) -> int:
        """The word at *offset*; reading URXD takes a byte."""
        if offset == URXD:
            return self._take()
        if offset in (USR1, USR2, UTS):
            if self._tx:
                self.retry()
            return {USR1: self._usr1, USR2: self._usr2, UTS: self._uts}[offset]()
        return super().load(offset)

    def _take(self) -> int:
        if not self._rx:
            return 0
        value = CHARRDY | self._rx.pop(0) | (OVRRUN if self._overrun else 0)
        self._overrun = False
        self._update()
        self._next()
        return value

    def ones(self, offset: int) -> bool:
        """Whether it is a register of data, or of flags that a one clears."""
        return offset in (UTXD, USR1, USR2)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == UTXD:
            self._send(value & 0xFF)
        elif offset == USR1:
            self._flags1 &= ~value
        elif offset == USR2:
            self._flags2 &= ~value
        elif offset == UTS and value & UTS_SOFTRST:
            self._reset()
        elif offset not in (URXD, UBRC):
            if offset == UCR2 and not value & SRST:
                self._reset()
            was_on = self._on(RXEN)
            super().store(offset, value | SRST if offset == UCR2 else value)
            if self._on(RXEN) != was_on:
                self._listen(not was_on)
        self._update()
        self._next()

    def _reset(self) -> None:
        """SRST, over at once: FIFOs, state machines, flags, and what sets the baud rate."""
        self._tx.clear()
        self._rx.clear()
        self._flags1 = self._flags2 = 0
        self.words.pop(UBIR, None)
        self.words.pop(UBMR, None)

    def _send(self, byte: int) -> None:
        if self.words.get(UTS, 0) & UTS_LOOP:
            self.receive(byte, last=True)
        elif self._on(TXEN) and len(self._tx) < DEPTH:
            self.sent = True
            self._tx.append(byte)
            self.retry()

"""The UART of i.MX processors (IMX8MMRM chapter "UART"); a byte takes no time to be sent.

FIFOs have 32 entries. There is no break, parity or framing error, and RTS and CTS are not
connected.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

URXD, UTXD, UCR1, UCR2, UCR3, UCR4 = 0x00, 0x40, 0x80, 0x84, 0x88, 0x8C
UFCR, USR1, USR2, UBRC, UTS = 0x90, 0x94, 0x98, 0xAC, 0xB4
DEPTH = 32
CHARRDY, OVRRUN = 1 << 15, 1 << 13
UARTEN, TXMPTYEN, RRDYEN, IDEN, TRDYEN = 1, 1 << 6, 1 << 9, 1 << 12, 1 << 13  # UCR1
SRST, RXEN, TXEN, ATEN = 1, 2, 4, 8  # UCR2
DREN, OREN, TCEN = 1, 2, 8  # UCR4
AGTIM, RRDY, RTSS, TRDY = 1 << 8, 1 << 9, 1 << 14, 1 << 13  # USR1
RDR, ORE, TXDC, IDLE, TXFE = 1, 2, 8, 1 << 12, 1 << 14  # USR2
UTS_SOFTRST, UTS_RXFULL, UTS_TXFULL, UTS_RXEMPTY, UTS_TXEMPTY, UTS_LOOP = (
    1, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 12
)  # fmt: skip
RESET = {UCR2: SRST, UCR3: 0x700, UCR4: 0x8000, UFCR: 0x801, 0x9C: 0x2B, UBRC: 4}


class Iuart(Words):
    """*transmit* sends a byte and says whether there was room; *interrupt* is told the level."""

    def __init__(self, transmit: Callable[[int], bool], interrupt: Callable[[bool], None]) -> None:
        super().__init__(RESET)
        self._transmit, self._interrupt = transmit, interrupt
        self._tx, self._rx = bytearray(), bytearray()
        self._flags1 = self._flags2 = 0  # AGTIM; ORE and IDLE
        self._overrun = False
        self.sent = False  # whether it ever sent anything

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
        if len(self._rx) == DEPTH:
            self._flags2 |= ORE
            self._overrun = True
        else:
            self._rx.append(byte)
        if last:
            self._flags1 |= AGTIM
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
        return ready | room | aged | RTSS

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
        elif (offset == UCR2 and not value & SRST) or (offset == UTS and value & UTS_SOFTRST):
            self._reset()
        elif offset not in (URXD, UBRC):
            super().store(offset, value)
        self._update()

    def _reset(self) -> None:
        """SRST: FIFOs and state machines; UCR1 and what sets the line stay, UCR2 does not."""
        self._tx.clear()
        self._rx.clear()
        self._flags1 = self._flags2 = 0
        self.words[UCR2] = SRST

    def _send(self, byte: int) -> None:
        if self.words.get(UTS, 0) & UTS_LOOP:
            self.receive(byte, last=True)
        elif self._on(TXEN) and len(self._tx) < DEPTH:
            self.sent = True
            self._tx.append(byte)
            self.retry()

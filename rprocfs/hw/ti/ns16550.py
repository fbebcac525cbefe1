"""The UART of K3 processors: a 16550 with TI's additions (SPRUIV7 "UART"). A byte takes no time.

FIFOs have 64 entries. There is no break, parity or framing error, no flow control, no IrDA and
no DMA. It sends nothing until MDR1 says that it is a UART.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# In operational mode; LCR opens other registers at the same places.
RHR, IER, IIR, LCR, MCR, LSR, MSR, SPR = range(0x00, 0x20, 4)
DLL, DLH, EFR = RHR, IER, IIR
MDR1, SCR, SSR, SYSC, SYSS, RXFIFO_LVL, TXFIFO_LVL = 0x20, 0x40, 0x44, 0x54, 0x58, 0x64, 0x68
IER2, ISR2, RX_EMPTY, TX_EMPTY = 0x6C, 0x70, 1, 2
DLAB, MODE_B = 1 << 7, 0xBF
DEPTH = 64
IER_RHR, IER_THR, IER_LS = 1, 2, 4
NONE, IT_THR, IT_RHR, IT_LS, IT_TIMEOUT = 1, 2, 4, 6, 0xC
FIFO_EN, RX_CLEAR, TX_CLEAR = 1, 2, 4
DR, OE, THRE, TEMT = 1, 2, 1 << 5, 1 << 6
LOOP, TX_FULL = 1 << 4, 1
TRIGGERS = (8, 16, 56, 60)
DISABLED, UART = 7, (0, 2, 3)  # 16x, with automatic baud rate, 13x
BANKED = (RHR, IER, IIR, MCR, LSR, MSR, SPR)


class Ns16550(Words):
    """*transmit* sends a byte and says whether there was room; *interrupt* is told the level."""

    def __init__(self, transmit: Callable[[int], bool], interrupt: Callable[[bool], None]) -> None:
        super().__init__({MDR1: DISABLED})
        self._transmit, self._interrupt = transmit, interrupt
        self._tx, self._rx = bytearray(), bytearray()
        self._fcr = self._overrun = 0
        self._old = False  # bytes wait, and no more came
        self.sent = False  # whether it ever sent anything

    @property
    def _on(self) -> bool:
        return self.words.get(MDR1, 0) & 7 in UART

    @property
    def _depth(self) -> int:
        return DEPTH if self._fcr & FIFO_EN else 1

    @property
    def ready(self) -> bool:
        """Whether a byte may come in now."""
        return self._on and len(self._rx) < self._depth

    @property
    def idle(self) -> bool:
        """Whether no byte waits to be sent."""
        return not self._tx

    def receive(self, byte: int, last: bool = False) -> None:
        """A byte arrives, lost and an overrun unless :attr:`ready`; silence after the *last*."""
        if not self._on:
            return
        if len(self._rx) < self._depth:
            self._rx.append(byte)
        else:
            self._overrun = OE
        self._old = self._old or last
        self._update()

    def retry(self) -> None:
        """Send what waits, as far as there is room."""
        while self._tx and self._transmit(self._tx[0]):
            del self._tx[0]
        self._update()

    def _cause(self) -> int:
        """IT_TYPE of what interrupts, the most urgent one."""
        enabled = self.words.get(IER, 0)
        trigger = TRIGGERS[self._fcr >> 6] if self._fcr & FIFO_EN else 1
        if enabled & IER_LS and self._overrun:
            return IT_LS
        if enabled & IER_RHR and len(self._rx) >= trigger:
            return IT_RHR
        if enabled & IER_RHR and self._rx and self._old:
            return IT_TIMEOUT
        return IT_THR if enabled & IER_THR and not self._tx else NONE

    @property
    def _empty(self) -> int:
        """ISR2: which FIFOs are empty."""
        return (0 if self._rx else RX_EMPTY) | (0 if self._tx else TX_EMPTY)

    def _update(self) -> None:
        empty = bool(self.words.get(IER2, 0) & self._empty)
        self._interrupt(self._on and (empty or self._cause() != NONE))

    def _bank(self, offset: int) -> int:
        """Where the word of *offset* is kept: each mode of LCR has its own."""
        lcr = self.words.get(LCR, 0)
        if offset not in BANKED or not lcr & DLAB:
            return offset
        divisor = offset in (DLL, DLH)
        if lcr == MODE_B:
            return 0x100 + offset if divisor else 0x200 + offset
        return 0x100 + offset if divisor else offset

    def load(self, offset: int) -> int:
        """The word at *offset*; reading RHR takes a byte, reading LSR forgets an overrun."""
        place = self._bank(offset)
        if place == RHR:
            return self._take()
        if place == IIR:
            return self._cause() | (0xC0 if self._fcr & FIFO_EN else 0)
        if place in (LSR, SSR, TXFIFO_LVL, ISR2) and self._tx:
            self.retry()
        if place == LSR:
            return self._line_status()
        if place == SSR:
            return TX_FULL if len(self._tx) >= DEPTH else 0
        if place == ISR2:
            return self._empty
        known = {SYSS: 1, RXFIFO_LVL: len(self._rx), TXFIFO_LVL: len(self._tx), MSR: 0xB0}
        return known.get(place, super().load(place))

    def _line_status(self) -> int:
        value = self._overrun | (DR if self._rx else 0) | (0 if self._tx else THRE | TEMT)
        self._overrun = 0
        self._update()
        return value

    def _take(self) -> int:
        byte = self._rx.pop(0) if self._rx else 0
        self._old = self._old and bool(self._rx)
        self._update()
        return byte

    def ones(self, offset: int) -> bool:
        """Whether a byte written is all there is to write: data, and what cannot be read."""
        return self._bank(offset) in (RHR, IIR)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        place = self._bank(offset)
        if place == RHR:
            self._send(value & 0xFF)
        elif place == IIR:
            self._control(value & 0xFF)
        elif place == SYSC and value & 2:
            self._reset()
        elif place not in (LSR, MSR, SSR, SYSS, RXFIFO_LVL, TXFIFO_LVL, ISR2):
            super().store(place, value & 0xFF)
        self._update()

    def _reset(self) -> None:
        """A software reset, which is over at once."""
        self.words = {MDR1: DISABLED}
        self._tx.clear()
        self._rx.clear()
        self._fcr = self._overrun = 0
        self._old = False

    def _control(self, value: int) -> None:
        """FCR."""
        if value & RX_CLEAR:
            self._rx.clear()
            self._old = False
        if value & TX_CLEAR:
            self._tx.clear()
        self._fcr = value & ~(RX_CLEAR | TX_CLEAR)

    def _send(self, byte: int) -> None:
        if self.words.get(MCR, 0) & LOOP:
            self.receive(byte, last=True)
        elif self._on and len(self._tx) < DEPTH:
            self.sent = True
            self._tx.append(byte)
            self.retry()

"""The Cadence UART of Zynq devices (UG1085 chapter 21, UG1087 module UART).

A byte that is written to an enabled transmitter is sent at once, or waits in the FIFO until
there is room outside. Sizes and speeds have no effect. The boot loader has turned it on, as
``psu_init`` of a board does: images of the vendor's BSP print without ever setting it up.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CR, MR, IER, IDR, IMR, ISR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
BAUDGEN, RXTOUT, RXWM, SR, FIFO, BAUDDIV, TXWM = 0x18, 0x1C, 0x20, 0x2C, 0x30, 0x34, 0x44
RXRES, TXRES, RX_EN, RX_DIS, TX_EN, TX_DIS, TORST = (1 << bit for bit in range(7))
#: Flags that stand at the same bits in SR and ISR.
RTRIG, REMPTY, RFUL, TEMPTY, TFUL = (1 << bit for bit in range(5))
ROVR, TIMEOUT, ISR_TTRIG, ISR_TNFUL, TOVR = 1 << 5, 1 << 8, 1 << 10, 1 << 11, 1 << 12
SR_TTRIG, SR_TNFUL = 1 << 13, 1 << 14
INTERRUPTS, DEPTH = 0x1FFF, 64
#: The boot loader's: on, 8 bits without parity, 115200 baud of 100 MHz.
RESET = {CR: 0x14, MR: 0x20, BAUDGEN: 0x8F, RXWM: 0x20, BAUDDIV: 5, TXWM: 0x20}
#: MR.CHMODE: what comes in goes out, too; what goes out comes in; what comes in goes out only.
CHMODE, ECHO, LOCAL_LOOP, REMOTE_LOOP = 3 << 8, 1 << 8, 2 << 8, 3 << 8


class Uart(Words):
    """One UART. *interrupt* is told its level; *transmit* says whether there was room."""

    def __init__(self, interrupt: Callable[[bool], None], transmit: Callable[[int], bool]) -> None:
        super().__init__(RESET)
        self._interrupt, self._transmit = interrupt, transmit
        self._mask = self._status = 0
        self._tx, self._rx = bytearray(), bytearray()
        self.sent = False  # whether it ever sent anything
        self._used = False  # whether the core ever accessed it: the boot loader turned it on

    @property
    def _mode(self) -> int:
        return self.words[MR] & CHMODE

    @property
    def ready(self) -> bool:
        """Whether a byte may come in. Local loopback takes the line away."""
        control = self.words[CR]
        listens = bool(control & RX_EN) and not control & RX_DIS and self._mode != LOCAL_LOOP
        return self._used and listens and len(self._rx) < DEPTH

    @property
    def idle(self) -> bool:
        """Whether no byte waits to be sent."""
        return not self._tx

    def receive(self, byte: int, last: bool = False) -> None:
        """A byte arrives; behind the *last* one the line is silent."""
        if self._mode in (ECHO, REMOTE_LOOP):
            self._tx.append(byte)
            self.retry()
        if self._mode != REMOTE_LOOP:
            self._rx.append(byte)
        if last and self._rx and self.words.get(RXTOUT, 0):
            self._status |= TIMEOUT
        self._update()

    def retry(self) -> None:
        """Try again to send what waits."""
        while self._tx and self._transmit(self._tx[0]):
            del self._tx[0]
        self._update()

    def _flags(self) -> int:
        """SR."""
        trigger = self.words[RXWM] & 0x3F
        flags = RTRIG if trigger and len(self._rx) >= trigger else 0
        flags |= 0 if self._rx else REMPTY
        flags |= RFUL if len(self._rx) >= DEPTH else 0
        flags |= 0 if self._tx else TEMPTY
        flags |= TFUL if len(self._tx) >= DEPTH else 0
        flags |= SR_TNFUL if len(self._tx) == DEPTH - 1 else 0
        return flags | (SR_TTRIG if len(self._tx) >= self.words[TXWM] & 0x3F else 0)

    def _update(self) -> None:
        flags = self._flags()
        self._status |= flags & (RTRIG | REMPTY | RFUL | TEMPTY | TFUL)
        self._status |= (ISR_TTRIG if flags & SR_TTRIG else 0) | (
            ISR_TNFUL if flags & SR_TNFUL else 0
        )
        self._interrupt(bool(self._status & self._mask))

    def load(self, offset: int) -> int:
        """The word at *offset*; reading FIFO takes a byte."""
        self._used = True
        if offset == SR:
            if self._tx:
                self.retry()
            return self._flags()
        if offset == FIFO:
            byte = self._rx.pop(0) if self._rx else 0
            self._update()
            return byte
        if offset in (IER, IDR):
            return 0
        return {IMR: self._mask, ISR: self._status}.get(offset, super().load(offset))

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (IER, IDR, ISR, FIFO)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        self._used = True
        if offset == FIFO:
            self._send(value & 0xFF)
        elif offset == IER:
            self._mask |= value & INTERRUPTS
        elif offset == IDR:
            self._mask &= ~value
        elif offset == ISR:
            self._status &= ~value
        elif offset == CR:
            self._control(value)
        elif offset not in (IMR, SR):
            super().store(offset, value)
        self._update()

    def _control(self, value: int) -> None:
        if value & RXRES:
            self._rx.clear()
        if value & TXRES:
            self._tx.clear()
        self.words[CR] = value & ~(RXRES | TXRES | TORST)

    def _send(self, byte: int) -> None:
        control = self.words[CR]
        if not control & TX_EN or control & TX_DIS:
            return
        if self._mode == LOCAL_LOOP:
            self._loop(byte)
            return
        if len(self._tx) >= DEPTH:
            self._status |= TOVR
            return
        self.sent = True
        self._tx.append(byte)
        self.retry()

    def _loop(self, byte: int) -> None:
        control = self.words[CR]
        if not control & RX_EN or control & RX_DIS:
            return
        if len(self._rx) < DEPTH:
            self._rx.append(byte)
        else:
            self._status |= ROVR

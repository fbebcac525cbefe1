"""The CMSDK APB UART: console and mailbox of vsoc/1 (Arm DDI 0479, chapter 4)."""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STATE_TXFULL, STATE_RXFULL, STATE_TXOVERRUN, STATE_RXOVERRUN = 1, 2, 4, 8
CTRL_TX, CTRL_RX, CTRL_TX_IRQ, CTRL_RX_IRQ = 1, 2, 4, 8
INT_TX, INT_RX, INT_TXOVERRUN, INT_RXOVERRUN = 1, 2, 4, 8
# The identification registers PID4 .. CID3.
ID = (0x04, 0x00, 0x00, 0x00, 0x21, 0xB8, 0x1B, 0x00, 0x0D, 0xF0, 0x05, 0xB1)


class CmsdkUart(Peripheral):
    """A UART of one byte each way.

    *transmit* takes a byte that was sent and says whether there was room for it: the
    byte is kept, and TXFULL shown, until it is taken. *interrupt* is told the levels
    of the RX and TX interrupt lines whenever one changes. Bytes come in by
    :meth:`receive`, one at a time; whoever has more keeps them until :attr:`ready`.
    """

    def __init__(
        self,
        transmit: Callable[[int], bool],
        interrupt: Callable[[bool, bool], None] = lambda rx, tx: None,
    ) -> None:
        self._transmit = transmit
        self._interrupt = interrupt
        self._lines = (False, False)
        self._state = self._ctrl = self._pending = self._bauddiv = 0
        self._rx = self._tx = 0

    @property
    def ready(self) -> bool:
        """Whether a byte may come in now: reception is on and the last one was read."""
        return bool(self._ctrl & CTRL_RX) and not self._state & STATE_RXFULL

    @property
    def sending(self) -> bool:
        """Whether a byte waits to be taken."""
        return bool(self._state & STATE_TXFULL)

    def receive(self, byte: int) -> None:
        """A byte arrives. One that nobody had read is lost, and counted as an overrun."""
        if not self._ctrl & CTRL_RX:
            return
        if self._state & STATE_RXFULL:
            self._state |= STATE_RXOVERRUN
            self._pending |= INT_RXOVERRUN
        self._rx = byte
        self._state |= STATE_RXFULL
        if self._ctrl & CTRL_RX_IRQ:
            self._pending |= INT_RX
        self._update()

    def retry(self) -> None:
        """Try again to send the byte that nobody took."""
        if self._state & STATE_TXFULL and self._ctrl & CTRL_TX and self._transmit(self._tx):
            self._state &= ~STATE_TXFULL
            if self._ctrl & CTRL_TX_IRQ:
                self._pending |= INT_TX
            self._update()

    def _update(self) -> None:
        lines = self._pending & INT_RX != 0, self._pending & INT_TX != 0
        if lines != self._lines:
            self._lines = lines
            self._interrupt(*lines)

    @register(0x000)
    def data(self) -> int:
        """The byte that came in last; reading it makes room for the next."""
        self._state &= ~STATE_RXFULL
        return self._rx

    @data.store
    def _(self, value: int) -> None:
        if self._state & STATE_TXFULL:
            self._state |= STATE_TXOVERRUN
            self._pending |= INT_TXOVERRUN
            return
        self._tx = value & 0xFF
        self._state |= STATE_TXFULL
        self.retry()

    @register(0x004, ones=True)
    def state(self) -> int:
        """TXFULL, RXFULL and the two overruns, which a one clears."""
        if self._state & STATE_TXFULL:
            self.retry()
        return self._state

    @state.store
    def _(self, value: int) -> None:
        self._state &= ~(value & (STATE_TXOVERRUN | STATE_RXOVERRUN))

    @register(0x008)
    def ctrl(self) -> int:
        """Enables of both directions and of their interrupts."""
        return self._ctrl

    @ctrl.store
    def _(self, value: int) -> None:
        self._ctrl = value & 0x7F
        self.retry()

    @register(0x00C, ones=True)
    def intstatus(self) -> int:
        """What asks for an interrupt; INTCLEAR when written: a one clears."""
        return self._pending

    @intstatus.store
    def _(self, value: int) -> None:
        self._pending &= ~value
        self._update()

    @register(0x010)
    def bauddiv(self) -> int:
        """The divider. Nothing depends on it: a byte takes no time here."""
        return self._bauddiv

    @bauddiv.store
    def _(self, value: int) -> None:
        self._bauddiv = value & 0xFFFFF

    @register(0xFD0, count=12)
    def ids(self, index: int) -> int:
        """PID4 .. CID3."""
        return ID[index]

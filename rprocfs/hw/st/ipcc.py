"""The inter-processor communication controller: doorbells between the A7 and the M4.

RM0436 chapter 11, the register layout as in Linux's drivers/mailbox/stm32-ipcc.c. Each
processor has six channels to the other; a channel is occupied from the sender's CHnS until
the receiver's CHnC. C1 is the A7, C2 the M4.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CHANNELS = 6
ALL = (1 << CHANNELS) - 1
RXOIE, TXFIE = 1, 1 << 16
A7, M4 = 0, 1
#: Messages to the host: on the channel that the M4 occupied, or on FREED and the number of
#: one of the A7's that it freed. From the host: on a channel that the A7 occupies.
FREED = 0x10
STUCK = 100_000  # nanoseconds


class Ipcc(Peripheral):
    """Both sides of it, and an A7 that takes what it is sent as soon as it can.

    *transmit* sends a message on a channel to the A7, and says whether there was room: until
    there is, the channel stays occupied. *rx* is told the level of the M4's RX occupied interrupt.

    *tx* is told that of its TX free interrupt: high while a channel is unmasked and free.
    *busy* is how long the processor has executed: after STUCK of it the line is low until
    something happens. Zephyr before 3.3 does not mask such a channel in its interrupt (its
    pull request 51118), and would do nothing else any more.
    """

    def __init__(
        self,
        transmit: Callable[[int], bool],
        rx: Callable[[bool], None],
        tx: Callable[[bool], None],
        busy: Callable[[], int] = lambda: 0,
    ) -> None:
        self._transmit, self._rx, self._tx, self._busy = transmit, rx, tx, busy
        self._asked: int | None = None  # since when it asks for the TX free interrupt
        self._cr, self._mr = [0, 0], [ALL << 16 | ALL] * 2
        self._occupied = [0, 0]  # by C1, C2
        self._freed = 0  # channels of the A7 that it does not know to be free yet

    def occupy(self, channel: int) -> None:
        """The A7 sends on *channel*; nothing happens for one that there is not."""
        if 0 <= channel < CHANNELS:
            self._occupied[A7] |= 1 << channel
            self._freed &= ~(1 << channel)
            self._update()

    def retry(self) -> None:
        """Tell the A7 what there was no room for; end a TX free interrupt that is stuck."""
        if self._occupied[M4] or self._freed:
            self._update()
        if self._asked is not None and self._busy() - self._asked > STUCK:
            self._ask(False)

    def _send(self, channels: int, kind: int) -> int:
        """Those of *channels* that could not be told."""
        for channel in range(CHANNELS):
            if channels >> channel & 1 and self._transmit(kind | channel):
                channels &= ~(1 << channel)
        return channels

    def _update(self) -> None:
        if self._freed:
            self._freed = self._send(self._freed, FREED)
        if self._occupied[M4]:
            self._occupied[M4] = self._send(self._occupied[M4], 0)
        control, mask = self._cr[M4], self._mr[M4]
        self._rx(bool(control & RXOIE and self._occupied[A7] & ~mask))
        self._ask(bool(control & TXFIE and ~self._occupied[M4] & ~(mask >> 16) & ALL))

    def _ask(self, level: bool) -> None:
        self._asked = self._busy() if level else None
        self._tx(level)

    def _status(self, side: int, value: int) -> None:
        other = 1 - side
        cleared = self._occupied[other] & value & ALL
        self._occupied[other] &= ~cleared
        self._occupied[side] |= value >> 16 & ALL
        if side == M4:
            self._freed |= cleared
        self._update()

    @register(0x000, count=8)
    def side(self, index: int) -> int:
        """CR, MR, SCR (reads 0) and the status of its channels; C1's, then C2's."""
        which, number = divmod(index, 4)
        return (self._cr[which], self._mr[which], 0, self._occupied[which])[number]

    @side.store
    def _(self, index: int, value: int) -> None:
        which, number = divmod(index, 4)
        if number == 0:
            self._cr[which] = value & (RXOIE | TXFIE)
        elif number == 1:
            self._mr[which] = value & (ALL << 16 | ALL)
        elif number == 2:
            self._status(which, value)
            return
        self._update()

    @register(0x3F0)
    def hwcfgr(self) -> int:
        """How many channels there are."""
        return CHANNELS

    @register(0x3F4)
    def verr(self) -> int:
        """Revision 1.0."""
        return 0x10

    @register(0x3F8)
    def ipidr(self) -> int:
        """Identification."""
        return 0x0010_0071

    @register(0x3FC)
    def sidr(self) -> int:
        """Size identification: 1 KiB."""
        return 0xA3C5_DD01

"""Linux's side of a mailbox of K3 -- drivers/mailbox/omap-mailbox.c.

The platform driver says on channel :data:`ENABLE` of the doorbell which FIFO Linux reads and
which it writes. The words of the first then become messages, in order, and are taken as fast as
there is room for them. Words of Linux go into the second one; the driver sends no more than fit.

======== =================================== =====================================
channel  from Linux, payload                 to Linux, payload
======== =================================== =====================================
MESSAGE  a word for the core                 a word of the core
ENABLE   FIFO to read, FIFO to write
TAKEN                                        the core has taken a word of Linux
======== =================================== =====================================
"""

from __future__ import annotations

from rprocfs.hw.ti.omap_mailbox import FIFOS, OmapMailbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.peripherals import Doorbell

MESSAGE, ENABLE, TAKEN = range(3)
#: The user that a core is, by convention: 0 is Linux, 1 a Cortex-R5F, 2 the Cortex-M4F.
M4F = 2


class K3Mailbox:
    """One mailbox, whose user *user* has the *interrupt*; *info* takes lines for people."""

    def __init__(
        self,
        doorbell: Doorbell,
        interrupt: Callable[[bool], None],
        info: Callable[[str], None],
        user: int = M4F,
    ) -> None:
        self.registers = OmapMailbox({user: interrupt}, self._written, self._taken)
        self._doorbell, self._info = doorbell, info
        self._rx: int | None = None
        self._tx: int | None = None
        self._untold = 0  # how many words were taken that Linux does not know of
        self._unheard: set[int] = set()

    def _written(self, fifo: int) -> None:
        if fifo == self._rx:
            self._serve()
        elif self._rx is not None and fifo not in self._unheard:
            self._unheard.add(fifo)
            self._info(f"mailbox: a word in FIFO {fifo}, which Linux does not read")

    def _taken(self, fifo: int) -> None:
        if fifo == self._tx:
            self._untold += 1
            self._tell()

    def _serve(self) -> None:
        """Pass on what waits, as far as there is room."""
        words = self.registers.fifos[self._rx] if self._rx is not None else []
        while words and self._doorbell.send(MESSAGE, words[0].to_bytes(4, "little")):
            assert self._rx is not None
            self.registers.take(self._rx)

    def _tell(self) -> None:
        while self._untold and self._doorbell.send(TAKEN):
            self._untold -= 1

    def poll(self) -> None:
        """Take what Linux has sent; go on with what there was no room for."""
        received = self._doorbell.received
        while received:
            self._receive(*received.pop(0))
        self._serve()
        self._tell()

    def _receive(self, channel: int, payload: bytes) -> None:
        if channel == ENABLE and len(payload) == 2 and max(payload) < FIFOS:
            self._rx, self._tx = payload
        elif channel == MESSAGE and self._tx is not None:
            self.registers.put(self._tx, int.from_bytes(payload, "little"))

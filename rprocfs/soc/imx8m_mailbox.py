"""Linux's side of the messaging unit of an i.MX 8M -- drivers/mailbox/imx-mailbox.c.

The platform driver asks for mailboxes: it says so on channel :data:`ENABLE` of the doorbell, with
a word of the interrupt enables of the unit's CR. Then the words and rings of the core
become messages. The unit belongs to the SoC, so that nothing is lost before that.

============ ============================== ===================================
channel      from Linux, payload            to Linux, payload
============ ============================== ===================================
0 to 3       TRn is written, a word         RRn was read, a word
RING and n   GIRn is rung                   GIRn was rung
ENABLE       interrupt enables, a word
EMPTY and n                                 the core has read the word in TRn
UP                                          the core is up, as far as can be seen
============ ============================== ===================================
"""

from __future__ import annotations

from rprocfs.hw.nxp.mu import ALL, CHANNELS, GI, GIR, RF, TE, Mu, bit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.clock import Clock
    from rprocfs.hw.peripherals import Doorbell

RING, EMPTY, ENABLE, UP = 0x10, 0x20, 0x30, 0x31
SR, CR = 0x20, 0x24
#: A core that has executed for so long, in nanoseconds, and has not asked for words of Linux, never
#: will: it is up. Start-up code that turns on caches and sets clocks takes a third of it. So is one
#: that sleeps, which is one that has executed nothing else for so long.
PATIENCE, ASLEEP = 100_000_000, 2_000_000_000


class LinuxMu(Mu):
    """Side A. *now* is the clock in nanoseconds, *info* takes lines for people."""

    #: Time does not wait for it.
    limit = None

    def __init__(self, doorbell: Doorbell, now: Clock, info: Callable[[str], None]) -> None:
        super().__init__(self._wanted)
        self._doorbell, self._now, self._info = doorbell, now, info
        self._busy = self._waits = False
        self._unheard: set[int] = set()
        self._up = False
        self._look = now() + PATIENCE
        self._asleep, self._executed = now() + ASLEEP, now.busy() + PATIENCE

    def _wanted(self, level: bool) -> None:
        self._waits = self._waits or level
        if level and not self._busy:
            self._serve()

    def _serve(self) -> None:
        """imx_mu_isr(), as long as there is room for messages."""
        self._busy = True
        self._waits = not all(map(self._serve_channel, range(CHANNELS)))
        self._busy = False

    def _serve_channel(self, channel: int) -> bool:
        """False: there was no room."""
        asked = self._sr & self._cr
        if asked & bit(TE, channel):
            if not self._doorbell.send(EMPTY | channel):
                return False
            self.write(CR, 4, self._cr & ~bit(TE, channel))
        if asked & bit(RF, channel):
            if not self._doorbell.send(channel, self._words[channel].to_bytes(4, "little")):
                return False
            self.read(0x10 + 4 * channel, 4)
        if asked & bit(GI, channel):
            if not self._doorbell.send(RING | channel):
                return False
            self.write(SR, 4, bit(GI, channel))
        return True

    def poll(self) -> None:
        """Take what Linux has sent; go on with what there was no room for."""
        received = self._doorbell.received
        while received:
            self._take(*received.pop(0))
        if self._waits:
            self._serve()

    def _take(self, channel: int, payload: bytes) -> None:
        word = int.from_bytes(payload, "little")
        if channel < CHANNELS:  # imx_mu_generic_tx()
            self.write(4 * channel, 4, word)
            self.write(CR, 4, self._cr | bit(TE, channel))
        elif channel == ENABLE:
            self.write(CR, 4, word)
            self._tell_unheard()  # of what came before
        elif channel & ~0xF == RING:
            self.write(CR, 4, self._cr | bit(GIR, channel & 3))

    # Whether the core is up. Linux begins to use its rings only then.

    def looked_at(self) -> None:
        """The core has accessed its side: does it listen, and does anybody listen to it?"""
        if not self._up and self.other._cr & ALL << RF:
            self._tell_up()
        self._tell_unheard()

    def _tell_unheard(self) -> None:
        unheard = self._full & ~self._cr
        for channel in range(CHANNELS) if unheard else ():
            if unheard & bit(RF, channel) and self._cr and channel not in self._unheard:
                self._unheard.add(channel)
                self._info(f"MU: a word on channel {channel}, which Linux has no mailbox for")

    def _tell_up(self) -> None:
        self._up = self._doorbell.send(UP)

    @property
    def deadline(self) -> int | None:
        """When it gives up waiting for the core to listen."""
        return None if self._up else self._look

    def advance(self) -> None:
        """See :data:`PATIENCE`."""
        now = self._now()
        if self._up or now < self._look:
            return
        self._look = now + PATIENCE
        if now >= self._asleep or self._now.busy() >= self._executed:
            self._tell_up()

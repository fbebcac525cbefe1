"""The mailbox and the timer of the DS2."""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

ENABLE, ARRIVED, FULL = 1, 1, 2


class Mailbox(Peripheral):
    """Messages of a word on a channel, in order; *interrupt* is high while one waits."""

    def __init__(self, interrupt, doorbell):
        self._interrupt, self._doorbell = interrupt, doorbell
        self._word, self._unsent = 0, None

    def poll(self):
        """Messages may have come in, or there is room again for the one that waits."""
        if self._unsent is not None and self._doorbell.send(*self._unsent):
            self._unsent = None
        self._interrupt(bool(self._doorbell.received))

    @register(0x0)
    def status(self):
        """ARRIVED: a message waits to be read; FULL: none can be sent now."""
        self.poll()
        return ARRIVED * bool(self._doorbell.received) | FULL * (self._unsent is not None)

    @register(0x4)
    def channel(self):
        """That of the first message. Writing it sends the word in DATA on that channel."""
        return self._doorbell.received[0][0] if self._doorbell.received else 0

    @channel.store
    def _(self, value):
        self._unsent = value & 0xFF, self._word.to_bytes(4, "little")
        self.poll()

    @register(0x8)
    def data(self):
        """The word of the first message, which is taken by reading it."""
        payload = self._doorbell.received.pop(0)[1] if self._doorbell.received else b""
        self.poll()
        return int.from_bytes(payload[:4], "little")

    @data.store
    def _(self, value):
        self._word = value


class Timer(Peripheral):
    """Interrupts every LOAD microseconds while it is enabled; writing STATUS acknowledges."""

    limit = None  # it may be late

    def __init__(self, interrupt, now):
        self._interrupt, self._now = interrupt, now
        self._load, self.deadline = 1000, None

    def advance(self):
        """Time has passed."""
        if self.deadline is not None and self._now() >= self.deadline:
            self._interrupt(True)
            self.deadline = self._now() + 1000 * self._load

    @register(0x0)
    def load(self):
        """LOAD."""
        return self._load

    @load.store
    def _(self, value):
        self._load = max(value, 1)

    @register(0x4)
    def control(self):
        """CONTROL: ENABLE."""
        return ENABLE * (self.deadline is not None)

    @control.store
    def _(self, value):
        self.deadline = self._now() + 1000 * self._load if value & ENABLE else None

    @register(0x8)
    def status(self):
        """STATUS."""
        return 0

    @status.store
    def _(self, _value):
        self._interrupt(False)

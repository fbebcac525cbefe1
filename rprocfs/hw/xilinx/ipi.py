"""Inter-processor interrupts (UG1085 chapter 13, UG1087 module IPI).

An agent triggers others; each of those sees the agent's bit in its ISR until it clears it,
and the agent meanwhile sees theirs in its OBS. Messages stand in buffers, which are memory.
A worker has the channels of all agents; what concerns those outside goes over the doorbell.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Agent -> its bit: APU, RPU 0 and 1, PMU 0 to 3, PL 0 to 3; the numbers are xlnx,ipi-id.
BITS: Mapping[int, int] = {
    0: 1 << 0, 1: 1 << 8, 2: 1 << 9, 3: 1 << 16, 4: 1 << 17, 5: 1 << 18, 6: 1 << 19,
    7: 1 << 24, 8: 1 << 25, 9: 1 << 26, 10: 1 << 27,
}  # fmt: skip
#: Agent -> its registers.
BASES: Mapping[int, int] = {
    0: 0xFF30_0000, 1: 0xFF31_0000, 2: 0xFF32_0000, 3: 0xFF33_0000, 4: 0xFF33_1000,
    5: 0xFF33_2000, 6: 0xFF33_3000, 7: 0xFF34_0000, 8: 0xFF35_0000, 9: 0xFF36_0000,
    10: 0xFF37_0000,
}  # fmt: skip
MASK = sum(BITS.values())
RPU, PMU = (1, 2), (3, 4, 5, 6)
#: Messages of the doorbell, with a sender and a receiver: an agent triggers another one, clears
#: what that one has triggered, or wants to be interrupted by it from now on.
TRIGGER, CLEAR, UNMASK = 0, 1, 2

# The buffers: a group a sender, in it a pair a receiver; the request, then the response.
BUFFERS, GROUP, PAIR, RESPONSE, MESSAGE = 0xFF99_0000, 0x200, 0x40, 0x20, 0x20
INDEXES: Mapping[int, int] = {1: 0, 2: 1, 0: 2, 7: 3, 8: 4, 9: 5, 10: 6, 3: 7, 4: 7, 5: 7, 6: 7}


def request(sender: int, receiver: int) -> int:
    """The address of the request that *sender* writes for *receiver*."""
    return BUFFERS + GROUP * INDEXES[sender] + PAIR * INDEXES[receiver]


class Channel(Peripheral):
    """The registers of *agent*. *trigger*, *clear* and *unmask* are told of it, with the other
    agent.
    """

    def __init__(
        self,
        agent: int,
        interrupt: Callable[[bool], None],
        trigger: Callable[[int, int], None],
        clear: Callable[[int, int], None],
        unmask: Callable[[int, int], None],
    ) -> None:
        self.agent = agent
        self.status = self.observed = 0
        self._mask = MASK
        self._interrupt, self._trigger, self._clear = interrupt, trigger, clear
        self._unmask = unmask

    def triggered(self, by: int) -> None:
        """The agent *by* asks for attention."""
        self.status |= BITS[by]
        self.update()

    def update(self) -> None:
        """Tell the level."""
        self._interrupt(bool(self.status & ~self._mask))

    @register(0x00, ones=True)
    def trig(self) -> int:
        """TRIG: triggers agents."""
        return 0

    @trig.store
    def _(self, value: int) -> None:
        for other, bit in BITS.items():
            if value & bit:
                self.observed |= bit
                self._trigger(self.agent, other)

    @register(0x04)
    def obs(self) -> int:
        """OBS: agents that have not cleared it yet."""
        return self.observed

    @register(0x10, ones=True)
    def isr(self) -> int:
        """ISR: agents that ask for attention; a one clears."""
        return self.status

    @isr.store
    def _(self, value: int) -> None:
        cleared = self.status & value
        self.status &= ~value
        self.update()
        for other, bit in BITS.items():
            if cleared & bit:
                self._clear(self.agent, other)

    @register(0x14)
    def imr(self) -> int:
        """IMR: a one masks."""
        return self._mask

    @register(0x18, ones=True)
    def ier(self) -> int:
        """IER: a one unmasks."""
        return 0

    @ier.store
    def _(self, value: int) -> None:
        unmasked = self._mask & value
        self._mask &= ~value
        self.update()
        for other, bit in BITS.items():
            if unmasked & bit:
                self._unmask(self.agent, other)

    @register(0x1C, ones=True)
    def idr(self) -> int:
        """IDR: a one masks."""
        return 0

    @idr.store
    def _(self, value: int) -> None:
        self._mask |= value & MASK
        self.update()


class Ipi:
    """All channels, as the core of agent *own* has them.

    *pmu* is told that an agent triggers one of the PMU, and has served it when it returns. *send*
    (channel, payload) is the doorbell, False if it has no room: what could not be sent is kept
    for :meth:`retry`. *lines* are the interrupts, by agent.
    """

    def __init__(
        self,
        own: int,
        send: Callable[[int, bytes], bool],
        lines: Mapping[int, Callable[[bool], None]],
        pmu: Callable[[int, int], None],
    ) -> None:
        self._own, self._send, self._pmu = own, send, pmu
        self._unsent: list[tuple[int, bytes]] = []
        self.channels = {
            agent: Channel(
                agent, lines.get(agent, lambda level: None),
                self._trigger, self._clear, self._unmask,
            )
            for agent in BITS
        }  # fmt: skip

    def _trigger(self, agent: int, other: int) -> None:
        if other == self._own:
            self.channels[other].triggered(agent)
        elif other in PMU:
            self._pmu(agent, other)
            self.channels[agent].observed &= ~BITS[other]
        else:
            self._tell(TRIGGER, agent, other)

    def _clear(self, agent: int, other: int) -> None:
        if other == self._own:
            self.channels[other].observed &= ~BITS[agent]
        else:
            self._tell(CLEAR, agent, other)

    def _unmask(self, agent: int, other: int) -> None:
        if agent == self._own and other not in (*RPU, *PMU):
            self._tell(UNMASK, agent, other)

    def _tell(self, what: int, sender: int, receiver: int) -> None:
        message = what, bytes((sender, receiver))
        if message in self._unsent:  # nothing counts how often it is said
            self._unsent.remove(message)
        self._unsent.append(message)
        self.retry()

    def retry(self) -> None:
        """Send what there was no room for."""
        while self._unsent and self._send(*self._unsent[0]):
            del self._unsent[0]

    def receive(self, what: int, payload: bytes) -> None:
        """A message of the doorbell."""
        sender, receiver = payload
        if what == TRIGGER:
            self.channels[receiver].triggered(sender)
        elif what == CLEAR:
            self.channels[receiver].observed &= ~BITS[sender]

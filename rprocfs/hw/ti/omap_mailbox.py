"""The mailbox of K3 processors (SPRUIV7 "Mailbox"): FIFOs of words between its users.

Each of 16 FIFOs holds four words of 32 bits, in order. Anybody may write and read any of them;
by convention a FIFO has one writer and one reader. Four users have an interrupt each, for
FIFOs that have a message and for those that have room. The layout is that of type 2 in Linux's
drivers/mailbox/omap-mailbox.c.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FIFOS, USERS, DEPTH = 16, 4, 4
# One block of registers for each user.
RAW, CLR, ENABLE_SET, ENABLE_CLR = range(4)


def new_msg(fifo: int) -> int:
    """The bit of *fifo* that says that it has a message."""
    return 1 << 2 * fifo


def not_full(fifo: int) -> int:
    """The bit of *fifo* that says that it has room."""
    return 1 << 2 * fifo + 1


class OmapMailbox(Peripheral):
    """All FIFOs, and the *interrupts* of users: functions that are told a level.

    *written* and *taken* are called with the number of a FIFO behind each access to it.
    """

    def __init__(
        self,
        interrupts: Mapping[int, Callable[[bool], None]],
        written: Callable[[int], None] = lambda fifo: None,
        taken: Callable[[int], None] = lambda fifo: None,
    ) -> None:
        self.fifos: list[list[int]] = [[] for _ in range(FIFOS)]
        self._interrupts = interrupts
        self._written, self._taken = written, taken
        self._events = [0] * USERS  # that were not acknowledged yet
        self._enabled = [0] * USERS

    def put(self, fifo: int, word: int) -> bool:
        """Append *word*; False: the FIFO is full, and the word is lost."""
        room = len(self.fifos[fifo]) < DEPTH
        if room:
            self.fifos[fifo].append(word)
            self._events = [events | new_msg(fifo) for events in self._events]
        self.update()
        return room

    def take(self, fifo: int) -> int:
        """The oldest word; 0 of an empty FIFO."""
        word = self.fifos[fifo].pop(0) if self.fifos[fifo] else 0
        self.update()
        return word

    def _conditions(self) -> int:
        """What holds now, which an acknowledgement does not clear."""
        found = 0
        for number, words in enumerate(self.fifos):
            found |= new_msg(number) if words else 0
            found |= not_full(number) if len(words) < DEPTH else 0
        return found

    def update(self) -> None:
        """Tell the levels."""
        for user, interrupt in self._interrupts.items():
            interrupt(bool(self._status(user) & self._enabled[user]))

    def _status(self, user: int) -> int:
        return self._events[user] | self._conditions()

    @register(0x10)
    def sysconfig(self) -> int:
        """SYSCONFIG: a software reset is over at once."""
        return 0

    @sysconfig.store
    def _(self, value: int) -> None:
        if value & 1:
            for words in self.fifos:
                words.clear()
            self._events, self._enabled = [0] * USERS, [0] * USERS
            self.update()

    @register(0x40, count=FIFOS)
    def message(self, index: int) -> int:
        """MESSAGE_m: take the oldest word; written, one more."""
        word = self.take(index)
        self._taken(index)
        return word

    @message.store
    def _(self, index: int, value: int) -> None:
        self.put(index, value)
        self._written(index)

    @register(0x80, count=FIFOS)
    def fifostatus(self, index: int) -> int:
        """FIFOSTATUS_m: whether it is full."""
        return int(len(self.fifos[index]) == DEPTH)

    @register(0xC0, count=FIFOS)
    def msgstatus(self, index: int) -> int:
        """MSGSTATUS_m: how many words wait."""
        return len(self.fifos[index])

    @register(0x100, count=4 * USERS, ones=True)
    def irq(self, index: int) -> int:
        """IRQSTATUS_RAW_u, IRQSTATUS_CLR_u, IRQENABLE_SET_u and IRQENABLE_CLR_u of each user."""
        user, which = divmod(index, 4)
        if which == RAW:
            return self._status(user)
        if which == CLR:
            return self._status(user) & self._enabled[user]
        return self._enabled[user]

    @irq.store
    def _(self, index: int, value: int) -> None:
        user, which = divmod(index, 4)
        if which == RAW:
            self._events[user] |= value
        elif which == CLR:
            self._events[user] &= ~value
        elif which == ENABLE_SET:
            self._enabled[user] |= value
        else:
            self._enabled[user] &= ~value
        self.update()

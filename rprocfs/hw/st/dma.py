"""DMA1 and DMA2 (RM0436 chapter 17); :mod:`.dmamux` says which peripheral a stream serves.

A transfer takes no time: between memories all of it is done as it is started, and to or from
a peripheral for as long as that asks for it. Priorities, bursts and thresholds decide nothing.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rprocfs.hw.dma import Master, Request


STREAMS = 8
FLAGS_AT = (0, 6, 16, 22)
FEIF, DMEIF, TEIF, HTIF, TCIF = 1, 4, 8, 0x10, 0x20
EN, TEIE, HTIE, TCIE, CIRC, PINC, MINC = 1, 4, 8, 0x10, 0x100, 0x200, 0x400
DBM, CT, DMDIS = 1 << 18, 1 << 19, 4
TO_MEMORY, FROM_MEMORY, MEMORIES = range(3)
IDLE_FIFO = 0x21
AT_ONCE = 256  # items that a peripheral gets before others have their turn


def _size(field: int) -> int:
    """Bytes of an item; the reserved size is that of a word."""
    return 1 << min(field & 3, 2)


class Stream:
    """One of them: *interrupt* is told its level, *request* is that of its peripheral."""

    def __init__(
        self,
        master: Master,
        interrupt: Callable[[bool], None],
        request: Request,
    ) -> None:
        self._master, self._interrupt, self._request = master, interrupt, request
        self.regs = [0, 0, 0, 0, 0, IDLE_FIFO]  # CR, NDTR, PAR, M0AR, M1AR, FCR
        self.flags = 0
        self._fifo = bytearray()
        self._items = self._peripheral = self._memory = 0

    @property
    def on(self) -> bool:
        """Whether a transfer is under way."""
        return bool(self.regs[0] & EN)

    def store(self, index: int, value: int) -> None:
        """Write a register; while a transfer is under way only its control, and the idle M*AR."""
        if index == 0:
            started = value & EN and not self.on
            self.regs[0] = value
            if started:
                self._begin()
                if self._direction == MEMORIES:
                    while self.on:
                        self._move()
            self.update()
        elif not self.on or index == (3 if self.regs[0] & CT else 4):
            self.regs[index] = value & (0xFFFF if index == 1 else 0xFFFF_FFFF)

    @property
    def _direction(self) -> int:
        return self.regs[0] >> 6 & 3

    def _begin(self) -> None:
        self._fifo.clear()
        self._items = self.regs[1]
        self._peripheral = self.regs[2]
        self._memory = self.regs[4 if self.regs[0] & CT else 3]
        if not self._items:
            self.regs[0] &= ~EN

    def update(self) -> None:
        """Tell the interrupt's level."""
        control = self.regs[0]
        wanted = (control & TEIE) << 1 | (control & HTIE) << 1 | (control & TCIE) << 1
        self._interrupt(bool(self.flags & wanted))

    def run(self) -> int:
        """Move what the peripheral asks for, but not for ever; how many items that were."""
        for moved in range(AT_ONCE):
            if not self.on or self._direction == MEMORIES or not self._request.asks():
                return moved
            self._move()
            self.update()
        return AT_ONCE

    def _load(self, address: int, size: int) -> None:
        data = self._master.load(address, size)
        if data is None:
            raise LookupError
        self._fifo += data

    def _store(self, address: int, size: int) -> None:
        data = bytes(self._fifo[:size])
        del self._fifo[:size]
        if not self._master.store(address, data):
            raise LookupError

    def _move(self) -> None:
        """One item, of the size that the peripheral has."""
        control = self.regs[0]
        size = _size(control >> 11)
        wide = _size(control >> 13) if self.regs[5] & DMDIS else size
        last = self.regs[1] == 1
        try:
            if self._direction == FROM_MEMORY:
                if len(self._fifo) < size:
                    self._load(self._memory, wide)
                    self._memory += wide if control & MINC else 0
                self._store(self._peripheral, size)
            else:
                self._load(self._peripheral, size)
                while len(self._fifo) >= wide or (last and self._fifo):
                    self._store(self._memory, wide)
                    self._memory += wide if control & MINC else 0
        except LookupError:
            self.flags |= TEIF
            self.regs[0] &= ~EN
            return
        self._peripheral += size if control & PINC else 0
        self.regs[1] -= 1
        self._request.taken()
        if self.regs[1] == self._items // 2:
            self.flags |= HTIF
        if last:
            self._end()

    def _end(self) -> None:
        self.flags |= TCIF
        if self.regs[0] & DBM:
            self.regs[0] ^= CT
        if self.regs[0] & (CIRC | DBM) and self._direction != MEMORIES:
            self.regs[1] = self._items
            self._begin()
        else:
            self.regs[0] &= ~EN
        self._request.done()


class Dma(Words):
    """A controller; *interrupts* and *requests* have an entry for each stream."""

    def __init__(
        self,
        master: Master,
        interrupts: Sequence[Callable[[bool], None]],
        requests: Sequence[Request],
    ) -> None:
        super().__init__()
        wires = zip(interrupts, requests, strict=True)
        self.streams = [Stream(master, *one) for one in wires]
        self._running = False

    def run(self) -> int:
        """Serve the peripherals once; how many items were moved. Not from inside itself."""
        if self._running:
            return 0
        self._running = True
        try:
            return sum(stream.run() for stream in self.streams if stream.on)
        finally:
            self._running = False

    def load(self, offset: int) -> int:
        """The word at *offset*: LISR, HISR, and the streams' registers."""
        if offset in (0, 4):
            half = self.streams[offset : offset + 4]
            return sum(one.flags << at for one, at in zip(half, FLAGS_AT, strict=True))
        stream, index = divmod((offset - 0x10) // 4, 6)
        return self.streams[stream].regs[index] if 0 <= stream < STREAMS else 0

    def ones(self, offset: int) -> bool:
        """LIFCR and HIFCR."""
        return offset in (8, 12)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset in (8, 12):
            for one, at in zip(self.streams[offset - 8 : offset - 4], FLAGS_AT, strict=True):
                one.flags &= ~(value >> at)
                one.update()
            return
        stream, index = divmod((offset - 0x10) // 4, 6)
        if 0 <= stream < STREAMS:
            self.streams[stream].store(index, value)

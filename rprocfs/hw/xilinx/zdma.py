"""A channel of the general purpose DMAs of the full and the low power domain (UG1085 chapter 19,
UG1087 modules GDMA and ADMA).

A transfer is over at once; one that is long, or whose descriptors never end, is done bit by bit
by :class:`.transfers.Transfers`. Burst types, rates, and flow control by peripherals have no
effect.
"""

from __future__ import annotations

import struct

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rprocfs.hw.dma import Master
    from rprocfs.hw.xilinx.transfers import Transfers

ISR, IMR, IEN, IDS, CTRL0, CTRL1, PERIF, STATUS = range(0x100, 0x120, 4)
DATA_ATTR, DSCR_ATTR, SRC_DSCR, DST_DSCR, WR_ONLY = 0x120, 0x124, 0x128, 0x138, 0x148
SRC_START, DST_START, SRC_CUR_PYLD, DST_CUR_PYLD = 0x158, 0x160, 0x168, 0x170
SRC_CUR_DSCR, DST_CUR_DSCR, TOTAL_BYTE, RATE_CNTL = 0x178, 0x180, 0x188, 0x18C
SRC_ACCT, DST_ACCT, CTRL2 = 0x190, 0x194, 0x200
#: ISR.
SRC_DSCR_DONE, DST_DSCR_DONE, BYTE_CNT_OVRFL, SRC_ACCT_ERR, DST_ACCT_ERR = 2, 4, 8, 0x10, 0x20
RD_SRC_DSCR, RD_DST_DSCR, RD_DATA, WR_DATA, DMA_DONE, DMA_PAUSE = (
    0x40, 0x80, 0x100, 0x200, 0x400, 0x800,
)  # fmt: skip
INTERRUPTS, EN = 0xFFF, 1
#: CTRL0.
CONT, CONT_ADDR, MODE, SCATTER = 1 << 1, 1 << 2, 3 << 4, 1 << 6
WRITE_ONLY, READ_ONLY = 1 << 4, 2 << 4
#: STATUS.
DONE, PAUSED, BUSY, DONE_ERROR = range(4)
#: Of the last word of a descriptor.
LINKED, INTERRUPT, COMMAND, PAUSE, STOP = 1 << 1, 1 << 2, 3 << 3, 1 << 3, 2 << 3
DESCRIPTOR, LINK, SIZE = struct.Struct("<QII"), struct.Struct("<Q"), 0x3FFF_FFFF
#: How many bytes are copied before the core goes on, and what a descriptor counts.
SHARE, EACH = 1 << 20, 256
RESET = {CTRL0: 0x80, CTRL1: 0x3FF, DATA_ATTR: 0x0483_D20F}


class Side:
    """The source or the destination of a transfer: its descriptors, and where it is."""

    def __init__(self, start: int, payload: tuple[int, int, int]) -> None:
        self.next = start  # the address of the next descriptor, if there are several
        self.address, self.left, self.control = payload

    def fetch(self, master: Master) -> bool:
        """The next descriptor; False: there is no memory, or it is not aligned."""
        data = master.load(self.next, DESCRIPTOR.size)
        if data is None or self.next % DESCRIPTOR.size:
            return False
        self.address, self.left, self.control = DESCRIPTOR.unpack(data)
        self.left &= SIZE
        following = self.next + DESCRIPTOR.size
        if self.control & LINKED:
            link = master.load(following, LINK.size)
            if link is None:
                return False
            (following,) = LINK.unpack(link)
        self.next = following
        return True


class Zdma(Words):
    """One channel, *width* bytes wide, which reaches *master*. *interrupt* is told its level."""

    def __init__(
        self, interrupt: Callable[[bool], None], master: Master, transfers: Transfers, width: int
    ) -> None:
        super().__init__(RESET)
        self._interrupt, self._master, self._transfers = interrupt, master, transfers
        self._width = width
        self._flags, self._mask, self._status = 0, INTERRUPTS, DONE
        self._source = self._destination = Side(0, (0, 0, 0))

    def load(self, offset: int) -> int:
        """The word at *offset*; reading an account of interrupts empties it."""
        value = super().load(offset)
        if offset in (SRC_ACCT, DST_ACCT):
            self.words[offset] = 0
        known = {ISR: self._flags, IMR: self._mask, IEN: 0, IDS: 0, STATUS: self._status}
        return known.get(offset, value)

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (ISR, IEN, IDS)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; CTRL2 begins a transfer, CTRL0 goes on with one."""
        if offset == ISR:
            self._flags &= ~value
        elif offset == IEN:
            self._mask &= ~value
        elif offset == IDS:
            self._mask |= value & INTERRUPTS
        elif offset == CTRL0:
            super().store(offset, value & ~CONT)
            if value & CONT and self._status == PAUSED:
                self._continue(value)
        elif offset == CTRL2:
            self._enable(value)
        elif offset == TOTAL_BYTE:
            self.words[TOTAL_BYTE] = 0
        elif offset not in (IMR, STATUS, SRC_ACCT, DST_ACCT) and not self._is_current(offset):
            super().store(offset, value)
        self._update()

    @staticmethod
    def _is_current(offset: int) -> bool:
        return SRC_CUR_PYLD <= offset < TOTAL_BYTE

    def _update(self) -> None:
        self._interrupt(bool(self._flags & ~self._mask))

    # Transfers

    def _address(self, register: int) -> int:
        return self.words.get(register + 4, 0) << 32 | self.words.get(register, 0)

    @property
    def _mode(self) -> int:
        """Lists are always read and written."""
        control = self.words[CTRL0]
        return 0 if control & SCATTER else control & MODE

    def _side(self, start: int, words: int) -> Side:
        if self.words[CTRL0] & SCATTER:
            return Side(self._address(start), (0, 0, 0))
        size = DST_DSCR if self._mode == WRITE_ONLY else SRC_DSCR
        size = self.words.get(size + 8, 0) & SIZE
        return Side(0, (self._address(words), size, self.words.get(words + 12, 0) | STOP))

    def _enable(self, value: int) -> None:
        self.words[CTRL2] = value & EN
        if not value & EN:
            self._status = DONE if self._status in (BUSY, PAUSED) else self._status
        elif self._status != BUSY:
            self._source = self._side(SRC_START, SRC_DSCR)
            self._destination = self._side(DST_START, DST_DSCR)
            self._begin()

    def _continue(self, control: int) -> None:
        if control & CONT_ADDR:
            self._source.next = self._address(SRC_START)
            self._destination.next = self._address(DST_START)
        self._begin()

    def _begin(self) -> None:
        self._status = BUSY
        if self.words[CTRL0] & SCATTER:
            self._source.left = self._destination.left = 0
            if not self._fetch(self._source, RD_SRC_DSCR):
                return
        self.run()

    def run(self) -> None:
        """A share of what there is to do."""
        share = SHARE
        while self._status == BUSY and share > 0:
            share -= EACH
            if self._source.left and self._can_store():
                share -= self._step(share)
            if not self._source.left and self._status == BUSY:
                self._end_of_descriptor()
        if self._status == BUSY:
            self._transfers.add(self)
        self._update()

    def _fetch(self, side: Side, error: int) -> bool:
        if side.fetch(self._master):
            return True
        self._fail(error)
        return False

    def _fail(self, error: int) -> None:
        self._flags |= error
        self._status, self.words[CTRL2] = DONE_ERROR, 0
        self._update()

    def _can_store(self) -> bool:
        """Whether the destination has room; if not, it takes its next descriptor."""
        side = self._destination
        if side.left or not self.words[CTRL0] & SCATTER:
            return True
        return self._fetch(side, RD_DST_DSCR) and bool(side.left)

    def _step(self, share: int) -> int:
        """Move what both sides have, at most about a *share* of bytes; what that costs of it."""
        source, destination, mode = self._source, self._destination, self._mode
        wanted = size = min(source.left, max(EACH, share))
        if mode != READ_ONLY:
            if self.words[CTRL0] & SCATTER:
                wanted = size = min(size, destination.left)
            size = self._master.most(destination.address, size)
        if mode != WRITE_ONLY:
            size = self._master.most(source.address, size)
        self._move(size)
        return size if size == wanted else share

    def _move(self, size: int) -> None:
        """Read *size* bytes of the source, and write them."""
        source, mode = self._source, self._mode
        write_only = mode == WRITE_ONLY
        data = self._pattern(size) if write_only else self._master.load(source.address, size)
        if data is None:
            self._fail(RD_DATA)
            return
        source.address += size
        source.left -= size
        total = self.words.get(TOTAL_BYTE, 0) + size
        self.words[TOTAL_BYTE] = total & 0xFFFF_FFFF
        self._flags |= BYTE_CNT_OVRFL if total > 0xFFFF_FFFF else 0
        if mode != READ_ONLY:
            self._write(data)

    def _pattern(self, size: int) -> bytes:
        words = (self.words.get(WR_ONLY + at, 0) for at in range(0, self._width, 4))
        line = b"".join(word.to_bytes(4, "little") for word in words)
        return (line * (size // self._width + 1))[:size]

    def _write(self, data: bytes) -> None:
        side = self._destination
        if not self._master.store(side.address, data):
            self._fail(WR_DATA)
            return
        side.address += len(data)
        side.left = max(0, side.left - len(data))
        if not side.left and side.control & INTERRUPT:
            self._account(DST_ACCT, DST_DSCR_DONE, DST_ACCT_ERR)

    def _account(self, register: int, done: int, overflow: int) -> None:
        self._flags |= done
        count = self.words.get(register, 0) + 1
        self._flags |= overflow if count > 0xFF else 0
        self.words[register] = count & 0xFF

    def _end_of_descriptor(self) -> None:
        source = self._source
        if source.control & INTERRUPT:
            self._account(SRC_ACCT, SRC_DSCR_DONE, SRC_ACCT_ERR)
        self._show()
        command = source.control & COMMAND
        if command == PAUSE:
            self._status = PAUSED
            self._flags |= DMA_PAUSE
        elif command & STOP:
            self._status, self.words[CTRL2] = DONE, 0
            self._flags |= DMA_DONE
        else:
            self._fetch(source, RD_SRC_DSCR)

    def _show(self) -> None:
        """The registers that say where it is."""
        for register, address in self._places():
            self.words[register] = address & 0xFFFF_FFFF
            self.words[register + 4] = address >> 32 & 0x1_FFFF

    def _places(self) -> Iterator[tuple[int, int]]:
        yield SRC_CUR_PYLD, self._source.address
        yield DST_CUR_PYLD, self._destination.address
        yield SRC_CUR_DSCR, self._source.next
        yield DST_CUR_DSCR, self._destination.next

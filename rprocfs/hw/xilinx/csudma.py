"""The DMA of the CSU (UG1085 chapter 11, UG1087 module CSUDMA): memory to stream and back.

The secure stream switch connects its source to its destination; the engines for hashes, ciphers
and configuration that it may connect instead are not there, and take nothing.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.dma import Master
    from rprocfs.hw.xilinx.transfers import Transfers

#: Of the source; those of the destination are DESTINATION behind.
ADDR, SIZE, STS, CTRL, CRC, I_STS, I_EN, I_DIS, I_MASK = range(0x00, 0x24, 4)
CTRL2, ADDR_MSB, DESTINATION = 0x24, 0x28, 0x800
#: CSU: what the destination listens to.
SSS_CFG, SSS_DMA, FROM_SOURCE = 0x08, 0xF, 0x5
MEM_DONE, DONE, AXI_ERROR, INTERRUPTS = 1, 2, 4, 0xFF
BUSY, DONE_COUNT, ENDIANNESS, PAUSE = 1, 1 << 13, 1 << 23, 3
WORDS = 0x1FFF_FFFC
AT_ONCE = 1 << 18  # bytes that are moved before the core goes on


class CsuDma(Words):
    """Both channels. *interrupt* is told its level; *csu* are the registers of the CSU."""

    def __init__(
        self,
        interrupt: Callable[[bool], None],
        master: Master,
        csu: Words,
        transfers: Transfers,
    ) -> None:
        defaults = {CTRL: 0x003F_FA00, CTRL2: 0x081B_FFF8}
        behind = {DESTINATION + CTRL: 0x803F_FA00, DESTINATION + CTRL2: 0x081B_FFF8}
        super().__init__(defaults | behind)
        self._interrupt, self._master, self._csu = interrupt, master, csu
        self._transfers = transfers
        self._flags, self._masks = {0: 0, DESTINATION: 0}, {0: INTERRUPTS, DESTINATION: INTERRUPTS}

    def run(self) -> None:
        """Move what both sides are ready for, or a share of that."""
        if self._csu.load(SSS_CFG) & SSS_DMA == FROM_SOURCE:
            if size := self._ready():
                self._copy(size)
            if self._ready():
                self._transfers.add(self)
        self._update()

    def _ready(self) -> int:
        """How much that is, in bytes, of what is moved at once."""
        if any(self.words.get(side + CTRL, 0) & PAUSE for side in (0, DESTINATION)):
            return 0
        size = min(self._left(0), self._left(DESTINATION), AT_ONCE)
        for side in (0, DESTINATION):
            size = self._master.most(self._address(side), size)
        return size

    def _copy(self, size: int) -> None:
        data = self._master.load(self._address(0), size)
        if data is None:
            self._end(0, AXI_ERROR)
            return
        self._sum(data)
        stored = self._master.store(self._address(DESTINATION), self._ordered(data))
        self._move(0, size, MEM_DONE | DONE)
        self._move(DESTINATION, size, DONE if stored else AXI_ERROR)

    def _ordered(self, data: bytes) -> bytes:
        """Each side may turn the bytes of words around."""
        turned = (self.words.get(side + CTRL, 0) & ENDIANNESS for side in (0, DESTINATION))
        if sum(map(bool, turned)) != 1:
            return data
        return b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))

    def _sum(self, data: bytes) -> None:
        words = (int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4))
        self.words[CRC] = self.words.get(CRC, 0) + sum(words) & 0xFFFF_FFFF

    def _left(self, side: int) -> int:
        return self.words.get(side + SIZE, 0) & WORDS

    def _address(self, side: int) -> int:
        high = self.words.get(side + ADDR_MSB, 0) & 0x1_FFFF
        return high << 32 | self.words.get(side + ADDR, 0)

    def _move(self, side: int, size: int, flags: int) -> None:
        address, left = self._address(side) + size, self._left(side) - size
        self.words[side + ADDR], self.words[side + SIZE] = address & 0xFFFF_FFFF, left
        self.words[side + ADDR_MSB] = address >> 32 & 0x1_FFFF
        if not left or flags & AXI_ERROR:
            self._end(side, flags)

    def _end(self, side: int, flags: int) -> None:
        self.words[side + SIZE] = 0
        self._flags[side] |= flags
        self._count(side, 1)

    def _count(self, side: int, done: int) -> None:
        count = self.words.get(side + STS, 0) + done * DONE_COUNT
        self.words[side + STS] = max(0, min(count, 7 * DONE_COUNT))

    def _update(self) -> None:
        sides = (self._flags[side] & ~self._masks[side] for side in (0, DESTINATION))
        self._interrupt(any(sides))

    def load(self, offset: int) -> int:
        """The word at *offset*; the switch may connect both sides by now."""
        side = offset & DESTINATION
        if offset - side in (STS, I_STS):
            self.run()
        known = {
            I_STS: self._flags[side], I_MASK: self._masks[side], I_EN: 0, I_DIS: 0,
            STS: self.words.get(side + STS, 0) | (BUSY if self._left(side) else 0),
        }  # fmt: skip
        return known.get(offset - side, super().load(offset))

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset & ~DESTINATION in (I_STS, I_EN, I_DIS)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; a size begins a transfer, and none ends one at once."""
        side = offset & DESTINATION
        kind = offset - side
        if kind == I_STS:
            if value & self._flags[side] & DONE:
                self._count(side, -1)
            self._flags[side] &= ~value
        elif kind == I_EN:
            self._masks[side] &= ~value
        elif kind == I_DIS:
            self._masks[side] |= value & INTERRUPTS
        elif kind == STS:
            self.words[offset] = self.words.get(offset, 0) & ~value & 7 * DONE_COUNT
        elif kind != I_MASK:
            super().store(offset, value & WORDS if kind == SIZE else value)
            if kind == SIZE and not self.words[offset]:
                self._end(side, DONE if side else MEM_DONE | DONE)
            if kind in (SIZE, CTRL):
                self.run()
        self._update()

"""The generic quad SPI controller (UG1085 chapter 24, UG1087 module QSPI): entries of a FIFO say
what is exchanged with a flash, which is an SPI device of a user.

The number of lines makes no difference, and a transfer takes no time. Without a device all bits
read as ones. The legacy controller for linear reads is not there.
"""

from __future__ import annotations

from rprocfs.hw.bus_device import SpiDevice
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.bus_device import BusDevice
    from rprocfs.hw.dma import Master
    from rprocfs.hw.inputs import Input
    from rprocfs.hw.xilinx.transfers import Transfers

CFG, ISR, IER, IDR, IMR, EN, TXD, RXD = (
    0x100, 0x104, 0x108, 0x10C, 0x110, 0x114, 0x11C, 0x120,
)  # fmt: skip
TX_THRESH, RX_THRESH, GPIO, LPBK_DLY_ADJ, GEN_FIFO, SEL, FIFO_CTRL, GF_THRESH = (
    0x128, 0x12C, 0x130, 0x138, 0x140, 0x144, 0x14C, 0x150,
)  # fmt: skip
POLL_CFG, MOD_ID = 0x154, 0x1FC
DST_ADDR, DST_SIZE, DST_STS, DST_CTRL = 0x800, 0x804, 0x808, 0x80C
DST_I_STS, DST_I_EN, DST_I_DIS, DST_I_MASK = 0x814, 0x818, 0x81C, 0x820
DST_CTRL2, DST_ADDR_MSB = 0x824, 0x828
#: CFG.
MODE, DMA, MANUAL, START = 3 << 30, 2 << 30, 1 << 29, 1 << 28
#: ISR.
TX_NOT_FULL, TX_FULL, RX_NOT_EMPTY, RX_FULL = 4, 8, 0x10, 0x20
GEN_EMPTY, TX_EMPTY, GEN_NOT_FULL, GEN_FULL, RX_EMPTY = 0x80, 0x100, 0x200, 0x400, 0x800
INTERRUPTS, ENABLE = 0xFBE, 1
#: An entry of the FIFO.
IMMEDIATE, DATA, EXPONENT, LOWER, UPPER, TX, RX, POLL = (
    0xFF, 1 << 8, 1 << 9, 1 << 12, 1 << 13, 1 << 16, 1 << 17, 1 << 19,
)  # fmt: skip
#: FIFO_CTRL.
RST_GEN, RST_TX, RST_RX = 1, 2, 4
DST_DONE, DST_ERROR, DST_INTERRUPTS = 1 << 1, 1 << 2, 0xFE
DEPTH, GEN_DEPTH = 256, 32  # bytes, and entries
AT_ONCE = 1 << 14  # bytes that are exchanged before the core goes on
RESET = {
    TX_THRESH: 1, RX_THRESH: 1, LPBK_DLY_ADJ: 0x33, GF_THRESH: 0x10, MOD_ID: 0x010A_0000,
    GPIO: 1, DST_CTRL: 0x803F_FA00, DST_CTRL2: 0x081B_FFF8,
}  # fmt: skip


class Gqspi(Words):
    """The controller. *interrupt* is told its level; *master* is what its DMA reaches."""

    def __init__(
        self, interrupt: Callable[[bool], None], master: Master, transfers: Transfers
    ) -> None:
        super().__init__(RESET)
        self._interrupt, self._master, self._transfers = interrupt, master, transfers
        self._share = 0  # how many bytes may still be exchanged at once
        self._flags = self._dma_flags = 0
        self._mask, self._dma_mask = INTERRUPTS, DST_INTERRUPTS
        self._entries: list[int] = []
        self._left: int | None = None  # bytes of the first entry that are still to come
        self._out, self._in = bytearray(), bytearray()
        self._devices: dict[int, SpiDevice] = {}
        self._selected = 0
        self._started = False

    def connect(self, address: str, device: BusDevice, board: Mapping[str, Input]) -> None:
        """Connect *device* to the chip select ``lower``, or without an address, or ``upper``."""
        del board
        select = {"": LOWER, "lower": LOWER, "upper": UPPER}.get(address)
        if select is None or select in self._devices or not isinstance(device, SpiDevice):
            raise ValueError("takes an SpiDevice at each of lower and upper")
        self._devices[select] = device

    # The FIFO of entries

    def run(self) -> None:
        """Go on with what is long."""
        self._run()
        self._update()

    def _run(self) -> None:
        """Execute entries, as long as there is data, and room for it."""
        if not self.words.get(EN, 0) & ENABLE:
            return
        if self.words.get(CFG, 0) & MANUAL and not self._started:
            return
        self._share = AT_ONCE
        while self._entries and self._entry(self._entries[0]):
            del self._entries[0]
            self._left = None
        if not self._share:
            self._transfers.add(self)
        self._started = self._started and bool(self._entries)
        self._drain()

    def _entry(self, entry: int) -> bool:
        """Whether all of an entry is done."""
        self._select(entry & (LOWER | UPPER))
        if not entry & DATA:
            if entry & TX:
                self._exchange(entry & IMMEDIATE)
            return True
        if self._left is None:
            self._left = self._size(entry)
        if entry & POLL:
            return self._poll()
        if not entry & (TX | RX):
            self._left = 0  # cycles without data
        while self._left and self._share and self._byte(entry):
            self._left -= 1
            self._share -= 1
        if not self._left:
            self._align(entry)
        return not self._left

    @staticmethod
    def _size(entry: int) -> int:
        """How many bytes it is about."""
        size = entry & IMMEDIATE
        return 1 << (size & 31) if entry & EXPONENT else size

    def _align(self, entry: int) -> None:
        """The FIFOs are of words: what an entry leaves of one is not the next entry's."""
        rest = -self._size(entry) % 4
        if entry & TX:
            del self._out[:rest]
        if entry & RX:
            self._in += bytes(rest)

    def _byte(self, entry: int) -> bool:
        """Exchange one; False: it has to wait for data, or for room."""
        if entry & RX and len(self._in) >= DEPTH and not self._drain():
            return False
        if entry & TX and not self._out:
            return False
        answer = self._exchange(self._out.pop(0) if entry & TX else 0)
        if entry & RX:
            self._in.append(answer)
        return True

    def _poll(self) -> bool:
        """Whether the device says what POLL_CFG waits for: once for each time that it is asked."""
        settings = self.words.get(POLL_CFG, 0)
        answer = self._exchange(0)
        return not (answer ^ settings) & settings >> 8 & 0xFF

    def _select(self, chips: int) -> None:
        changed, self._selected = chips ^ self._selected, chips
        for chip, device in self._devices.items():
            if changed & chip:
                (device.select if chips & chip else device.deselect)()

    def _exchange(self, byte: int) -> int:
        answer = 0xFF
        for chip, device in self._devices.items():
            if self._selected & chip:
                answer &= device.transfer(byte) & 0xFF
        return answer

    def _drain(self) -> bool:
        """The DMA takes whole words of what came in; whether it took any."""
        if self.words.get(CFG, 0) & MODE != DMA:
            return False
        left = self.words.get(DST_SIZE, 0)
        size = min(len(self._in), left)
        size -= size % 4
        if not size:
            return False
        address = self.words.get(DST_ADDR_MSB, 0) << 32 | self.words.get(DST_ADDR, 0)
        if not self._master.store(address, bytes(self._in[:size])):
            self._dma_flags |= DST_ERROR
        del self._in[:size]
        self.words[DST_ADDR], self.words[DST_SIZE] = address + size & 0xFFFF_FFFF, left - size
        self._dma_flags |= DST_DONE if left == size else 0
        return True

    # Registers

    def _status(self) -> int:
        flags = self._flags
        flags |= RX_NOT_EMPTY if len(self._in) >= 4 * max(1, self.words[RX_THRESH]) else 0
        flags |= 0 if self._in else RX_EMPTY
        flags |= RX_FULL if len(self._in) >= DEPTH else 0
        flags |= TX_NOT_FULL if len(self._out) <= DEPTH - 4 else 0
        flags |= TX_FULL if len(self._out) > DEPTH - 4 else 0
        flags |= 0 if self._out else TX_EMPTY
        flags |= GEN_FULL if len(self._entries) >= GEN_DEPTH else 0
        flags |= GEN_NOT_FULL if len(self._entries) < self.words[GF_THRESH] else 0
        return flags | (0 if self._entries else GEN_EMPTY)

    def _update(self) -> None:
        dma = self._dma_flags & ~self._dma_mask
        self._interrupt(bool(self._status() & ~self._mask & INTERRUPTS or dma))

    def load(self, offset: int) -> int:
        """The word at *offset*; RXD takes four bytes."""
        if offset == RXD:
            word = int.from_bytes(self._in[:4].ljust(4, b"\0"), "little")
            del self._in[:4]
            self._run()
            self._update()
            return word
        if offset == ISR and self._entries:
            self._run()  # it may wait for a device
        known = {
            ISR: self._status(), IMR: self._mask, IER: 0, IDR: 0, TXD: 0, FIFO_CTRL: 0,
            GEN_FIFO: 0, DST_I_STS: self._dma_flags, DST_I_MASK: self._dma_mask,
            DST_I_EN: 0, DST_I_DIS: 0, DST_STS: 0,
        }  # fmt: skip
        return known.get(offset, super().load(offset))

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return offset in (ISR, IER, IDR, TXD, FIFO_CTRL, DST_I_STS, DST_I_EN, DST_I_DIS)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == ISR:
            self._flags &= ~value
        elif offset == IER:
            self._mask &= ~value
        elif offset == IDR:
            self._mask |= value & INTERRUPTS
        elif offset == DST_I_STS:
            self._dma_flags &= ~value
        elif offset == DST_I_EN:
            self._dma_mask &= ~value
        elif offset == DST_I_DIS:
            self._dma_mask |= value & DST_INTERRUPTS
        elif offset not in (IMR, DST_I_MASK, DST_STS, RXD):
            self._command(offset, value)
        self._update()

    def _command(self, offset: int, value: int) -> None:
        """What may let entries be executed."""
        if offset == TXD:
            if len(self._out) <= DEPTH - 4:
                self._out += value.to_bytes(4, "little")
        elif offset == GEN_FIFO:
            if len(self._entries) < GEN_DEPTH:
                self._entries.append(value)
        elif offset == FIFO_CTRL:
            self._empty(value)
        elif offset == CFG:
            self._started = self._started or bool(value & START)
            self.words[CFG] = value & ~START
        else:
            super().store(offset, value & ~3 if offset in (DST_ADDR, DST_SIZE) else value)
            if offset == EN and not value & ENABLE:
                self._select(0)
        self._run()

    def _empty(self, value: int) -> None:
        if value & RST_GEN:
            self._entries.clear()
            self._left = None
        if value & RST_TX:
            self._out.clear()
        if value & RST_RX:
            self._in.clear()

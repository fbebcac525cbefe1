"""QUADSPI (RM0436 chapter 27) in its indirect and polling modes; a transfer takes no time.

The number of lines makes no difference. A device is one of SPI. Without one every bit reads as
one, as with an empty socket, and a poll for anything else never ends. The memory-mapped mode is
not there.
"""

from __future__ import annotations

from rprocfs.hw.bus_device import SpiDevice
from rprocfs.hw.peripherals import Words
from rprocfs.hw.registers import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.bus_device import BusDevice
    from rprocfs.hw.inputs import Input

CR, SR, FCR, DLR, CCR, AR, ABR, DR, PSMKR, PSMAR = (
    0x00, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C, 0x20, 0x24, 0x28,
)  # fmt: skip
EN, ABORT, APMS, PMM = 1, 2, 1 << 22, 1 << 23
# Flags; their interrupts are enabled 16 bits higher in CR.
TCF, FTF, SMF, BUSY, FLEVEL = 2, 4, 8, 0x20, 8
IMODE, ADMODE, ADSIZE, ABMODE, ABSIZE, DCYC, DMODE, FMODE = 8, 10, 12, 14, 16, 18, 24, 26
WRITE, READ, POLL = range(3)
FIFO = 32


class Quadspi(Words):
    """*interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__({CR: 0, CCR: 0, DLR: 0})
        self._interrupt = interrupt
        self._device: SpiDevice | None = None
        self._flags = self._left = 0  # bytes of data that are still to come
        self._busy = self._waits = False  # for the address
        self._armed = False  # the first data to be written begins the transfer

    def connect(self, address: str, device: BusDevice, board: Mapping[str, Input]) -> None:
        """Connect *device*, without an address; ValueError."""
        del board
        if address or self._device is not None or not isinstance(device, SpiDevice):
            raise ValueError("QUADSPI takes one SpiDevice, without an address")
        self._device = device

    def _field(self, shift: int, mask: int = 3) -> int:
        return self.words[CCR] >> shift & mask

    def _transfer(self, byte: int) -> int:
        return 0xFF if self._device is None else self._device.transfer(byte) & 0xFF

    def _begin(self) -> None:
        """Instruction, address, alternate bytes, dummy cycles; then the data."""
        self._busy, self._waits, self._armed = True, False, False
        if self._device is not None:
            self._device.select()
        if self._field(IMODE):
            self._transfer(self._field(0, 0xFF))
        self._send(ADMODE, ADSIZE, AR)
        self._send(ABMODE, ABSIZE, ABR)
        lines = 1 << max(0, self._field(DMODE) - 1)
        for _ in range(self._field(DCYC, 31) * lines // 8):
            self._transfer(0xFF)
        self._left = self.words[DLR] + 1 if self._field(DMODE) else 0
        if self._field(FMODE) == POLL:
            self._poll()
        elif not self._left:
            self._end(TCF)

    def _send(self, mode: int, size: int, register: int) -> None:
        if self._field(mode):
            for index in range(self._field(size), -1, -1):
                self._transfer(self.words.get(register, 0) >> 8 * index & 0xFF)

    def _poll(self) -> None:
        """Automatic polling: the status is looked at once, since no device changes it by itself."""
        data = bytes(self._transfer(0xFF) for _ in range(min(self._left, 4)))
        status, mask = int.from_bytes(data, "little"), self.words.get(PSMKR, 0)
        same = ~(status ^ self.words.get(PSMAR, 0)) & mask
        if same == mask or (self.words[CR] & PMM and same):
            self._end(SMF)

    def _end(self, flag: int) -> None:
        if self._device is not None:
            self._device.deselect()
        self._busy, self._left = False, 0
        self._flags |= flag

    def _data(self, size: int, value: int) -> int:
        """A load (*value* is -1) or a store of DR, of as many bytes as it is wide."""
        writes = value >= 0
        if writes and self._armed:
            self._begin()
        if not self._busy or self._field(FMODE) != (WRITE if writes else READ):
            return 0
        data = 0
        for index in range(min(size, self._left)):
            data |= self._transfer(value >> 8 * index & 0xFF if writes else 0xFF) << 8 * index
            self._left -= 1
        if not self._left:
            self._end(TCF)
        self._update()
        return data

    def _status(self) -> int:
        flags = self._flags | (BUSY if self._busy else 0)
        if self._armed:
            flags |= FTF
        if self._busy and self._left and self._field(FMODE) in (WRITE, READ):
            flags |= FTF
            if self._field(FMODE) == READ:
                flags |= min(self._left, FIFO) << FLEVEL
        return flags

    def read(self, offset: int, size: int) -> int:
        """A load."""
        return self._data(size, -1) if offset & ~3 == DR else super().read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """A store."""
        if offset & ~3 == DR:
            self._data(size, value & LANES[size])
        else:
            super().write(offset, size, value)

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        return self._status() if offset == SR else super().load(offset)

    def ones(self, offset: int) -> bool:
        """FCR."""
        return offset == FCR

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*; CCR begins a transfer, or AR if it has an address."""
        if offset == FCR:
            self._flags &= ~value
        elif offset == CR:
            self._control(value)
        elif offset != SR and not (self._busy and offset in (CCR, AR, DLR)):
            super().store(offset, value)
            if offset in (CCR, AR) and self.words[CR] & EN:
                self._go(offset)
        self._update()

    def _go(self, written: int) -> None:
        if written == CCR:
            self._waits, self._armed = bool(self._field(ADMODE)), False
        if self._field(FMODE) > POLL or self._waits != (written == AR):
            return
        if self._field(FMODE) == WRITE and self._field(DMODE):
            self._armed = True
        else:
            self._begin()

    def _control(self, value: int) -> None:
        self.words[CR] = value & ~ABORT
        if self._busy and (value & ABORT or not value & EN):
            self._end(TCF if value & ABORT else 0)

    def _update(self) -> None:
        self._interrupt(bool(self._status() & self.words[CR] >> 16 & 0x1F))

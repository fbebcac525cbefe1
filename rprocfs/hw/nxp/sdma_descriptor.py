"""A buffer descriptor of the smart DMA controller, as it is in memory."""

from __future__ import annotations

import struct

SIZE_OF_ONE = 12  # a buffer descriptor
#: Of its status: the controller's, the last one of the ring, there are more, interrupt at
#: its end, error.
DONE, WRAP, CONT, INTERRUPT, ERROR = 1, 2, 4, 8, 0x10


class Descriptor:
    """A buffer descriptor at *address*; *at* says how many bytes of it are done."""

    def __init__(self, address: int, data: bytes) -> None:
        self.address, self.at = address, 0
        word, self.buffer, self.extended = struct.unpack("<3I", data)
        self.count, self.status, self.command = word & 0xFFFF, word >> 16 & 0xFF, word >> 24

    @property
    def item(self) -> int:
        """Bytes of an access to a peripheral."""
        return self.command & 3 or 4

    @property
    def wraps(self) -> bool:
        """Whether the first one of the ring is behind it."""
        return bool(self.status & WRAP)

    @property
    def goes_on(self) -> bool:
        """Whether the channel goes on with the one behind it."""
        return bool(self.status & (WRAP | CONT)) and not self.status & ERROR

    def word(self) -> bytes:
        """Its first word as it is left."""
        return struct.pack("<I", self.count | self.status << 16 | self.command << 24)

"""The hash processors (RM0436 chapter 33): SHA-1, SHA-224, SHA-256, MD5, and HMAC with them."""

from __future__ import annotations

from importlib import import_module

from rprocfs.hw.dma import Request
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable

CR, DIN, STR, HRA, IMR, SR, HR = 0x00, 0x04, 0x08, 0x0C, 0x20, 0x24, 0x310
INIT, DMAE, HMAC, ALGO0, MDMAT, ALGO1 = 1 << 2, 1 << 3, 1 << 6, 1 << 7, 1 << 13, 1 << 18
DCAL, DINIS, DCIS = 1 << 8, 1, 2
BLOCK = 64
ALGORITHMS = {0: "sha1", ALGO0: "md5", ALGO1: "sha224", ALGO0 | ALGO1: "sha256"}
KEY, MESSAGE, OUTER_KEY = range(3)


def _swapped(word: int, kind: int) -> bytes:
    """The bytes of *word* in the order of the message; *kind* is DATATYPE."""
    if kind == 1:
        word = word << 16 & 0xFFFF_0000 | word >> 16
    elif kind == 2:
        return word.to_bytes(4, "little")
    elif kind == 3:
        word = int(f"{word:032b}"[::-1], 2)
    return word.to_bytes(4, "big")


class Hash(Words):
    """A digest is there as soon as it is asked for; *interrupt* is told its level."""

    def __init__(self, interrupt: Callable[[bool], None]) -> None:
        super().__init__()
        self._interrupt = interrupt
        self._key = self._digest = b""
        self._status = DINIS
        self._enter(MESSAGE)

    def requests(self) -> tuple[Request]:
        """To the DMAMUX: for input."""
        return (Request(self.asks, self.finish),)

    def asks(self) -> bool:
        """Whether DMA is to bring a word."""
        return bool(self.words.get(CR, 0) & DMAE)

    def _enter(self, phase: int, start: bytes = b"") -> None:
        """On with the key, the message, or the key again; what is hashed begins with *start*."""
        self._phase, self._short = phase, True
        self._message, self._start = bytearray(), start
        self._hasher: hashlib._Hash | None = None

    @property
    def _engine(self) -> hashlib._Hash:
        if self._hasher is None:
            name = ALGORITHMS[self.words.get(CR, 0) & (ALGO0 | ALGO1)]
            new = import_module("hashlib").new  # takes 3 ms to import
            self._hasher = new(name, self._start, usedforsecurity=False)
        return self._hasher

    def _padded(self, pad: int) -> bytes:
        return bytes(byte ^ pad for byte in self._key)

    def _calculate(self) -> None:
        """The last word was as long as NBLW of STR says."""
        bits = self.words.get(STR, 0)
        if bits and self._message:
            del self._message[len(self._message) - 4 + (bits + 7) // 8 :]
        if self._phase != OUTER_KEY:
            self._engine.update(self._message)
        digest = self._engine.digest()
        if self._phase == KEY:
            short = self._short and len(self._message) <= BLOCK
            self._key = (bytes(self._message) if short else digest).ljust(BLOCK, b"\0")
            self._enter(MESSAGE, self._padded(0x36))
        elif self._phase == MESSAGE and self.words.get(CR, 0) & HMAC:
            self._enter(OUTER_KEY, self._padded(0x5C) + digest)
        else:
            self._digest = digest
            self._status |= DCIS
            self._enter(KEY if self.words.get(CR, 0) & HMAC else MESSAGE)
        self._status |= DINIS

    def _take(self, data: bytes) -> None:
        self._message += data
        if len(self._message) % BLOCK == 0:
            self._status |= DINIS
        if len(self._message) > 64 * BLOCK:  # but for the last word
            self._short = False
            if self._phase != OUTER_KEY:
                self._engine.update(self._message[:-4])
            del self._message[:-4]

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        for first, last in ((HRA, HRA + 20), (HR, HR + 32)):
            if first <= offset < last:
                at = offset - first
                return int.from_bytes(self._digest[at : at + 4], "big")
        if offset == CR:
            return self.words.get(CR, 0) & ~INIT
        return self._status if offset == SR else super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset == DIN:
            self._take(_swapped(value, self.words.get(CR, 0) >> 4 & 3))
        elif offset == STR:
            self.words[STR] = value & 31
            if value & DCAL:
                self._calculate()
        elif offset == SR:
            self._status &= value | ~(DINIS | DCIS)
        else:
            super().store(offset, value)
            if offset == CR and value & INIT:
                self._enter(KEY if value & HMAC else MESSAGE)
                self._status = DINIS
        self._update()

    def _update(self) -> None:
        self._interrupt(bool(self._status & self.words.get(IMR, 0) & (DINIS | DCIS)))

    def finish(self) -> None:
        """DMA has brought its last word."""
        if self.asks() and not self.words[CR] & MDMAT:
            self.words[CR] &= ~DMAE
            self._calculate()
            self._update()

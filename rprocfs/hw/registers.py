"""Declared registers: what a peripheral's registers are, and how an access reaches them.

A register is declared like an attribute: reading is the decorated method, writing is
its ``store``::

    class Timer(Peripheral):
        @register(0x00)
        def ctrl(self) -> int:
            return self._ctrl

        @ctrl.store
        def _(self, value: int) -> None:
            self._ctrl = value & 7

An array of registers says its ``count``; its methods take the index as well.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar

LANES = {1: 0xFF, 2: 0xFFFF, 4: 0xFFFF_FFFF}


class Register:
    """One 32-bit register, or an array of *count* consecutive ones, at *offset*.

    *ones* marks a register that acts on the ones written to it (set, clear, trigger):
    a byte written to it leaves the other bytes zero, where any other register keeps
    them as they were.
    """

    __slots__ = ("_store", "count", "offset", "ones", "show")

    def __init__(self, offset: int, show: Callable[..., int], count: int, ones: bool) -> None:
        self.offset = offset
        self.count = count
        self.ones = ones
        self.show = show
        self._store: Callable[..., None] | None = None

    def store(self, function: Callable[..., None]) -> Callable[..., None]:
        """Decorator: *function* takes the words that are written."""
        self._store = function
        return function

    def read_word(self, device: Peripheral, index: int) -> int:
        """The word, as the processor reads it."""
        return self.show(device, index) if self.count > 1 else self.show(device)

    def write_word(self, device: Peripheral, index: int, value: int) -> None:
        """Write the word; nothing happens to a read-only register."""
        if self._store is None:
            return
        if self.count > 1:
            self._store(device, index, value)
        else:
            self._store(device, value)


def register(
    offset: int, *, count: int = 1, ones: bool = False
) -> Callable[[Callable[..., int]], Register]:
    """Declare the decorated method as what reading the register at *offset* returns."""

    def declare(show: Callable[..., int]) -> Register:
        return Register(offset, show, count, ones)

    return declare


class Peripheral:
    """Registers behind byte addresses. Offsets without a register read 0, writes are lost."""

    registers: ClassVar[dict[int, tuple[Register, int]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = [value for value in vars(cls).values() if isinstance(value, Register)]
        cls.registers = dict(cls.registers) | {
            one.offset + 4 * index: (one, index) for one in declared for index in range(one.count)
        }

    def read(self, offset: int, size: int) -> int:
        """The *size* bytes (1, 2 or 4) at *offset*."""
        found = self.registers.get(offset & ~3)
        if found is None:
            return 0
        one, index = found
        word = one.show(self, index) if one.count > 1 else one.show(self)
        return word >> 8 * (offset & 3) & LANES[size]

    def write(self, offset: int, size: int, value: int) -> None:
        """Write *size* bytes (1, 2 or 4) at *offset*."""
        found = self.registers.get(offset & ~3)
        if found is None:
            return
        one, index = found
        shift, lane = 8 * (offset & 3), LANES[size]
        word = (value & lane) << shift
        if size < 4 and not one.ones:
            word |= one.read_word(self, index) & ~(lane << shift)
        one.write_word(self, index, word & 0xFFFF_FFFF)

"""A halted core in Unicorn, as a debugger sees it: registers, and all of its memory."""

from __future__ import annotations

from rprocfs.arch.armv7m import features
from rprocfs.arch.armv7m.cpu import THUMB
from rprocfs.engines.unicorn import libunicorn
from rprocfs.engines.unicorn.cpu import SYSTEM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    from rprocfs.engines.unicorn.cpu import Cpu
    from rprocfs.engines.unicorn.debugger import Points
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ram import WorkerRam

    class Blocks(Protocol):
        """Registers by address: peripherals, or an interrupt controller."""

        @property
        def ranges(self) -> Sequence[tuple[int, int]]:
            """(address, size) of its registers."""

        def read(self, address: int, size: int) -> int:
            """A load of *size* bytes."""

        def write(self, address: int, size: int, value: int) -> None:
            """A store of *size* bytes."""


PC, XPSR = features.GENERAL.index("pc"), features.GENERAL.index("xpsr")


class MemoryTarget:
    """The memory of a :class:`rprocfs.engines.gdb.stub.Target`, its *cpu*, and its *points*.

    What is no memory is one of *blocks*. Peripherals are read and written by their models, as
    over the bus: a register that a read clears is cleared.
    """

    _cpu: Any  # a subclass says of which class

    def __init__(
        self, unicorn: Unicorn, cpu: Any, ram: WorkerRam, blocks: Sequence[Blocks], points: Points
    ) -> None:
        self._uc, self._cpu, self._ram, self._blocks = unicorn, cpu, ram, blocks
        self.insert, self.remove = points.insert, points.remove

    def read(self, address: int, size: int) -> bytes:
        """Up to *size* bytes at *address*, as many as are there."""
        found = self._ram.code(address, size)
        if found:
            return found
        data = b""
        for at, width in _accesses(address, size):
            blocks = self._blocks_at(at)
            if blocks is None:
                break
            data += (blocks.read(at, width) & (1 << 8 * width) - 1).to_bytes(width, "little")
        return data

    def write(self, address: int, data: bytes) -> bool:
        """Write *data*; False: there is no room for all of it."""
        if self._ram.put(address, data):
            self._uc.forget(address, address + len(data))
            return True
        accesses = [(self._blocks_at(at), at, width) for at, width in _accesses(address, len(data))]
        if any(blocks is None for blocks, _, _ in accesses):
            return False
        for blocks, at, width in accesses:
            value = int.from_bytes(data[at - address : at - address + width], "little")
            assert blocks is not None, "looked at above"
            blocks.write(at, width, value)
        return True

    def _blocks_at(self, address: int) -> Blocks | None:
        for blocks in self._blocks:
            if any(base <= address < base + size for base, size in blocks.ranges):
                return blocks
        return None

    def double(self, number: int) -> int:
        """D0 to D15."""
        low = libunicorn.S0 + 2 * number
        return self._uc.read(low) | self._uc.read(low + 1) << 32

    def set_double(self, number: int, value: int) -> None:
        """Set one."""
        low = libunicorn.S0 + 2 * number
        self._uc.write(low, value & 0xFFFF_FFFF)
        self._uc.write(low + 1, value >> 32)


class ArmTarget(MemoryTarget):
    """See :class:`rprocfs.engines.gdb.stub.Target`: an Armv7-M core of that *part*."""

    _cpu: Cpu

    def __init__(self, part: str, *parts: Any) -> None:
        super().__init__(*parts)
        self.description, self.sizes = features.description(part), features.sizes(part)

    def register(self, number: int) -> int | None:
        """The value of one."""
        if number < XPSR:
            return self._cpu.pc if number == PC else self._cpu.register(number)
        if number == XPSR:
            return self._cpu.xpsr
        index = number - len(features.GENERAL)
        if index < len(features.SYSTEM):
            return self._cpu.banked(SYSTEM[index])
        if number >= len(self.sizes):
            return None
        index -= len(features.SYSTEM)
        double = index < len(features.DOUBLES)
        return self.double(index) if double else self._uc.read(libunicorn.FPSCR)

    def set_register(self, number: int, value: int) -> bool:
        """Set one."""
        index = number - len(features.GENERAL)
        if number >= len(self.sizes):
            return False
        if number == PC:
            self._cpu.pc = value
        elif number < XPSR:
            self._uc.write(libunicorn.GENERAL[number], value)
        elif number == XPSR:
            self._cpu.set_xpsr(value | THUMB)
        elif index < len(features.SYSTEM):
            self._cpu.set_banked(SYSTEM[index], value)
        elif index < len(features.SYSTEM) + len(features.DOUBLES):
            self.set_double(index - len(features.SYSTEM), value)
        else:
            self._uc.write(libunicorn.FPSCR, value)
        return True


def _accesses(address: int, size: int) -> list[tuple[int, int]]:
    """(address, width) of the widest accesses that are aligned and touch nothing else."""
    found, end = [], address + size
    while address < end:
        width = next(w for w in (4, 2, 1) if address % w == 0 and address + w <= end)
        found.append((address, width))
        address += width
    return found

"""A halted Armv7-M core in Unicorn, as a debugger sees it: registers, and all of its memory."""

from __future__ import annotations

from rprocfs.arch.armv7m import features
from rprocfs.arch.armv7m.cpu import THUMB
from rprocfs.arch.armv7m.scs import PPB, PPB_SIZE
from rprocfs.engines.unicorn import libunicorn
from rprocfs.engines.unicorn.cpu import SYSTEM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.engines.unicorn.bus import Bus
    from rprocfs.engines.unicorn.cpu import Cpu
    from rprocfs.engines.unicorn.debugger import Points
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.ram import WorkerRam

PC, XPSR = features.GENERAL.index("pc"), features.GENERAL.index("xpsr")


class ArmTarget:
    """See :class:`rprocfs.engines.gdb.stub.Target`: a core of that *part*.

    Peripherals are read and written by their models, as over the bus: a register that a read
    clears is cleared.
    """

    def __init__(
        self, part: str, unicorn: Unicorn, cpu: Cpu, ram: WorkerRam, bus: Bus, points: Points
    ) -> None:
        self._uc, self._cpu, self._ram, self._bus = unicorn, cpu, ram, bus
        self.description, self.sizes = features.description(part), features.sizes(part)
        self.insert, self.remove = points.insert, points.remove
        self._ranges = (*bus.peripherals.ranges, (PPB, PPB_SIZE))

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
        low, *high = _floating(number)
        value = self._uc.read(low)
        return value | self._uc.read(high[0]) << 32 if high else value

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
        else:
            for half in _floating(number):
                self._uc.write(half, value & 0xFFFF_FFFF)
                value >>= 32
        return True

    def read(self, address: int, size: int) -> bytes:
        """Up to *size* bytes at *address*, as many as are there."""
        found = self._ram.code(address, size)
        if found or not self._is_register(address):
            return found
        data = b""
        for at, width in _accesses(address, size):
            if not self._is_register(at):
                break
            data += (self._bus.read(at, width) & (1 << 8 * width) - 1).to_bytes(width, "little")
        return data

    def write(self, address: int, data: bytes) -> bool:
        """Write *data*; False: there is no room for all of it."""
        if self._ram.put(address, data):
            self._uc.forget(address, address + len(data))
            return True
        if not all(map(self._is_register, (address, address + len(data) - 1))):
            return False
        for at, width in _accesses(address, len(data)):
            value = int.from_bytes(data[at - address : at - address + width], "little")
            self._bus.write(at, width, value)
        return True

    def _is_register(self, address: int) -> bool:
        return any(base <= address < base + size for base, size in self._ranges)


def _floating(number: int) -> tuple[int, ...]:
    """Unicorn's numbers of what a register of the FPU consists of, the lower half first."""
    index = number - len(features.GENERAL) - len(features.SYSTEM)
    if index == len(features.DOUBLES):
        return (libunicorn.FPSCR,)
    return libunicorn.S0 + 2 * index, libunicorn.S0 + 2 * index + 1


def _accesses(address: int, size: int) -> list[tuple[int, int]]:
    """(address, width) of the widest accesses that are aligned and touch nothing else."""
    found, end = [], address + size
    while address < end:
        width = next(w for w in (4, 2, 1) if address % w == 0 and address + w <= end)
        found.append((address, width))
        address += width
    return found

"""Arm's Generic Interrupt Controller of architecture version 1, as the PL390 (IHI 0048A, DDI 0416).

One instance is what one CPU sees of it: its banked registers and, since each core here has
peripherals of its own, a distributor of its own. Without Security Extensions, as the RPU of
a Zynq UltraScale+ has it, everything is an IRQ.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

SGIS, PRIVATE, SPURIOUS = 16, 32, 1023
IDLE = 0x100  # the running priority if nothing is active; ICCRPR reads 0xff
#: Five bits of priority, so that the binary point is 2 at least.
PRIORITY_MASK, MIN_BINARY_POINT = 0xF8, 2
PAGE = 0x1000
IIDR, ICCIIDR = 0x0000_043B, 0x3901_043B
#: ICPIDR4 to 7, 0 to 3, and ICCIDR0 to 3.
IDENTIFICATION = (0x04, 0, 0, 0, 0x90, 0xB3, 0x1B, 0, 0x0D, 0xF0, 0x05, 0xB1)


class Distributor(Peripheral):
    """Which of *irqs* interrupts are enabled, pending, active, and of which priority.

    *number* is that of the CPU, of *cpus*.
    """

    def __init__(self, irqs: int, number: int, cpus: int) -> None:
        self.irqs, self.number, self.cpus = irqs, number, cpus
        self.on = False
        self.enabled = self.active = self.edge = 0
        self.lines = self.latched = 0
        self.priorities = [0] * irqs
        self.targets = [1 << number] * PRIVATE + [0] * (irqs - PRIVATE)
        self.sources = [0] * SGIS  # CPUs that asked for an SGI
        self._all = (1 << irqs) - 1
        self._mine = (1 << PRIVATE) - 1  # those whose target is this CPU

    @property
    def pending(self) -> int:
        """A bit for each that is pending."""
        return self.latched | self.lines & ~self.edge

    @property
    def ready(self) -> int:
        """A bit for each that may be signalled to this CPU."""
        pending = self.latched | self.lines & ~self.edge
        return pending & self.enabled & ~self.active & self._mine if self.on else 0

    def best(self) -> int:
        """The one of those with the highest priority, and of those the lowest; SPURIOUS."""
        ready, found, priority = self.ready, SPURIOUS, IDLE
        while ready:
            number = (ready & -ready).bit_length() - 1
            ready &= ready - 1
            if self.priorities[number] < priority:
                found, priority = number, self.priorities[number]
        return found

    def set_line(self, number: int, level: bool) -> bool:
        """The level of an input; whether it is another one than before."""
        bit = 1 << number
        if level == bool(self.lines & bit):
            return False
        self.lines ^= bit
        if level:
            self.latched |= bit & self.edge
        return True

    def activate(self, number: int) -> int:
        """It is acknowledged; the number of the CPU that asked for it."""
        self.active |= 1 << number
        source = 0
        if number < SGIS:
            asked = self.sources[number]
            source = (asked & -asked).bit_length() - 1 if asked else 0
            self.sources[number] = asked & asked - 1 if asked else 0
            if self.sources[number]:
                return source
        self.latched &= ~(1 << number)
        return source

    def _word(self, bits: int, index: int) -> int:
        return bits >> 32 * index & 0xFFFF_FFFF

    def _bits(self, index: int, value: int) -> int:
        return value << 32 * index & self._all

    @register(0x000)
    def icddcr(self) -> int:
        """Whether pending interrupts are forwarded."""
        return int(self.on)

    @icddcr.store
    def _(self, value: int) -> None:
        self.on = bool(value & 1)

    @register(0x004)
    def icdictr(self) -> int:
        """How many interrupts and CPUs there are."""
        return self.cpus - 1 << 5 | self.irqs // 32 - 1

    @register(0x008)
    def icdiidr(self) -> int:
        """Arm's."""
        return IIDR

    @register(0x100, count=32, ones=True)
    def icdiser(self, index: int) -> int:
        """Enabled interrupts; a one enables."""
        return self._word(self.enabled, index)

    @icdiser.store
    def _(self, index: int, value: int) -> None:
        self.enabled |= self._bits(index, value)

    @register(0x180, count=32, ones=True)
    def icdicer(self, index: int) -> int:
        """Enabled interrupts; a one disables."""
        return self._word(self.enabled, index)

    @icdicer.store
    def _(self, index: int, value: int) -> None:
        self.enabled &= ~self._bits(index, value)

    @register(0x200, count=32, ones=True)
    def icdispr(self, index: int) -> int:
        """Pending interrupts; a one makes pending, but no SGI."""
        return self._word(self.pending, index)

    @icdispr.store
    def _(self, index: int, value: int) -> None:
        self.latched |= self._bits(index, value) & ~((1 << SGIS) - 1)

    @register(0x280, count=32, ones=True)
    def icdicpr(self, index: int) -> int:
        """Pending interrupts; a one makes not pending, unless its level is high."""
        return self._word(self.pending, index)

    @icdicpr.store
    def _(self, index: int, value: int) -> None:
        self.latched &= ~(self._bits(index, value) & ~((1 << SGIS) - 1))

    @register(0x300, count=32)
    def icdabr(self, index: int) -> int:
        """Active interrupts."""
        return self._word(self.active, index)

    @register(0x400, count=256)
    def icdipr(self, index: int) -> int:
        """Priorities of four interrupts."""
        return int.from_bytes(self.priorities[4 * index : 4 * index + 4], "little")

    @icdipr.store
    def _(self, index: int, value: int) -> None:
        for lane, priority in enumerate(value.to_bytes(4, "little")):
            if 4 * index + lane < self.irqs:
                self.priorities[4 * index + lane] = priority & PRIORITY_MASK

    @register(0x800, count=256)
    def icdiptr(self, index: int) -> int:
        """Target CPUs of four interrupts; those of SGIs and PPIs are this one."""
        return int.from_bytes(self.targets[4 * index : 4 * index + 4], "little")

    @icdiptr.store
    def _(self, index: int, value: int) -> None:
        for lane, cpus in enumerate(value.to_bytes(4, "little")):
            number = 4 * index + lane
            if PRIVATE <= number < self.irqs:
                self.targets[number] = cpus & (1 << self.cpus) - 1
                mine = cpus >> self.number & 1
                self._mine = self._mine & ~(1 << number) | mine << number

    @register(0xC00, count=64)
    def icdicfr(self, index: int) -> int:
        """Level or edge of 16 interrupts, two bits each; SGIs are edges."""
        edges = self.edge >> 16 * index
        word = sum(2 << 2 * bit for bit in range(16) if edges >> bit & 1)
        return 0xAAAA_AAAA if index == 0 else word

    @icdicfr.store
    def _(self, index: int, value: int) -> None:
        if index == 0:
            return
        first = 16 * index
        edges = sum(1 << first + bit for bit in range(16) if value >> 2 * bit + 1 & 1)
        self.edge = (self.edge & ~(0xFFFF << first) | edges) & self._all

    @register(0xF00, ones=True)
    def icdsgir(self) -> int:
        """Asks for an SGI; those for other CPUs go nowhere."""
        return 0

    @icdsgir.store
    def _(self, value: int) -> None:
        number, listed, kind = value & 15, value >> 16 & 0xFF, value >> 24 & 3
        if kind == 2 or (kind == 0 and listed >> self.number & 1):
            self.sources[number] |= 1 << self.number
            self.latched |= 1 << number

    @register(0xFD0, count=len(IDENTIFICATION))
    def identification(self, index: int) -> int:
        """ICPIDR and ICCIDR."""
        return IDENTIFICATION[index]


class CpuInterface(Peripheral):
    """What a CPU acknowledges interrupts of *distributor* by."""

    def __init__(self, distributor: Distributor) -> None:
        self._distributor = distributor
        self.on = False
        self._mask, self._point = 0, MIN_BINARY_POINT
        self._running: list[tuple[int, int]] = []  # (number, priority), the last one runs

    @property
    def priority(self) -> int:
        """The running priority."""
        return self._running[-1][1] if self._running else IDLE

    def due(self) -> int:
        """The interrupt to be signalled, SPURIOUS: none."""
        number = self._distributor.best() if self.on else SPURIOUS
        if number == SPURIOUS:
            return SPURIOUS
        priority, group = self._distributor.priorities[number], -2 << self._point
        if priority >= self._mask or priority & group >= self.priority & group:
            return SPURIOUS
        return number

    @register(0x00)
    def iccicr(self) -> int:
        """Whether interrupts are signalled."""
        return int(self.on)

    @iccicr.store
    def _(self, value: int) -> None:
        self.on = bool(value & 1)

    @register(0x04)
    def iccpmr(self) -> int:
        """Only higher priorities than this are signalled."""
        return self._mask

    @iccpmr.store
    def _(self, value: int) -> None:
        self._mask = value & PRIORITY_MASK

    @register(0x08)
    def iccbpr(self) -> int:
        """The binary point: what of a priority decides about preemption."""
        return self._point

    @iccbpr.store
    def _(self, value: int) -> None:
        self._point = max(MIN_BINARY_POINT, value & 7)

    @register(0x0C)
    def icciar(self) -> int:
        """Acknowledges the interrupt that is due; its number, and of an SGI its source."""
        number = self.due()
        if number == SPURIOUS:
            return SPURIOUS
        self._running.append((number, self._distributor.priorities[number]))
        return self._distributor.activate(number) << 10 | number

    @register(0x10, ones=True)
    def icceoir(self) -> int:
        """The end of an interrupt's handler."""
        return 0

    @icceoir.store
    def _(self, value: int) -> None:
        number = value & 0x3FF
        for index in range(len(self._running) - 1, -1, -1):
            if self._running[index][0] == number:
                del self._running[index]
                self._distributor.active &= ~(1 << number)
                return

    @register(0x14)
    def iccrpr(self) -> int:
        """The running priority."""
        return min(self.priority, 0xFF)

    @register(0x18)
    def icchpir(self) -> int:
        """The pending interrupt of the highest priority."""
        number = self._distributor.best()
        return number if self.on else SPURIOUS

    @register(0xFC)
    def icciidr(self) -> int:
        """The PL390's."""
        return ICCIIDR


class Gic:
    """Both, the distributor at *base* and the CPU interface behind it: drives nIRQ.

    *irqs* counts SGIs and PPIs; *number* is that of the CPU, of *cpus*.
    """

    fiq = False

    def __init__(self, base: int, irqs: int, number: int = 0, cpus: int = 1) -> None:
        self.distributor = Distributor(irqs, number, cpus)
        self.cpu = CpuInterface(self.distributor)
        self._base = base
        self.irq = False

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Two pages."""
        return ((self._base, 2 * PAGE),)

    def set_line(self, irq: int, level: bool) -> None:
        """The level of interrupt *irq*."""
        if self.distributor.set_line(irq, level):
            self._update()

    def _update(self) -> None:
        self.irq = self.cpu.due() != SPURIOUS

    def _block(self, address: int) -> Peripheral:
        return self.cpu if address & PAGE else self.distributor

    def read(self, address: int, size: int) -> int:
        """A load; it may acknowledge."""
        value = self._block(address - self._base).read(address & PAGE - 1, size)
        self._update()
        return value

    def write(self, address: int, size: int, value: int) -> None:
        """A store."""
        self._block(address - self._base).write(address & PAGE - 1, size, value)
        self._update()

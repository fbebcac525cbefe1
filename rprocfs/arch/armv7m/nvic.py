"""The Armv7-M NVIC: which exception is pending, active, and next (Armv7-M ARM B1.5, B3.4).

Knows all exceptions, by their numbers: 1 to 15 the system's own, 16 and up the
interrupts. Only numbers go in and out; what taking an exception does to registers and
stacks is :mod:`rprocfs.arch.armv7m.exceptions`.
"""

from __future__ import annotations

from rprocfs.hw.registers import Peripheral, register

NMI, HARDFAULT, MEMMANAGE, BUSFAULT, USAGEFAULT = 2, 3, 4, 5, 6
SVCALL, DEBUGMON, PENDSV, SYSTICK, FIRST_IRQ = 11, 12, 14, 15, 16
LOCKUP = -1  # what escalating gives when there is nothing left to escalate to
IDLE = 256  # the execution priority when nothing is active and nothing masked
FIXED = {1: -3, NMI: -2, HARDFAULT: -1}


class Nvic(Peripheral):
    """*irqs* interrupts of *priority_bits* bits of priority, and the system's exceptions."""

    def __init__(self, irqs: int, priority_bits: int) -> None:
        self.irqs = irqs
        self.priority_mask = 0xFF << (8 - priority_bits) & 0xFF
        self.priorities = [0] * (FIRST_IRQ + irqs)
        for number, priority in FIXED.items():
            self.priorities[number] = priority
        self.enabled = set(range(FIRST_IRQ)) - {MEMMANAGE, BUSFAULT, USAGEFAULT}
        self.pending: set[int] = set()
        self.active: set[int] = set()
        self.lines: set[int] = set()
        self._prigroup = 0
        self._irqs = frozenset(range(FIRST_IRQ, FIRST_IRQ + irqs))

    @property
    def prigroup(self) -> int:
        """AIRCR.PRIGROUP: bits above it are the group priority, which preempts."""
        return self._prigroup

    @prigroup.setter
    def prigroup(self, value: int) -> None:
        self._prigroup = value & 7

    def group(self, priority: int) -> int:
        """The part of *priority* that decides about preemption."""
        return priority if priority < 0 else priority & ~((2 << self._prigroup) - 1) & 0xFF

    def set_priority(self, number: int, priority: int) -> None:
        """Give exception *number* a priority; the fixed ones keep theirs."""
        if number not in FIXED:
            self.priorities[number] = priority & self.priority_mask

    def set_line(self, irq: int, level: bool) -> None:
        """The level of an interrupt's line. High makes it pending; while active, only anew."""
        number = FIRST_IRQ + irq
        if level:
            if number not in self.lines or number not in self.active:
                self.pending.add(number)
            self.lines.add(number)
        else:
            self.lines.discard(number)

    def pend(self, number: int) -> None:
        """Make exception *number* pending."""
        self.pending.add(number)

    def unpend(self, number: int) -> None:
        """Make *number* not pending, unless its line is high."""
        if number not in self.lines:
            self.pending.discard(number)

    def activate(self, number: int) -> None:
        """Exception *number* is taken."""
        self.pending.discard(number)
        self.active.add(number)

    def deactivate(self, number: int) -> None:
        """The handler of *number* returned. A line that is still high is pending again."""
        self.active.discard(number)
        if number in self.lines:
            self.pending.add(number)

    def execution_priority(self, primask: int = 0, basepri: int = 0, faultmask: int = 0) -> int:
        """The priority that the processor runs at (``ExecutionPriority()``)."""
        priority = IDLE
        for number in self.active:
            priority = min(priority, self.group(self.priorities[number]))
        if basepri:
            priority = min(priority, self.group(basepri))
        if primask:
            priority = min(priority, 0)
        if faultmask:
            priority = min(priority, -1)
        return priority

    def next_pending(self) -> int:
        """The enabled pending exception of the highest priority, 0 if there is none."""
        ready = self.pending & self.enabled
        if not ready:
            return 0
        if len(ready) == 1:
            (number,) = ready
            return number
        return min(ready, key=lambda number: (self.priorities[number], number))

    def takeable(self, primask: int = 0, basepri: int = 0, faultmask: int = 0) -> int:
        """The exception that is to be taken now, 0 if there is none."""
        number = self.next_pending()
        if not number:
            return 0
        priority = self.execution_priority(primask, basepri, faultmask)
        return number if self.group(self.priorities[number]) < priority else 0

    def escalate(self, number: int, primask: int = 0, basepri: int = 0, faultmask: int = 0) -> int:
        """What a synchronous exception *number* becomes: itself, HARDFAULT or LOCKUP."""
        priority = self.execution_priority(primask, basepri, faultmask)
        if number in self.enabled and self.group(self.priorities[number]) < priority:
            return number
        return HARDFAULT if priority > FIXED[HARDFAULT] else LOCKUP

    def _bits(self, numbers: set[int], index: int) -> int:
        first = FIRST_IRQ + 32 * index
        return sum(1 << number - first for number in numbers if first <= number < first + 32)

    def _numbers(self, index: int, value: int) -> set[int]:
        first = FIRST_IRQ + 32 * index
        return {first + bit for bit in range(32) if value >> bit & 1} & self._irqs

    @register(0x004)
    def ictr(self) -> int:
        """How many interrupts there are, in units of 32, less one."""
        return (self.irqs + 31) // 32 - 1

    @register(0x100, count=8, ones=True)
    def iser(self, index: int) -> int:
        """Enabled interrupts; a one enables."""
        return self._bits(self.enabled, index)

    @iser.store
    def _(self, index: int, value: int) -> None:
        self.enabled |= self._numbers(index, value)

    @register(0x180, count=8, ones=True)
    def icer(self, index: int) -> int:
        """Enabled interrupts; a one disables."""
        return self._bits(self.enabled, index)

    @icer.store
    def _(self, index: int, value: int) -> None:
        self.enabled -= self._numbers(index, value)

    @register(0x200, count=8, ones=True)
    def ispr(self, index: int) -> int:
        """Pending interrupts; a one makes pending."""
        return self._bits(self.pending, index)

    @ispr.store
    def _(self, index: int, value: int) -> None:
        self.pending |= self._numbers(index, value)

    @register(0x280, count=8, ones=True)
    def icpr(self, index: int) -> int:
        """Pending interrupts; a one makes not pending."""
        return self._bits(self.pending, index)

    @icpr.store
    def _(self, index: int, value: int) -> None:
        for number in self._numbers(index, value):
            self.unpend(number)

    @register(0x300, count=8)
    def iabr(self, index: int) -> int:
        """Active interrupts."""
        return self._bits(self.active, index)

    @register(0x400, count=60)
    def ipr(self, index: int) -> int:
        """Priorities of four interrupts."""
        numbers = range(FIRST_IRQ + 4 * index, FIRST_IRQ + 4 * index + 4)
        known = [self.priorities[n] if n in self._irqs else 0 for n in numbers]
        return int.from_bytes(known, "little")

    @ipr.store
    def _(self, index: int, value: int) -> None:
        for lane, priority in enumerate(value.to_bytes(4, "little")):
            number = FIRST_IRQ + 4 * index + lane
            if number in self._irqs:
                self.set_priority(number, priority)

    @register(0xF00, ones=True)
    def stir(self) -> int:
        """Software trigger: writing an interrupt's number makes it pending."""
        return 0

    @stir.store
    def _(self, value: int) -> None:
        number = FIRST_IRQ + (value & 0x1FF)
        if number in self._irqs:
            self.pend(number)

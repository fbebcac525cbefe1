"""The Armv7-M system control block and FPU control registers (Armv7-M ARM B3.2, B3.6)."""

from __future__ import annotations

from rprocfs.arch.armv7m.nvic import (
    BUSFAULT,
    DEBUGMON,
    MEMMANAGE,
    NMI,
    PENDSV,
    SVCALL,
    SYSTICK,
    USAGEFAULT,
)
from rprocfs.hw.registers import Peripheral, register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.arch.armv7m.nvic import Nvic

# CFSR: MemManage in byte 0, BusFault in byte 1, UsageFault in the upper half.
IACCVIOL, DACCVIOL, MUNSTKERR, MSTKERR, MMARVALID = 0x01, 0x02, 0x08, 0x10, 0x80
IBUSERR, PRECISERR, UNSTKERR, STKERR, BFARVALID = 0x100, 0x200, 0x800, 0x1000, 0x8000
UNDEFINSTR, INVSTATE, INVPC, NOCP = 0x1_0000, 0x2_0000, 0x4_0000, 0x8_0000
UNALIGNED, DIVBYZERO = 0x100_0000, 0x200_0000
HFSR_VECTTBL, HFSR_FORCED, HFSR_DEBUGEVT = 0x2, 0x4000_0000, 0x8000_0000
DFSR_BKPT = 0x2
CCR_UNALIGN_TRP, CCR_DIV_0_TRP, CCR_BFHFNMIGN, CCR_STKALIGN = 0x8, 0x10, 0x100, 0x200
SCR_SLEEPONEXIT, SCR_SEVONPEND = 0x2, 0x10
AIRCR_KEY, AIRCR_KEY_READ, AIRCR_SYSRESETREQ = 0x05FA, 0xFA05, 0x4
FPCCR_LSPACT, FPCCR_LSPEN, FPCCR_ASPEN = 0x1, 0x4000_0000, 0x8000_0000
CP10_CP11 = 0xF << 20

# SHCSR: (bit, exception) of the active, pending and enable bits.
SHCSR_ACTIVE = (
    (0, MEMMANAGE),
    (1, BUSFAULT),
    (3, USAGEFAULT),
    (7, SVCALL),
    (8, DEBUGMON),
    (10, PENDSV),
    (11, SYSTICK),
)
SHCSR_PENDING = ((12, USAGEFAULT), (13, MEMMANAGE), (14, BUSFAULT), (15, SVCALL))
SHCSR_ENABLED = ((16, MEMMANAGE), (17, BUSFAULT), (18, USAGEFAULT))
ICSR_SET = ((31, NMI), (28, PENDSV), (26, SYSTICK))
ICSR_CLEAR = ((27, PENDSV), (25, SYSTICK))

CPUID = {"cortex-m3": 0x412F_C231, "cortex-m4": 0x410F_C241, "cortex-m7": 0x411F_C272}
#: MVFR0 to MVFR2 of those with an FPU: single precision, and with double precision.
MVFR = {
    "cortex-m4": (0x1011_0021, 0x1100_0011, 0),
    "cortex-m7": (0x1011_0221, 0x1200_0011, 0x40),
}
#: CCR: the bits that can be written, and those that always read as one. The Cortex-M7 has enables
#: for its caches (IC, DC), predicts branches, and always aligns the stack.
CCR_WRITABLE = {"cortex-m7": 0x3_011B}
CCR_FIXED = {"cortex-m7": 0x4_0200}


def _gather(bits: tuple[tuple[int, int], ...], numbers: set[int]) -> int:
    return sum(1 << bit for bit, number in bits if number in numbers)


def _scatter(bits: tuple[tuple[int, int], ...], value: int, numbers: set[int]) -> None:
    for bit, number in bits:
        if value >> bit & 1:
            numbers.add(number)
        else:
            numbers.discard(number)


class Scb(Peripheral):
    """The processor's identity, vector table, fault state and floating point control.

    *core* is ``cortex-m3``, ``cortex-m4`` or ``cortex-m7``; *reset* is called when the firmware
    asks for a system reset. Fault status is set by whoever detects the fault.
    """

    def __init__(self, nvic: Nvic, core: str, vtor: int, reset: Callable[[], None]) -> None:
        self._nvic = nvic
        self._core = core
        self._reset = reset
        self.fpu = core in MVFR
        self.vtor = vtor
        self.scr = 0
        self.ccr = CCR_FIXED.get(core, CCR_STKALIGN)
        self.cfsr = self.hfsr = self.dfsr = self.mmfar = self.bfar = self.afsr = 0
        self.cpacr = 0
        self.fpccr = FPCCR_ASPEN | FPCCR_LSPEN if self.fpu else 0
        self.fpcar = self.fpdscr = 0
        self.floats: Callable[[], bool] = lambda: False  # whether a handler has used the FPU
        self._demcr = 0

    @property
    def fpu_enabled(self) -> bool:
        """Whether floating point instructions work: an FPU, and CPACR lets them."""
        return self.fpu and self.cpacr & CP10_CP11 != 0

    @register(0xD00)
    def cpuid(self) -> int:
        """CPUID."""
        return CPUID[self._core]

    @register(0xD04, ones=True)
    def icsr(self) -> int:
        """ICSR: what is active and pending; ones pend and unpend NMI, PendSV, SysTick."""
        nvic = self._nvic
        value = _gather(ICSR_SET, nvic.pending) | nvic.next_pending() << 12
        value |= any(n >= 16 for n in nvic.pending) << 22
        value |= (len(nvic.active) <= 1) << 11
        return value | self.vectactive()

    @icsr.store
    def _(self, value: int) -> None:
        for bit, number in ICSR_SET:
            if value >> bit & 1:
                self._nvic.pend(number)
        for bit, number in ICSR_CLEAR:
            if value >> bit & 1:
                self._nvic.unpend(number)

    def vectactive(self) -> int:
        """The number of the active exception of the highest priority, 0 in Thread mode."""
        nvic = self._nvic
        return min(nvic.active, key=lambda n: (nvic.priorities[n], n), default=0)

    @register(0xD08)
    def vtor_register(self) -> int:
        """VTOR."""
        return self.vtor

    @vtor_register.store
    def _(self, value: int) -> None:
        self.vtor = value & 0xFFFF_FF80

    @register(0xD0C)
    def aircr(self) -> int:
        """AIRCR: PRIGROUP and SYSRESETREQ; a write without the key is lost."""
        return AIRCR_KEY_READ << 16 | self._nvic.prigroup << 8

    @aircr.store
    def _(self, value: int) -> None:
        if value >> 16 != AIRCR_KEY:
            return
        self._nvic.prigroup = value >> 8
        if value & AIRCR_SYSRESETREQ:
            self._reset()

    @register(0xD10)
    def scr_register(self) -> int:
        """SCR: SLEEPONEXIT, SLEEPDEEP, SEVONPEND."""
        return self.scr

    @scr_register.store
    def _(self, value: int) -> None:
        self.scr = value & 0x16

    @register(0xD14)
    def ccr_register(self) -> int:
        """CCR: the traps for division by zero and unaligned access, STKALIGN, caches."""
        return self.ccr

    @ccr_register.store
    def _(self, value: int) -> None:
        writable = CCR_WRITABLE.get(self._core, 0x31B)
        self.ccr = value & writable | CCR_FIXED.get(self._core, 0)

    @register(0xD18, count=3)
    def shpr(self, index: int) -> int:
        """SHPR1-3: the priorities of exceptions 4 to 15."""
        first = 4 + 4 * index
        return int.from_bytes(self._nvic.priorities[first : first + 4], "little")

    @shpr.store
    def _(self, index: int, value: int) -> None:
        for lane, priority in enumerate(value.to_bytes(4, "little")):
            self._nvic.set_priority(4 + 4 * index + lane, priority)

    @register(0xD24)
    def shcsr(self) -> int:
        """SHCSR: system handlers active, pending, enabled."""
        nvic = self._nvic
        value = _gather(SHCSR_ACTIVE, nvic.active) | _gather(SHCSR_PENDING, nvic.pending)
        return value | _gather(SHCSR_ENABLED, nvic.enabled)

    @shcsr.store
    def _(self, value: int) -> None:
        _scatter(SHCSR_ACTIVE, value, self._nvic.active)
        _scatter(SHCSR_PENDING, value, self._nvic.pending)
        _scatter(SHCSR_ENABLED, value, self._nvic.enabled)

    @register(0xD28, ones=True)
    def cfsr_register(self) -> int:
        """CFSR; a one clears."""
        return self.cfsr

    @cfsr_register.store
    def _(self, value: int) -> None:
        self.cfsr &= ~value

    @register(0xD2C, ones=True)
    def hfsr_register(self) -> int:
        """HFSR; a one clears."""
        return self.hfsr

    @hfsr_register.store
    def _(self, value: int) -> None:
        self.hfsr &= ~value

    @register(0xD30, ones=True)
    def dfsr_register(self) -> int:
        """DFSR; a one clears."""
        return self.dfsr

    @dfsr_register.store
    def _(self, value: int) -> None:
        self.dfsr &= ~value

    @register(0xD34)
    def mmfar_register(self) -> int:
        """MMFAR."""
        return self.mmfar

    @mmfar_register.store
    def _(self, value: int) -> None:
        self.mmfar = value

    @register(0xD38)
    def bfar_register(self) -> int:
        """BFAR."""
        return self.bfar

    @bfar_register.store
    def _(self, value: int) -> None:
        self.bfar = value

    @register(0xD88)
    def cpacr_register(self) -> int:
        """CPACR: access to the FPU, coprocessors 10 and 11."""
        return self.cpacr

    @cpacr_register.store
    def _(self, value: int) -> None:
        self.cpacr = value & CP10_CP11 if self.fpu else 0

    @register(0xDFC)
    def demcr(self) -> int:
        """DEMCR: TRCENA, which is asked for but not needed here, and what only debuggers use."""
        return self._demcr

    @demcr.store
    def _(self, value: int) -> None:
        self._demcr = value & 0x010F_07F1

    @register(0xF34)
    def fpccr_register(self) -> int:
        """FPCCR: whether, and how lazily, exceptions keep the FPU's registers."""
        self.settle()
        return self.fpccr

    def settle(self) -> None:
        """Registers of the FPU that were to be stacked lazily are, once a handler uses it."""
        if self.fpccr & FPCCR_LSPACT and self.floats():
            self.fpccr &= ~FPCCR_LSPACT

    @fpccr_register.store
    def _(self, value: int) -> None:
        self.fpccr = value & 0xC000_017B if self.fpu else 0

    @register(0xF38)
    def fpcar_register(self) -> int:
        """FPCAR: where the last exception kept the FPU's registers."""
        return self.fpcar

    @fpcar_register.store
    def _(self, value: int) -> None:
        self.fpcar = value & ~7

    @register(0xF3C)
    def fpdscr_register(self) -> int:
        """FPDSCR: FPSCR of a new floating point context."""
        return self.fpdscr

    @fpdscr_register.store
    def _(self, value: int) -> None:
        self.fpdscr = value & 0x07C0_0000

    @register(0xF40, count=3)
    def mvfr(self, index: int) -> int:
        """MVFR0-2: what the FPU can do."""
        return MVFR[self._core][index] if self.fpu else 0

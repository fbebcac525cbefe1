"""Clocks and resets of the low and the full power domain (UG1087 modules CRL_APB, CRF_APB).

PLLs are locked; registers are those of a board that a first stage boot loader has set up: 33.3 MHz
in, IOPLL at 1500 MHz, RPLL at 1200, UARTs and timers at 100, the RPU at 500. A reset of the system,
or of the core itself, ends the core.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: CRL_APB.
IOPLL_CTRL, RPLL_CTRL, PLL_STATUS = 0x20, 0x30, 0x40
UART0_REF, UART1_REF, CPU_R5, LPD_LSBUS, TIMESTAMP = 0x74, 0x78, 0x90, 0xAC, 0x128
BOOT_MODE_USER, RESET_CTRL, RST_LPD_IOU2, RST_LPD_TOP = 0x200, 0x218, 0x238, 0x23C
SOFT_RESET, SD1_BOOT = 1 << 4, 0xE
LOCKED = 0x1B
CRL_RESET = {
    IOPLL_CTRL: 0x0001_5A00, RPLL_CTRL: 0x0001_4800, PLL_STATUS: LOCKED,
    UART0_REF: 0x0101_0F00, UART1_REF: 0x0101_0F00, CPU_R5: 0x0300_0302,
    LPD_LSBUS: 0x0100_0F02, TIMESTAMP: 0x0100_0F00,
    BOOT_MODE_USER: SD1_BOOT, RST_LPD_TOP: 0x0018_0000,
}  # fmt: skip
#: CRF_APB.
APLL_CTRL, DPLL_CTRL, VPLL_CTRL, CRF_PLL_STATUS = 0x20, 0x2C, 0x38, 0x44
CRF_RESET = {
    APLL_CTRL: 0x0001_4800, DPLL_CTRL: 0x0001_4000, VPLL_CTRL: 0x0001_4500, CRF_PLL_STATUS: 0x3F,
}  # fmt: skip


class Crl(Words):
    """CRL_APB. *reset* is called when RESET_CTRL asks for it, or a bit of *own* in RST_LPD_TOP."""

    def __init__(self, reset: Callable[[], None], own: int) -> None:
        super().__init__(CRL_RESET)
        self._reset, self._own = reset, own

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if offset in (PLL_STATUS, BOOT_MODE_USER):
            return
        asserted = value & ~self.words.get(offset, 0)
        super().store(offset, value)
        soft = offset == RESET_CTRL and value & SOFT_RESET
        if soft or (offset == RST_LPD_TOP and asserted & self._own):
            self._reset()

"""Reset and clock control (RM0436 chapter 10).

Found as Linux's boot chain leaves it on a DK2: PLL3 makes the M4's 208.9 MHz. What a register
selects or turns on is ready at once; the M4's clock follows what is written.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

HSI, HSE, CSI = 64_000_000, 24_000_000, 4_000_000
LSE, LSI = 32_768, 32_000
OCENSETR, OCENCLRR, HSICFGR, MSSCKSELR = 0x00C, 0x010, 0x018, 0x048
BDCR, RDLSICR, GRSTCSETR, RSTSCLRR, OCRDYR = 0x140, 0x144, 0x404, 0xC00, 0x808
RCK3SELR, TIMG1PRER, TIMG2PRER, MCUDIVR = 0x820, 0x828, 0x82C, 0x830
APB1DIVR, APB2DIVR, APB3DIVR = 0x834, 0x838, 0x83C
PLL3CR, PLL3CFGR1, PLL3CFGR2, PLL3FRACR = 0x880, 0x884, 0x888, 0x88C
MCURST, MCURSTF = 1 << 1, 1 << 5
CIER, CIFR, WKUP = 0xC14, 0xC18, 1 << 20

PLLS = (0x080, 0x094, PLL3CR, 0x894)  # PLLON answers with PLLRDY
# Selectors and dividers whose bit 31 says that the setting is in use.
READY = frozenset(
    (0x020, 0x024, 0x028, 0x02C, 0x030, 0x03C, 0x040, MSSCKSELR, RCK3SELR, 0x824, TIMG1PRER,
     TIMG2PRER, MCUDIVR, APB1DIVR, APB2DIVR, APB3DIVR)
)  # fmt: skip
# Pairs of a register whose ones set and one whose ones clear: resets, clock enables.
PAIRS = (
    (0x180, 0x1A8), (0x200, 0x220), (0x280, 0x2A0), (0x300, 0x320), (0x380, 0x3A0),
    (0x980, 0x9B0), (0xA00, 0xA40), (0xA80, 0xAC0), (0xB00, 0xB40), (0xB80, 0xBC0),
)  # fmt: skip
SETTERS = {at: at for first, end in PAIRS for at in range(first, end, 8)} | {OCENSETR: OCENSETR}
CLEARERS = {at + 4: at for at in SETTERS}

RESET = {
    OCENSETR: 0x111,
    MSSCKSELR: 3,
    RCK3SELR: 1,
    0x824: 1,
    APB1DIVR: 1,
    APB2DIVR: 1,
    APB3DIVR: 1,
    PLL3CR: 0x71,
    PLL3CFGR1: 1 << 16 | 33,
    PLL3CFGR2: 36 << 16 | 16 << 8 | 1,
    PLL3FRACR: 1 << 16 | 0x1A04 << 3,
    0x894: 0x71,
    0x898: 3 << 16 | 98,
    0x89C: 7 << 16 | 7 << 8 | 5,
    RSTSCLRR: MCURSTF,
    CIER: WKUP,
    0xFF4: 0x10,
}


class Rcc(Words):
    """*clock* (hertz) is told when the M4's clock changes, *reset* that it resets itself.

    *woken* is told the level of the interrupt for waking up from CSTOP.
    """

    def __init__(
        self,
        clock: Callable[[int], None] = lambda hertz: None,
        reset: Callable[[], None] = lambda: None,
        woken: Callable[[bool], None] = lambda level: None,
    ) -> None:
        super().__init__(RESET)
        self._clock, self._reset, self._woken = clock, reset, woken
        self.mcu_hz = self._mcu_hz()

    def load(self, offset: int) -> int:
        """The word, with what is ready in it."""
        word = super().load(CLEARERS.get(offset, offset))
        if offset in READY:
            return word | 1 << 31
        if offset in PLLS:
            return word | (word & 1) << 1
        if offset == BDCR:
            return word | (word & 1) << 2
        if offset == RDLSICR:
            return word | (word & 1) << 1
        if offset == OCRDYR:
            return self.words[OCENSETR] & 0x111 | 0x0180_0004
        return word

    def ones(self, offset: int) -> bool:
        """Setters and clearers."""
        return offset in SETTERS or offset in CLEARERS or offset in (RSTSCLRR, CIFR)

    def store(self, offset: int, value: int) -> None:
        """The word; it may change the M4's clock, or end its life."""
        if offset in SETTERS:
            self.words[offset] = self.words.get(offset, 0) | value
        elif offset in CLEARERS:
            self.words[CLEARERS[offset]] = self.words.get(CLEARERS[offset], 0) & ~value
        elif offset in (RSTSCLRR, CIFR):
            self.words[offset] = self.words.get(offset, 0) & ~value
            self._update()
        elif offset == GRSTCSETR:
            if value & MCURST:
                self._reset()
        elif offset not in (OCRDYR, 0xFF4):
            self.words[offset] = value & ~(1 << 31) if offset in READY else value
            self._update()
        hertz = self._mcu_hz()
        if hertz != self.mcu_hz:
            self.mcu_hz = hertz
            self._clock(hertz)

    def wake_up(self) -> None:
        """The M4 comes out of CSTOP."""
        self.words[CIFR] = self.words.get(CIFR, 0) | WKUP
        self._update()

    def _update(self) -> None:
        self._woken(bool(self.words.get(CIFR, 0) & self.words.get(CIER, 0) & WKUP))

    def _source(self, number: int) -> int:
        return (HSI >> (self.words.get(HSICFGR, 0) & 3), HSE, CSI, 0)[number]

    def _mcu_hz(self) -> int:
        """What drives the M4; the HSI where nothing would."""
        get = self.words.get
        select = get(MSSCKSELR, 0) & 3
        hertz = self._source(select)
        if select == 3:
            config, fraction = get(PLL3CFGR1, 0), get(PLL3FRACR, 0)
            part = (fraction >> 3 & 0x1FFF) if fraction >> 16 & 1 else 0
            vco = self._source(get(RCK3SELR, 0) & 3) * (((config & 0x1FF) + 1) * 8192 + part)
            vco //= 8192 * ((config >> 16 & 0x3F) + 1)
            hertz = vco // ((get(PLL3CFGR2, 0) & 0x7F) + 1)
        return (hertz or HSI) >> min(get(MCUDIVR, 0) & 0xF, 9)

    def timer_hz(self, divider: int, prescaler: int) -> int:
        """The clock of the timers of a bus: *divider* and *prescaler* are its registers."""
        shift = min(self.words.get(divider, 0) & 7, 4)
        if self.words.get(prescaler, 0) & 1:
            return self.mcu_hz * 4 >> max(2, shift)
        return self.mcu_hz * 2 >> max(1, shift)

    def slow_hz(self, selector: int, divider: int) -> int:
        """The clock of a low-power timer: LSE or LSI, if its *selector* says so, or its bus's."""
        select = self.words.get(selector, 0) & 7
        if select in (3, 4):
            return LSE if select == 3 else LSI
        return self.mcu_hz >> min(self.words.get(divider, 0) & 7, 4)

    @property
    def pclk1_hz(self) -> int:
        """The clock of APB1."""
        return self.mcu_hz >> min(self.words.get(APB1DIVR, 0) & 7, 4)

"""The PLLs of the i.MX 8M (CCM_ANALOG), which lock at once.

:class:`Pll14xx` is that of 8M Mini, Nano and Plus (IMX8MMRM 5.1.8), :class:`Sscg` that of 8M Quad
(IMX8MDQLQRM 5.1.7). Both are found as U-Boot leaves them: system PLLs 1 to 3 run.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar

LOCK = 1 << 31
REF_SEL = 3


class Plls(Words):
    """*plls* has their first register by name; *changed* is called when one may have changed."""

    osc: ClassVar[int]
    plls: ClassVar[dict[str, int]]

    def __init__(self, reset: dict[int, int]) -> None:
        super().__init__(reset)
        self.changed: Callable[[], None] = lambda: None

    def hz(self, name: str) -> int:
        """The frequency of a PLL; ``osc`` is the oscillator, 0 a PLL that is off."""
        return self.osc if name == "osc" else self._hz(self.plls[name])

    def _hz(self, at: int) -> int:
        raise NotImplementedError(at)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        super().store(offset, value & ~LOCK if offset in self.plls.values() else value)
        self.changed()


class Pll14xx(Plls):
    """``(MAIN + DSM / 65536) / (PRE << POST)`` of 24 MHz; the integer ones have no DSM."""

    osc = 24_000_000
    plls: ClassVar[dict[str, int]] = {
        "audio1": 0x00, "audio2": 0x14, "video1": 0x28, "dram": 0x50, "gpu": 0x64, "vpu": 0x74,
        "arm": 0x84, "sys1": 0x94, "sys2": 0x104, "sys3": 0x114,
    }  # fmt: skip
    FRACTIONAL = frozenset((0x00, 0x14, 0x28, 0x50))
    BYPASS, RST, RUNNING = 1 << 4, 1 << 9, 0x0AAA_AA00

    def __init__(self, digprog: int) -> None:
        running = {"sys1": (400, 3, 2), "sys2": (250, 3, 1), "sys3": (300, 3, 2)}
        reset = {0x800: digprog}
        for name, (main, pre, post) in running.items():
            at = self.plls[name]
            reset[at], reset[at + 4] = self.RUNNING, main << 12 | pre << 4 | post
        super().__init__(reset)

    def load(self, offset: int) -> int:
        """The word; a PLL that is not in reset is locked."""
        word = super().load(offset)
        return word | LOCK if offset in self.plls.values() and word & self.RST else word

    def _hz(self, at: int) -> int:
        control, divide = self.words.get(at, 0), self.words.get(at + 4, 0)
        if control & REF_SEL or not control & (self.RST | self.BYPASS):
            return 0
        if control & self.BYPASS:
            return self.osc
        dsm = self.words.get(at + 8, 0) & 0xFFFF if at in self.FRACTIONAL else 0
        factor = (divide >> 12 & 0x3FF) * 65536 + dsm - (dsm >> 15 << 16)
        return self.osc * factor // (65536 * ((divide >> 4 & 0x3F) or 1) << (divide & 7))


class AudioMix(Words):
    """AUDIOMIX of 8M Plus (IMX8MPRM "AUDIO_BLK_CTRL"): all clocks are on, and the SAI PLL locks."""

    CLKEN0, CLKEN1, SAI_PLL_GNRL_CTL = 0x0, 0x4, 0x400

    def __init__(self) -> None:
        super().__init__({self.CLKEN0: 0xFFFF_FFFF, self.CLKEN1: 0xFFFF_FFFF})

    def load(self, offset: int) -> int:
        """The word; the PLL that is not in reset is locked."""
        word = super().load(offset) & ~(LOCK if offset == self.SAI_PLL_GNRL_CTL else 0)
        locked = offset == self.SAI_PLL_GNRL_CTL and word & Pll14xx.RST
        return word | LOCK if locked else word


class Sscg(Plls):
    """Of 25 MHz: fractional ones have two registers, those with spread spectrum three."""

    osc = 25_000_000
    plls: ClassVar[dict[str, int]] = {
        "audio1": 0x00, "audio2": 0x08, "video1": 0x10, "gpu": 0x18, "vpu": 0x20, "arm": 0x28,
        "sys1": 0x30, "sys2": 0x3C, "sys3": 0x48, "video2": 0x54, "dram": 0x60,
    }  # fmt: skip
    FIRST_SSCG, DIGPROG = 0x30, 0x6C
    FRAC_PD, FRAC_NEWDIV, FRAC_ACK, FRAC_BYPASS = 1 << 19, 1 << 12, 1 << 11, 1 << 14
    SSCG_PD, SSCG_BYPASS1, SSCG_BYPASS2, SSCG_SSE = 1 << 7, 1 << 5, 1 << 4, 1
    RUNNING = 0x0AAA_A800 | 1 << 25

    def __init__(self, digprog: int) -> None:
        running = {"sys1": (32, 24, 12, 1), "sys2": (32, 16, 20, 2), "sys3": (32, 16, 20, 2)}
        reset = {self.DIGPROG: digprog}
        for name, (divf1, divr2, divf2, out) in running.items():
            config = (divr2 - 1) << 19 | (divf1 - 1) << 13 | (divf2 - 1) << 7 | (out - 1) << 1
            reset[self.plls[name]], reset[self.plls[name] + 8] = self.RUNNING, config
        for name in ("audio1", "audio2", "video1", "gpu", "vpu", "arm"):
            reset[self.plls[name]] = self.FRAC_PD
        for name in ("video2", "dram"):
            reset[self.plls[name]] = self.SSCG_PD
        super().__init__(reset)

    def load(self, offset: int) -> int:
        """The word; a PLL that has power is locked, and has taken new dividers."""
        word = super().load(offset)
        if offset not in self.plls.values():
            return word
        if offset >= self.FIRST_SSCG:
            return word if word & self.SSCG_PD else word | LOCK
        word |= self.FRAC_ACK if word & self.FRAC_NEWDIV else 0
        return word if word & self.FRAC_PD else word | LOCK

    def _hz(self, at: int) -> int:
        control = self.words.get(at, 0)
        if at >= self.FIRST_SSCG:
            return 0 if control & (self.SSCG_PD | REF_SEL) else self._sscg_hz(at, control)
        if control & (self.FRAC_PD | REF_SEL << 16):
            return 0
        if control & self.FRAC_BYPASS:
            return self.osc
        ref, config = self.osc // ((control >> 5 & 0x3F) + 1), self.words.get(at + 4, 0)
        vco = ref * 8 * (1 + (config & 0x7F)) + (ref * 8 * (config >> 7 & 0xFF_FFFF) >> 24)
        return vco // (((control & 0x1F) + 1) * 2)

    def _sscg_hz(self, at: int, control: int) -> int:
        if control & self.SSCG_BYPASS2:
            return self.osc
        spread, config = self.words.get(at + 4, 0), self.words.get(at + 8, 0)
        hz = self.osc // ((config >> 25 & 7) + 1)
        if not control & self.SSCG_BYPASS1:
            factor = 8 if spread & self.SSCG_SSE else 2
            hz = hz * factor * ((config >> 13 & 0x3F) + 1) // ((config >> 19 & 0x3F) + 1)
        return hz * ((config >> 7 & 0x3F) + 1) // ((config >> 1 & 0x3F) + 1)

"""Clock control module (IMX8MMRM chapter 5): clock gates and clock roots.

Found as U-Boot leaves it. What is selected is in use at once.
"""

from __future__ import annotations

from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rprocfs.hw.nxp.pll import Plls

CCGR, ROOT, ROOT_SIZE, SIZE = 0x4000, 0x8000, 0x80, 0x10000
ENABLE = 1 << 28
#: Clock roots, by their numbers.
CORE, AHB, IPG, PWM1, GPT1 = 1, 32, 33, 103, 107
#: A source of a root: the name of a PLL, and what it is divided by; "osc" is the oscillator.
Source = tuple[str, int]
GPT_SOURCES: tuple[Source, ...] = (
    ("osc", 1), ("sys2", 10), ("sys1", 2), ("sys1", 20), ("video1", 1), ("sys1", 10),
    ("audio1", 1), ("osc", 1),
)  # fmt: skip
PWM_SOURCES: tuple[Source, ...] = (
    ("osc", 1), ("sys2", 10), ("sys1", 5), ("sys1", 20), ("sys3", 1), ("osc", 1), ("sys1", 10),
    ("video1", 1),
)  # fmt: skip


def root(mux: int = 0, pre: int = 1, post: int = 1) -> int:
    """TARGET_ROOT of an enabled root: its source, divided by *pre* and *post*."""
    return ENABLE | mux << 24 | (pre - 1) << 16 | post - 1


class SetClearToggle(Words):
    """Each register has three more behind it: its ones set, clear and toggle bits of the first."""

    def load(self, offset: int) -> int:
        """The word; its three others read the same."""
        return super().load(offset & ~0xF)

    def ones(self, offset: int) -> bool:
        """Whether it is one of the others."""
        return offset & 0xC != 0

    def store(self, offset: int, value: int) -> None:
        """Write the word, or bits of it."""
        base, old = offset & ~0xF, self.words.get(offset & ~0xF, 0)
        self.words[base] = (value, old | value, old & ~value, old ^ value)[offset >> 2 & 3]


class Ccm(SetClearToggle):
    """Clock roots by the *plls*.

    *core* are the sources of the core's own root, *roots* the roots as U-Boot leaves them, and
    *clock* (hertz) is told when the core's clock changes.
    """

    def __init__(
        self,
        plls: Plls,
        core: Sequence[Source],
        roots: Mapping[int, int],
        clock: Callable[[int], None] = lambda hertz: None,
    ) -> None:
        super().__init__({ROOT + number * ROOT_SIZE: value for number, value in roots.items()})
        self._plls, self._core, self._clock = plls, core, clock
        self.core_hz = self.root_hz(CORE, core)

    def root_hz(self, number: int, sources: Sequence[Source]) -> int:
        """The frequency of a clock root; that of the oscillator where nothing drives it."""
        target = self.words.get(ROOT + number * ROOT_SIZE, 0)
        pll, divider = sources[target >> 24 & 7]
        hertz = (self._plls.hz(pll) or self._plls.osc) // divider
        return hertz // ((target >> 16 & 7) + 1) // ((target & 0x3F) + 1)

    def gpt_hz(self, number: int) -> int:
        """The clock of GPT *number*, from 1 on."""
        return self.root_hz(GPT1 + number - 1, GPT_SOURCES)

    def pwm_hz(self, number: int) -> int:
        """The clock of PWM *number*, from 1 on."""
        return self.root_hz(PWM1 + number - 1, PWM_SOURCES)

    def store(self, offset: int, value: int) -> None:
        """Write the word; it may change the core's clock."""
        super().store(offset, value)
        self.update()

    def update(self) -> None:
        """A root or a PLL may have changed."""
        hertz = self.root_hz(CORE, self._core)
        if hertz != self.core_hz:
            self.core_hz = hertz
            self._clock(hertz)

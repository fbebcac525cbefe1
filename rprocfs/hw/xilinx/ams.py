"""The system monitor of the PS (UG1085 chapter 9, UG580, UG1087 modules AMS_CTRL and PSSYSMON).

What it measures are inputs. An average is of equal samples, so it is the value itself. The
monitor of the PL cannot be accessed, as nothing configures the PL.
"""

from __future__ import annotations

from rprocfs.hw.inputs import Value
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.inputs import Input

ISR_0, ISR_1, IMR_0, IMR_1, IER_0, IER_1, IDR_0, IDR_1 = range(0x10, 0x30, 4)
PS_CSTS, PL_CSTS = 0x40, 0x44
#: The registers of the PS's monitor, and those of the PL's.
PS, PL = 0x800, 0xC00
VP_VN, CONFIG0, CONFIG1, CONFIG3, SEQ_CH2, SEQ_CH0, SEQ_CH1 = (
    PS + at for at in (0x0C, 0x100, 0x104, 0x10C, 0x118, 0x120, 0x124)
)
#: PS_CSTS: the start-up is done, in its last state.
READY, WRITABLE = 8 << 24 | 1 << 16, 0xB
EOC, EOS = 1 << 3, 1 << 4
ALL = 0xFFFF_FFFF
#: CONFIG1: how the sequencer works. A conversion takes nanoseconds.
ONE_PASS, SINGLE_CHANNEL = 1, 3
CONVERSION, DEFAULT_CHANNELS, SAMPLES = 5_000, 8, (1, 16, 64, 256)
#: Parts of 65536 of 3 V, and of 6 V for banks of I/O.
V085, V12, V18, IO_V18 = 18_569, 26_214, 39_322, 19_661


class Channel:
    """A value at *register*: its extremes, its limits, and what says that it is outside them.

    *flag* is that bit of ISR_0, *disable* the bit of CONFIG1 or CONFIG3 that turns it off. It is a
    temperature unless it is given a *level*.
    """

    __slots__ = ("config", "disable", "flag", "level", "maximum", "name", "register", "upper")

    def __init__(
        self, name: str, register: int, maximum: int, upper: int, flag: int, disable: int,
        level: int | None = None,
    ) -> None:  # fmt: skip
        self.name, self.level, self.flag = name, level, 1 << flag
        self.register, self.maximum, self.upper = PS + register, PS + maximum, PS + upper
        self.config, self.disable = CONFIG3 if flag > 7 else CONFIG1, 1 << disable

    @property
    def minimum(self) -> int:
        """Where the smallest value is."""
        return self.maximum + (0x20 if self.flag > 0x80 else 0x10)

    @property
    def lower(self) -> int:
        """Where the lower limit is."""
        return self.upper + (0x20 if self.flag > 0x80 else 0x10)


CHANNELS = (
    Channel("TEMP", 0x00, 0x80, 0x140, 0, 1),
    Channel("SUPPLY1", 0x04, 0x84, 0x144, 1, 2, V085),
    Channel("SUPPLY2", 0x08, 0x88, 0x148, 2, 3, V085),
    Channel("SUPPLY3", 0x18, 0x8C, 0x160, 3, 8, V18),
    Channel("SUPPLY4", 0x34, 0xA0, 0x164, 4, 9, V12),
    Channel("SUPPLY5", 0x38, 0xA4, 0x168, 5, 10, IO_V18),
    Channel("SUPPLY6", 0x3C, 0xA8, 0x16C, 6, 11, IO_V18),
    Channel("SUPPLY7", 0x200, 0x280, 0x180, 8, 0, IO_V18),
    Channel("SUPPLY8", 0x204, 0x284, 0x184, 9, 1, IO_V18),
    Channel("SUPPLY9", 0x208, 0x288, 0x188, 10, 2, V085),
    Channel("SUPPLY10", 0x20C, 0x28C, 0x18C, 11, 3, V18),
    Channel("VCCAMS", 0x210, 0x290, 0x190, 12, 4, V18),
    Channel("TEMP_REMOTE", 0x214, 0x294, 0x194, 13, 5),
)
#: Those that only AMS_CTRL has.
RAILS = {
    "VCC_PSPLL": (0x60, V12), "VCC_PSBATT": (0x6C, V12), "VCCINT": (0x78, V085),
    "VCCBRAM": (0x7C, V085), "VCCAUX": (0x80, V18), "VCC_PSDDR_PLL": (0x84, V18),
    "VCC_PSINTFP_DDR": (0x9C, V085),
}  # fmt: skip


def raw(millidegrees: int) -> int:
    """What the converter says of a temperature (UG580, on-chip sensor)."""
    return max(0, min(0xFFFF, (millidegrees + 280_231) * 65_536 // 509_314))


class Ams(Words):
    """All of it. *interrupt* is told its level; *now* is the clock in nanoseconds."""

    #: Time does not wait for it.
    limit = None

    def __init__(self, interrupt: Callable[[bool], None], now: Callable[[], int]) -> None:
        super().__init__()
        self._interrupt, self._now = interrupt, now
        self._flags, self._masks = [0, 0], [ALL, ALL]
        #: When a sequence is over, if that is to interrupt, or may find a limit exceeded.
        self.deadline: int | None = None
        self._temperature = Value(125_000, -40_000, 45_000)
        self._supplies = {
            one.name: Value(0xFFFF, 0, one.level) for one in CHANNELS if one.level is not None
        }
        self._rails = {name: Value(0xFFFF, 0, level) for name, (_, level) in RAILS.items()}
        for value in self.inputs().values():
            value.watchers.append(lambda level: self._measure())
        self._reset()

    def inputs(self) -> Mapping[str, Input]:
        """The temperature in millidegrees Celsius, and what the converter says of supplies."""
        supplies = (self._supplies | self._rails).items()
        return {"temp1_input": self._temperature, **{f"{name}_raw": one for name, one in supplies}}

    def _reset(self) -> None:
        """Of the PS's monitor, by a write to its VP_VN."""
        self.words = {at: word for at, word in self.words.items() if not PS <= at < PL}
        self._began = self._now()
        self._ended = False  # a single pass is over
        self._stale = True  # registers have changed since limits were looked at
        for one in CHANNELS:
            self.words[one.minimum] = 0xFFFF
            self.words[one.config] = self.words.get(one.config, 0) | one.disable
        self._measure()

    # Measuring

    def _value(self, one: Channel) -> int:
        if one.level is None:
            return raw(self._temperature.level)
        return self._supplies[one.name].level

    def _measure(self) -> None:
        """Extremes, and the limits that are enabled."""
        words = self.words
        for one in CHANNELS:
            value = words[one.register] = self._value(one)
            words[one.maximum] = max(words.get(one.maximum, 0), value)
            words[one.minimum] = min(words.get(one.minimum, 0xFFFF), value)
            outside = value > words.get(one.upper, 0) or (
                one.level is not None and value < words.get(one.lower, 0)
            )
            if outside and not words.get(one.config, 0) & one.disable:
                self._flags[0] |= one.flag
        for name, (register, _) in RAILS.items():
            words[register] = self._rails[name].level
        self._update()

    @property
    def _mode(self) -> int:
        return self.words.get(CONFIG1, 0) >> 12 & 0xF

    @property
    def _length(self) -> int:
        """How long a sequence takes, in nanoseconds."""
        enabled = (self.words.get(register, 0) for register in (SEQ_CH0, SEQ_CH1, SEQ_CH2))
        channels = sum(one.bit_count() for one in enabled) if self._mode else DEFAULT_CHANNELS
        return CONVERSION * SAMPLES[self.words.get(CONFIG0, 0) >> 12 & 3] * max(1, channels)

    @property
    def _due(self) -> int | None:
        """When the next flag is set."""
        if self._ended:
            return None
        single = self._mode == SINGLE_CHANNEL
        return self._began + (CONVERSION if single else self._length)

    def advance(self) -> None:
        """A sequence may be over."""
        due = self._due
        if due is None or self._now() < due:
            return
        self._began, self._ended = self._now(), self._mode == ONE_PASS
        self._flags[1] |= EOC if self._mode == SINGLE_CHANNEL else EOC | EOS
        self._stale = False
        self._measure()

    def _update(self) -> None:
        pairs = zip(self._flags, self._masks, strict=True)
        self._interrupt(any(flags & ~mask for flags, mask in pairs))
        waits = ~self._masks[1] & ~self._flags[1] & (EOC | EOS)
        looks = self._stale and ~self._masks[0] & ALL
        self.deadline = self._due if waits or looks else None

    # Registers

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        self.advance()
        if offset in (ISR_0, ISR_1):
            return self._flags[offset == ISR_1]
        if offset in (IMR_0, IMR_1):
            return self._masks[offset == IMR_1]
        if IER_0 <= offset <= IDR_1 or offset == PL_CSTS or offset >= PL:
            return 0
        if offset == PS_CSTS:
            return READY | self.words.get(PS_CSTS, 0)
        return super().load(offset)

    def ones(self, offset: int) -> bool:
        """Whether the register acts on what is written."""
        return ISR_0 <= offset <= IDR_1

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        self.advance()
        second = bool(offset & 4)
        self._stale = self._stale or offset not in (ISR_1, IER_1, IDR_1)
        if offset in (ISR_0, ISR_1):
            self._flags[second] &= ~value
        elif offset in (IER_0, IER_1):
            self._masks[second] &= ~value
        elif offset in (IDR_0, IDR_1):
            self._masks[second] |= value
        elif offset == VP_VN:
            self._reset()
        elif offset == PS_CSTS:
            self.words[PS_CSTS] = value & WRITABLE & ~3  # triggers and resets clear themselves
        elif not self._is_result(offset):
            super().store(offset, value)
            self._ended = self._ended and offset != CONFIG1
            if offset in (CONFIG0, CONFIG1):
                self._began = self._now()
        self._update()

    @staticmethod
    def _is_result(offset: int) -> bool:
        """Whether it is read only: what is measured, extremes, what is of the PL."""
        at = offset - PS
        results = 0 <= at < 0x100 or at >= 0x200
        return results or IMR_0 <= offset <= IMR_1 or PL_CSTS <= offset < PS

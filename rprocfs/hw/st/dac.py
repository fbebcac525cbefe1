"""The DAC (RM0436 chapter 29): two channels; what comes out can be seen.

Triggers are software's and those of timers. Neither waves nor calibration are made.
"""

from __future__ import annotations

from rprocfs.hw.dma import Request
from rprocfs.hw.inputs import Output
from rprocfs.hw.peripherals import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rprocfs.hw.inputs import Input

CR, SWTRGR, DHR, DUAL, DOR1, SR = 0x00, 0x04, 0x08, 0x20, 0x2C, 0x34
EN, TEN, TSEL, DMAEN = 1, 2, 2, 1 << 12
SOFTWARE = 0
#: Of DHR12R, DHR12L and DHR8R, and of those for both: how far left the upper one begins, and how
#: far 12 bits are to be moved to the right.
FORMATS = ((16, 0), (16, 4), (8, -4))


class Dac(Words):
    """*serve* lets DMA move what is requested."""

    def __init__(self, serve: Callable[[], object] = lambda: None) -> None:
        super().__init__({CR: 0})
        self._serve = serve
        self._held, self._wanted = [0, 0], [False, False]
        self._outputs = [Output(), Output()]

    def inputs(self) -> Mapping[str, Input]:
        """What can be seen at them, 12 bits of the reference voltage, as IIO names them."""
        return {f"out_voltage{number}_raw": one for number, one in enumerate(self._outputs, 1)}

    def requests(self) -> tuple[Request, ...]:
        """To the DMAMUX: of each channel, for the next value."""
        return tuple(self._request(channel) for channel in (0, 1))

    def _request(self, channel: int) -> Request:
        def taken() -> None:
            self._wanted[channel] = False

        return Request(lambda: self._wanted[channel], taken=taken)

    def _control(self, channel: int) -> int:
        return self.words[CR] >> 16 * channel & 0xFFFF

    def listens(self, source: int) -> bool:
        """Whether a channel waits for the trigger of number *source*."""
        return any(self._waits(channel, source) for channel in (0, 1))

    def _waits(self, channel: int, source: int) -> bool:
        control = self._control(channel)
        return control & (EN | TEN) == EN | TEN and control >> TSEL & 15 == source

    def trigger(self, source: int) -> None:
        """The trigger of number *source* fires."""
        self._fire([channel for channel in (0, 1) if self._waits(channel, source)])

    def _fire(self, channels: list[int]) -> None:
        for channel in channels:
            self._outputs[channel].tell(self._held[channel])
            self._wanted[channel] = bool(self._control(channel) & DMAEN)
        if any(self._wanted):
            self._serve()

    def _hold(self, channel: int, value: int) -> None:
        """A value for *channel*: it comes out at once, or with the next trigger."""
        self._held[channel] = value & 0xFFF
        if self._control(channel) & (EN | TEN) == EN:
            self._outputs[channel].tell(self._held[channel])

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        if DOR1 <= offset < DOR1 + 8:
            return self._outputs[(offset - DOR1) // 4].level
        return 0 if offset in (SWTRGR, SR) else super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        if DHR <= offset < DOR1:
            super().store(offset, value)
            self._data((offset - DHR) // 4, value)
        elif offset == SWTRGR:
            asked = [channel for channel in (0, 1) if value >> channel & 1]
            self._fire([channel for channel in asked if self._waits(channel, SOFTWARE)])
        elif offset == CR:
            super().store(offset, value)
            self._wanted = [
                one and bool(self._control(ch) & DMAEN) for ch, one in enumerate(self._wanted)
            ]
            for channel in (0, 1):
                self._hold(channel, self._held[channel])

    def _data(self, register: int, value: int) -> None:
        bank, form = divmod(register, 3)
        upper, right = FORMATS[form]
        for channel in (bank,) if bank < 2 else (0, 1):
            data = value >> (upper if bank == 2 and channel else 0) & (1 << upper) - 1
            self._hold(channel, data >> right if right > 0 else data << -right)

"""What the outside of a SoC decides: the level of a pin, a voltage, what a sensor measures.

A model offers them by a method ``inputs()``, by names of their own: a GPIO bank its pins,
``"3"``, an ADC its channels, ``"in_voltage3_raw"``. On the SoC they are called
``DEVICE/NAME``, and in the tree they are files: see :mod:`rprocfs.drivers.worker.inputs`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Input:
    """A number from *low* to *high*. *drive* is called when the outside decides it.

    Its *level* is what can be seen there, which may differ: that of a pin that the processor
    drives is the processor's. Who wants to know the level adds a function to *watchers*.
    """

    __slots__ = ("drive", "high", "level", "low", "watchers")

    def __init__(
        self, drive: Callable[[int], None], high: int = 1, low: int = 0, level: int = 0
    ) -> None:
        self.drive = drive
        self.low, self.high, self.level = low, high, level
        self.watchers: list[Callable[[int], None]] = []

    def tell(self, level: int) -> None:
        """The level is *level* now."""
        if level != self.level:
            self.level = level
            for watcher in self.watchers:
                watcher(level)


class Value(Input):
    """An input that a model looks at when it needs it: its :attr:`level` is what was driven."""

    __slots__ = ()

    def __init__(self, high: int, low: int = 0, level: int = 0) -> None:
        super().__init__(self.tell, high, low, level)


class Output(Input):
    """What can only be seen: nobody outside decides it, there is no value that it can be given."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(lambda value: None, high=-1, low=0)


class Measured(Input):
    """An input of a user's device, a 32-bit integer with a sign: *set* is told it."""

    __slots__ = ()

    def __init__(self, set_: Callable[[int], None], level: int) -> None:
        def drive(value: int) -> None:
            self.tell(value)
            set_(value)

        super().__init__(drive, 0x7FFF_FFFF, -0x8000_0000, level)


class Pins:
    """*count* pins of a GPIO bank, whatever its registers are.

    The bank says by :meth:`configure` which of them it drives, and how; *changed* is called
    with the levels of all pins, as bits, when they change.
    """

    def __init__(self, count: int, changed: Callable[[int], None] = lambda levels: None) -> None:
        self.levels = 0
        self._changed = changed
        self._driven = self._outside = 0  # which pins the outside drives, and its levels
        self._output = self._outputs = self._pulls = 0
        self.inputs: Sequence[Input] = [self._pin(number) for number in range(count)]

    def _pin(self, number: int) -> Input:
        return Input(lambda level: self.drive(1 << number, level))

    def drive(self, pins: int, level: int) -> None:
        """The outside drives the *pins*, which are bits, high or low."""
        self._driven |= pins
        self._outside = self._outside | pins if level else self._outside & ~pins
        self._update()

    def configure(self, output: int, outputs: int, pulls: int = 0) -> None:
        """The pins in *output* have the levels in *outputs*, others those of their *pulls*.

        A pull gives way to the outside, an output does not.
        """
        self._output, self._outputs, self._pulls = output, outputs, pulls
        self._update()

    def _update(self) -> None:
        levels = self._pulls & ~self._driven | self._outside & self._driven
        levels = levels & ~self._output | self._outputs & self._output
        changed, self.levels = levels ^ self.levels, levels
        if not changed:
            return
        self._changed(levels)
        while changed:
            pin = changed & -changed
            changed &= ~pin
            self.inputs[pin.bit_length() - 1].tell(int(levels & pin != 0))

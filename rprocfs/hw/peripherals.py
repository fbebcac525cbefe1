"""What a machine's peripherals are wired to, and how an access finds the right one."""

from __future__ import annotations

from typing import NamedTuple

from rprocfs.hw.registers import LANES, Peripheral

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import Protocol

    from rprocfs.hw.bus_device import BusDevice
    from rprocfs.hw.clock import Clock
    from rprocfs.hw.inputs import Input

    class Stream(Protocol):
        """Bytes to and from the outside: what came in waits in *received*."""

        received: bytearray

        def transmit(self, byte: int) -> bool:
            """Send *byte*; False: there is no room for it now."""

    class Doorbell(Protocol):
        """Messages to and from the driver: what came in waits in *received*, in order."""

        received: list[tuple[int, bytes]]

        def send(self, channel: int, payload: bytes = b"") -> bool:
            """Send a message; False: there is no room for it now."""

    class Memory(Protocol):
        """What a DMA controller reaches."""

        def code(self, da: int, size: int) -> bytes:
            """Up to *size* bytes at *da*, as many as there are."""

        def put(self, da: int, data: bytes) -> bool:
            """Write *data*; False: there is no room for all of it."""


PAGE = 0x1000


class Wires:
    """The outside of the peripherals.

    All of it is one core's own, but the *memory*; *core* is the core's name on its SoC.
    *now* is the clock. *set_line* (irq, level) is an input of the interrupt controller.
    *clock* (hertz) is told the core's frequency whenever it changes, *die* (reason, crash
    type) ends the core, *debug* takes lines for the log, *memory* is for those that access
    it by themselves, and *deep* says whether the sleep of the core would be a deep one.
    """

    def __init__(
        self,
        console: Stream,
        doorbell: Doorbell,
        now: Clock,
        set_line: Callable[[int, bool], None],
        clock: Callable[[int], None] = lambda hertz: None,
        die: Callable[[str, str], None] = lambda reason, kind: None,
        debug: Callable[[str], None] = lambda line: None,
        memory: Memory | None = None,
        deep: Callable[[], bool] = lambda: False,
        core: str = "",
    ) -> None:
        self.console, self.doorbell, self.now = console, doorbell, now
        self.set_line = set_line
        self.clock, self.die, self.debug, self.memory = clock, die, debug, memory
        self.deep, self.core = deep, core


class Closed(NamedTuple):
    """Memory from *begin* up to *end*, by the core's addresses: whether the bus refuses its loads
    and fetches, and its stores."""

    begin: int
    end: int
    loads: bool
    stores: bool


class Words(Peripheral):
    """Registers that read what was written, *reset* at first, unless a subclass knows better."""

    def __init__(self, reset: dict[int, int] | None = None) -> None:
        self.words = dict(reset or {})

    def load(self, offset: int) -> int:
        """The word at *offset*."""
        return self.words.get(offset, 0)

    def store(self, offset: int, value: int) -> None:
        """Write the word at *offset*."""
        self.words[offset] = value

    def ones(self, offset: int) -> bool:
        """Whether the register acts on the ones written to it, so that a byte is no word."""
        del offset
        return False

    def read(self, offset: int, size: int) -> int:
        """The *size* bytes at *offset*."""
        return self.load(offset & ~3) >> 8 * (offset & 3) & LANES[size]

    def write(self, offset: int, size: int, value: int) -> None:
        """Write *size* bytes at *offset*."""
        word, shift, lane = offset & ~3, 8 * (offset & 3), LANES[size]
        value = (value & lane) << shift
        if size < 4 and not self.ones(word):
            value |= self.load(word) & ~(lane << shift)
        self.store(word, value & 0xFFFF_FFFF)


class Window(Peripheral):
    """One page of a *model* that has several: the one at *offset*."""

    def __init__(self, model: Peripheral, offset: int) -> None:
        self._model, self._offset = model, offset

    def read(self, offset: int, size: int) -> int:
        """The *size* bytes at *offset* of the page."""
        return self._model.read(self._offset + offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Write *size* bytes at *offset* of the page."""
        self._model.write(self._offset + offset, size, value)


class Peripherals:
    """The peripherals of one machine: *pages* has them by the address of their page.

    *ranges* of (address, size) are where peripherals are; a page of these without one is
    made as it is touched, and said so once. *inputs* is what the outside decides, by name.
    """

    def __init__(self, wires: Wires, ranges: tuple[tuple[int, int], ...] = ()) -> None:
        self.wires = wires
        self.pages: dict[int, Peripheral] = {}
        self.inputs: dict[str, Input] = {}
        #: Is told which accesses to a page fault from now on: (address, loads, stores). The page
        #: is one of :attr:`apart`, and not in the access that is under way.
        self.refuse: Callable[[int, bool, bool], None] = lambda page, loads, stores: None
        #: Is told all of the memory that is closed from now on.
        self.close: Callable[[Sequence[Closed]], None] = lambda closed: None
        self._ranges = ranges

    def violated(self, address: int, store: bool) -> None:
        """The core was refused a load or a *store* of memory that is closed."""

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Where accesses come here; elsewhere they fault."""
        return self._ranges or tuple((base, PAGE) for base in self.pages)

    @property
    def apart(self) -> Collection[int]:
        """The pages that may be refused."""
        return ()

    def _page(self, address: int) -> Peripheral:
        base = address & ~(PAGE - 1)
        found = self.pages.get(base)
        if found is None:
            found = self.pages[base] = Words()
            self.wires.debug(f"no model of what is at {base:#x}")
        return found

    def connect(self, place: str, device: BusDevice) -> None:
        """Connect a *device* to a bus; ValueError: there is no such *place*."""
        raise ValueError(f"{place}: there is no bus of that name")

    def read(self, address: int, size: int) -> int:
        """A load of *size* bytes."""
        return self._page(address).read(address & PAGE - 1, size)

    def write(self, address: int, size: int, value: int) -> None:
        """A store of *size* bytes."""
        self._page(address).write(address & PAGE - 1, size, value)

    @property
    def deadline(self) -> int | None:
        """When :meth:`poll` next has something to do by itself."""
        return None

    def poll(self) -> None:
        """Time has passed; bytes may have come in."""

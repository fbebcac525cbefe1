"""What a SoC is: cores, memory, peripherals and a doorbell, as data."""

from __future__ import annotations

from importlib import import_module

from rprocfs.arch.core import Boot
from rprocfs.hw.clock import Clock
from rprocfs.hw.peripherals import Wires
from rprocfs.soc.devices import connect
from rprocfs.soc.doorbell import Framed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from rprocfs.arch.core import CoreSpec
    from rprocfs.hw.inputs import Input
    from rprocfs.hw.peripherals import Peripherals
    from rprocfs.soc.doorbell import Codec


class Region:
    """*size* bytes of memory at device address *da*."""

    __slots__ = ("da", "name", "size")

    def __init__(self, name: str, da: int, size: int) -> None:
        self.name = name
        self.da = da
        self.size = size

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.da + self.size

    def holds(self, da: int, size: int) -> bool:
        """Whether all of the *size* bytes at *da* lie inside."""
        return self.da <= da and da + size <= self.end

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.da:#x}, {self.size:#x})"


class Bank(Region):
    """Memory at *da*: those bytes of the SoC's memory that begin at *offset*.

    Two banks with the same offset are one memory that is seen at two addresses.
    """

    __slots__ = ("offset",)

    def __init__(self, name: str, da: int, size: int, offset: int = 0) -> None:
        super().__init__(name, da, size)
        self.offset = offset

    def find(self, da: int, size: int) -> int:
        """Where the *size* bytes at *da* are in the SoC's memory; -1: not all are here."""
        at = da - self.da
        return self.offset + at if at >= 0 and size >= 0 and at + size <= self.size else -1


class Machine:
    """A SoC: what is the same for every one of its kind.

    *source* is where it stands, ``module:NAME``: a worker process imports it from there.
    *banks* are all its memory, which every core sees and the host, too; *bus* has it at the
    addresses that Linux uses, if these are others. *dynamic* is where
    carveouts and vrings are placed that may lie anywhere; None if a driver takes reserved
    memories instead; with *cma* it is Linux's, and what asks for an address is placed there, too,
    as in the kernel. *doorbell* is the codec of its mailbox. *console* says whether its
    firmware has one. *local* is what only the core of a name sees besides, and before
    what is in *banks*: its tightly coupled memory.
    """

    def __init__(
        self,
        *,
        name: str,
        source: str,
        cores: Sequence[CoreSpec],
        banks: Sequence[Bank],
        bus: Sequence[Bank] | None = None,
        doorbell: Callable[[], Codec] = Framed,
        dynamic: Region | None = None,
        cma: bool = False,
        console: bool = True,
        local: Mapping[str, Sequence[Bank]] | None = None,
    ) -> None:
        self.name = name
        self.source = source
        self.cores: Mapping[str, CoreSpec] = {core.name: core for core in cores}
        self.banks = tuple(banks)
        self.bus = self.banks if bus is None else tuple(bus)
        self.doorbell = doorbell
        self.dynamic, self.cma = dynamic, cma
        self.console = console
        self.local = local or {}

    @property
    def memory_size(self) -> int:
        """How many bytes of memory the SoC has."""
        return max(bank.offset + bank.size for bank in self.banks)

    def seen_by(self, core: str) -> tuple[Bank, ...]:
        """All memory that *core* sees, its own first."""
        return (*self.local.get(core, ()), *self.banks)

    def boot(self, core: str, entry: int, loaded: Sequence[int]) -> Boot:
        """How *core* is released with an image: see :meth:`CoreSpec.reset_address`.

        An image that loads nothing begins where the first bank does.
        """
        address = self.cores[core].reset_address(entry, loaded or (self.banks[0].da,))
        return Boot(core, address)

    def peripherals(self, wires: Wires) -> Peripherals:
        """What one core finds in its address space besides memory and what is its own."""
        raise NotImplementedError(f"{self.name} has no device models: {wires}")

    def inputs(self, core: str, devices: Sequence[str] = ()) -> Mapping[str, Input]:
        """What the outside decides at *core* with *devices*: see :mod:`.devices`, also for errors.

        They are those of peripherals that are connected to nothing.
        """
        wires = Wires(_Nowhere(), _Nowhere(), Clock(lambda: 0), lambda irq, level: None, core=core)
        peripherals = self.peripherals(wires)
        connect(peripherals, devices)
        return peripherals.inputs


class _Nowhere:
    """A console or a doorbell without another end."""

    received: Any = ()

    def transmit(self, byte: int) -> bool:
        """There is no room."""
        del byte
        return False

    def send(self, channel: int, payload: bytes = b"") -> bool:
        """There is no room."""
        del channel, payload
        return False


def find_machine(source: str) -> Machine:
    """The machine whose ``source`` this is."""
    module, _, name = source.partition(":")
    found: Machine = getattr(import_module(module), name)
    return found

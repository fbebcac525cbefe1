"""What a machine is: memory, peripherals and interrupts, as data."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

READ, WRITE, EXECUTE = 1, 2, 4


class Region:
    """*size* bytes of memory at device address *da*, accessible as *flags* say."""

    __slots__ = ("da", "flags", "name", "size")

    def __init__(self, name: str, da: int, size: int, flags: int = READ | WRITE | EXECUTE) -> None:
        self.name = name
        self.da = da
        self.size = size
        self.flags = flags

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.da + self.size

    def holds(self, da: int, size: int) -> bool:
        """Whether all of the *size* bytes at *da* lie inside."""
        return self.da <= da and da + size <= self.end

    def __repr__(self) -> str:
        return f"Region({self.name!r}, {self.da:#x}, {self.size:#x})"


class Uart:
    """A UART of kind *kind* at *base*; its receive and transmit interrupts."""

    __slots__ = ("base", "kind", "rx_irq", "tx_irq")

    def __init__(self, kind: str, base: int, rx_irq: int, tx_irq: int) -> None:
        self.kind = kind
        self.base = base
        self.rx_irq = rx_irq
        self.tx_irq = tx_irq

    def __repr__(self) -> str:
        return f"Uart({self.kind!r}, {self.base:#x}, {self.rx_irq}, {self.tx_irq})"


class Machine:
    """A virtual SoC: everything that is the same for all processors of its kind.

    *ram* is what the worker and rprocfs share, and the only region that an image may
    be loaded into. *fixed_carveouts* and *fixed_vrings* are for resource tables that
    name their addresses, *dynamic* is where those that do not are placed,
    *platform_page* and what is behind it are the platform's own. *console* and *mailbox*
    are the UARTs of these roles; a machine may have no console.
    """

    def __init__(
        self,
        *,
        name: str,
        cores: tuple[str, ...],
        ram: Region,
        fixed_carveouts: Region,
        fixed_vrings: Region,
        dynamic: Region,
        platform_page: Region,
        console: Uart | None,
        mailbox: Uart,
        irqs: int,
        priority_bits: int,
        cpu_hz: int,
        ref_hz: int,
    ) -> None:
        self.name = name
        self.cores = cores
        self.ram = ram
        self.fixed_carveouts = fixed_carveouts
        self.fixed_vrings = fixed_vrings
        self.dynamic = dynamic
        self.platform_page = platform_page
        self.console = console
        self.mailbox = mailbox
        self.irqs = irqs
        self.priority_bits = priority_bits
        self.cpu_hz = cpu_hz
        self.ref_hz = ref_hz

    @property
    def loadable(self) -> Region:
        """Where an image's segments may lie."""
        return self.ram

    def vector_table(self, loaded: Sequence[int]) -> int:
        """Where the vector table is: at the first of the addresses that an image loads.

        An image that loads nothing has it at the start of the RAM.
        """
        return loaded[0] if loaded else self.ram.da

    def words(self) -> list[str]:
        """All of it as ``name=value``, for another process's command line."""
        return [f"{name}={value}" for name, value in self._flat()]

    def _flat(self) -> Iterator[tuple[str, object]]:
        for name, value in vars(self).items():
            if isinstance(value, tuple):
                yield name, ",".join(value)
            elif value is None:
                continue
            elif isinstance(value, Region | Uart):
                yield from ((f"{name}.{slot}", getattr(value, slot)) for slot in value.__slots__)
            else:
                yield name, value

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Machine:
        """The machine that :meth:`words` was made of."""
        data: dict[str, Any] = {"console": None}
        parts: dict[str, dict[str, Any]] = {}
        for word in words:
            name, _, text = word.partition("=")
            name, _, slot = name.partition(".")
            into = parts.setdefault(name, {}) if slot else data
            into[slot or name] = int(text) if text.isdigit() else text
        data["cores"] = tuple(data["cores"].split(","))
        for name, part in parts.items():
            data[name] = Uart(**part) if "base" in part else Region(**part)
        return cls(**data)

"""What a machine is: memory, peripherals and interrupts, as data."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rprocfs.hw.peripherals import Peripherals, Wires

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


class Bank:
    """*size* bytes of memory at device address *da*: those from *offset* on of what is shared.

    Two banks with the same offset are one memory that is seen at two addresses.
    """

    __slots__ = ("da", "name", "offset", "size")

    def __init__(self, name: str, da: int, size: int, offset: int = 0) -> None:
        self.name = name
        self.da = da
        self.size = size
        self.offset = offset

    def find(self, da: int, size: int) -> int:
        """Where the *size* bytes at *da* are in the shared memory; -1: not all are here."""
        at = da - self.da
        return self.offset + at if at >= 0 and size >= 0 and at + size <= self.size else -1

    def __repr__(self) -> str:
        return f"Bank({self.name!r}, {self.da:#x}, {self.size:#x}, {self.offset:#x})"


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

    *source* is where it stands, ``module:NAME``: another process finds it there. *ram* is
    the only region that an image may be loaded into, *banks* is all memory that the worker
    and rprocfs share (default: the ram). *fixed_carveouts* and *fixed_vrings* are for
    resource tables that name their addresses, *dynamic* is where those that do not are
    placed, *platform_page* and what is behind it are the platform's own (empty: it has
    none). *console* and *mailbox* are what has these roles; a machine may have no console.
    *vectors* is where the vector table is after a reset, None: at the first segment. *mpu*
    is the number of its MPU's regions.
    """

    def __init__(
        self,
        *,
        name: str,
        source: str,
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
        banks: tuple[Bank, ...] = (),
        vectors: int | None = None,
        mpu: int = 0,
    ) -> None:
        self.name = name
        self.source = source
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
        self.banks = banks or (Bank(ram.name, ram.da, ram.size),)
        self.vectors = vectors
        self.mpu = mpu

    @property
    def loadable(self) -> Region:
        """Where an image's segments may lie."""
        return self.ram

    @property
    def shared_size(self) -> int:
        """How many bytes of memory are shared."""
        return max(bank.offset + bank.size for bank in self.banks)

    def vector_table(self, loaded: Sequence[int]) -> int:
        """Where the vector table is: *vectors*, or the first of the addresses that are loaded.

        An image that loads nothing has it at the start of the RAM.
        """
        if self.vectors is not None:
            return self.vectors
        return loaded[0] if loaded else self.ram.da

    def peripherals(self, wires: Wires) -> Peripherals:
        """All that is in the address space besides memory and the core's own, wired together."""
        raise NotImplementedError(f"{self.name} is not for Unicorn: {wires}")


def find_machine(source: str) -> Machine:
    """The machine whose ``source`` this is."""
    module, _, name = source.partition(":")
    found: Machine = getattr(import_module(module), name)
    return found

"""What a core is, apart from what executes it: reset, registers, interrupt inputs, deaths.

A worker process imports this module, so it keeps away from ``typing`` and ``dataclasses``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol
else:
    Protocol = object

#: ``enum rproc_crash_type``, by the names that the kernel logs.
MMUFAULT, FATAL_ERROR = "mmufault", "fatal error"


class Registers(Protocol):
    """The registers of an architecture, each 32 bits wide.

    *names* has them in the order of a debugger's ``g`` packet, *prstatus* is the number of
    words in ``pr_reg`` of :manpage:`core(5)`, and *description* the target description
    (XML) for a debugger, empty if the debugger knows the registers without it.
    """

    @property
    def names(self) -> Sequence[str]:
        """Their names, lower case."""

    @property
    def prstatus(self) -> int:
        """How many words they are in ``pr_reg``."""

    @property
    def description(self) -> str:
        """XML, or nothing."""


class RegisterFile:
    """:class:`Registers` as data."""

    __slots__ = ("description", "names", "prstatus")

    def __init__(self, names: Sequence[str], prstatus: int = 0, description: str = "") -> None:
        self.names = tuple(names)
        self.prstatus = prstatus or len(self.names)
        self.description = description


class CoreSpec:
    """One core as its SoC integrates it.

    *name* is the SoC's name for the core, *part* the name of the processor in its manual
    (``cortex-m4``; default: the same), and *irqs* the number of interrupt inputs.
    """

    #: The architecture: an engine knows by it whether it can execute the core.
    architecture = "host"
    #: The registers. An architecture whose registers are not told has none.
    registers: Registers = RegisterFile(())

    def __init__(self, name: str, part: str = "", *, irqs: int = 0) -> None:
        self.name = name
        self.part = part or name
        self.irqs = irqs

    def reset_address(self, entry: int, loaded: Sequence[int]) -> int:
        """Where the core begins: the *entry* point of an image, unless the core knows better.

        *loaded* has the addresses of the image's segments, in the order of the file.
        """
        del loaded
        return entry

    def crash_type(self, status: int) -> str:
        """The kind of crash of a core that died with its fault *status* register as given."""
        del status
        return FATAL_ERROR

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.part!r})"


class Boot:
    """What a core is released with: its name on the SoC, and the *address* that it begins at.

    *halted*: it stands in front of its first instruction until a debugger lets it go on.
    What is at that address is up to the architecture: the vector table of an Armv7-M core,
    the first instruction of others.
    """

    __slots__ = ("address", "core", "halted")

    def __init__(self, core: str, address: int, halted: bool = False) -> None:
        self.core = core
        self.address = address
        self.halted = halted

    def __repr__(self) -> str:
        return f"Boot({self.core!r}, {self.address:#x})"

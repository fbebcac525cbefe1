"""What a debugger is told of an Armv7-M core's registers: its target description.

The features and their registers are those of the GDB manual, appendix G.5.3 (ARM Features).
Another architecture has a module like this one: the registers in the order of a ``g`` packet,
with their sizes, and the XML that says so.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD = '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">'
GENERAL = (*(f"r{number}" for number in range(13)), "sp", "lr", "pc", "xpsr")
SYSTEM = ("msp", "psp", "primask", "basepri", "faultmask", "control")
DOUBLES = tuple(f"d{number}" for number in range(16))
#: Parts that have an FPU.
WITH_FPU = frozenset({"cortex-m4", "cortex-m7"})


def feature(name: str, registers: Sequence[tuple[str, int, str]]) -> str:
    """A feature with *registers* (name, bits, the rest of its attributes)."""
    lines = (f'<reg name="{reg}" bitsize="{bits}"{more}/>' for reg, bits, more in registers)
    return f'<feature name="{name}">{"".join(lines)}</feature>'


def target(*features: str) -> str:
    """The XML of an Arm target with these *features*."""
    return f"{HEAD}<target><architecture>arm</architecture>{''.join(features)}</target>"


M_PROFILE = feature("org.gnu.gdb.arm.m-profile", [(name, 32, "") for name in GENERAL])
M_SYSTEM = feature("org.gnu.gdb.arm.m-system", [(name, 32, ' group="system"') for name in SYSTEM])
VFP = feature(
    "org.gnu.gdb.arm.vfp",
    [
        *((name, 64, ' type="ieee_double"') for name in DOUBLES),
        ("fpscr", 32, ' type="int" group="float"'),
    ],
)


def description(part: str) -> bytes:
    """Of a core of that *part*."""
    fpu = (VFP,) if part in WITH_FPU else ()
    return target(M_PROFILE, M_SYSTEM, *fpu).encode()


def names(part: str) -> tuple[str, ...]:
    """The registers of :func:`description`."""
    return (*GENERAL, *SYSTEM, *((*DOUBLES, "fpscr") if part in WITH_FPU else ()))


def sizes(part: str) -> tuple[int, ...]:
    """How many bytes each register of :func:`description` has."""
    general = (4,) * (len(GENERAL) + len(SYSTEM))
    return (*general, *(8,) * len(DOUBLES), 4) if part in WITH_FPU else general

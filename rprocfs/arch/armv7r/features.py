"""What a debugger is told of an Armv7-R core's registers: see :mod:`rprocfs.arch.armv7m.features`.

The names of :data:`SYSTEM` are those of DDI 0406, in a feature of our own: gdb shows them, and
gives them no meaning. SPSR is that of the mode that the core is in.
"""

from __future__ import annotations

from rprocfs.arch.armv7m.features import DOUBLES, VFP, feature, target
from rprocfs.arch.armv7r.core import CORE, GENERAL
from rprocfs.arch.armv7r.cp15 import DFAR, DFSR, IFAR, IFSR, MPIDR, SCTLR

#: Registers of CP15, by their names.
CP15 = {
    "mpidr": MPIDR, "sctlr": SCTLR, "cpacr": (0, 1, 0, 2), "dfsr": DFSR, "ifsr": IFSR,
    "dfar": DFAR, "ifar": IFAR,
}  # fmt: skip
SYSTEM = ("spsr", *CP15)

_SYSTEM = feature("org.rprocfs.arm.cp15", [(name, 32, ' group="system"') for name in SYSTEM])
DESCRIPTION = target(CORE, VFP, _SYSTEM).encode()
#: All of them, in the order of DESCRIPTION, and how many bytes each has.
NAMES = (*GENERAL, *DOUBLES, "fpscr", *SYSTEM)
SIZES = (*(4,) * len(GENERAL), *(8,) * len(DOUBLES), *(4,) * (1 + len(SYSTEM)))

"""``rprocfs,rv32``: a RISC-V core that executes firmware, on QEMU.

The machine is vsoc/1-rv32 (:mod:`rprocfs.soc.vsoc_rv32`). The properties of its description
are those of :mod:`rprocfs.drivers.cortex_m`; the only engine is ``qemu``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rprocfs.drivers.vsoc import VsocDriver, VsocOps
from rprocfs.engines.qemu.engine import QemuEngine
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.soc.vsoc_rv32 import RAM, RV32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.engines.engine import Engine
    from rprocfs.remoteproc.rproc import Rproc

EM_RISCV = 243


class Rv32Ops(VsocOps):
    """A hart that begins at the first byte of the RAM, which must be the entry point."""

    def sanity_check(self, rproc: Rproc, fw: bytes) -> None:
        """FirmwareError if the entry point is not the first byte of the RAM."""
        super().sanity_check(rproc, fw)
        entry = elf_loader.rproc_elf_get_boot_addr(fw)
        if entry != RAM:
            raise FirmwareError(f"rv32 begins at {RAM:#x}, the image at {entry:#x}")


class Rv32Driver(VsocDriver):
    """The platform driver."""

    name = "rproc-rv32"
    compatible = ("rprocfs,rv32",)
    prefix = "rv32-"
    machine = RV32
    elf_machine = EM_RISCV
    ops = Rv32Ops
    engines: ClassVar[Mapping[str, type[Engine]]] = {"qemu": QemuEngine}

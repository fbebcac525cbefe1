"""A RISC-V hart as a SoC integrates it."""

from __future__ import annotations

from rprocfs.arch.core import CoreSpec, RegisterFile


class Rv32(CoreSpec):
    """A hart that begins at the entry point of its image."""

    architecture = "rv32"
    registers = RegisterFile(("pc", *(f"x{number}" for number in range(1, 32))))

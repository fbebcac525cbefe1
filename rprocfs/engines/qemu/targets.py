"""What QEMU calls our machines, and what it says of a core's registers and death."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rprocfs.arch.armv7m.cpu import IPSR_MASK
from rprocfs.engines.death import CrashType, Death

if TYPE_CHECKING:
    from rprocfs.arch.core import CoreSpec

#: SoC and core -> QEMU's program and its machine. Where the core begins goes in by ``{address}``.
MACHINES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("vsoc/1", "cortex-m3"): (
        "qemu-system-arm", "-M", "mps2-an385,memory-backend=ram",
        "-global", "armv7m.init-nsvtor={address:#x}",
    ),
    ("vsoc/1", "cortex-m4"): (
        "qemu-system-arm", "-M", "mps2-an386,memory-backend=ram",
        "-global", "armv7m.init-nsvtor={address:#x}",
    ),
    ("vsoc/1-rv32", "rv32"): (
        "qemu-system-riscv32", "-M", "virt,memory-backend=ram",
        "-bios", "none",
    ),
}  # fmt: skip

#: Architecture -> the patterns of its registers' names in ``info registers``, in the order
#: of :class:`~rprocfs.arch.core.Registers`.
NAMES: Mapping[str, tuple[str, ...]] = {
    "armv7m": (*(f"R{number:02}" for number in range(16)), "XPSR"),
    "rv32": ("pc", *(rf"x{number}/\w+" for number in range(1, 32))),
}

_LOCKUP = re.compile(r"Lockup: (.*)")
_SHOWN = (("pc", 15), ("lr", 14), ("sp", 13), ("xpsr", 16))
# What QEMU says of an access to nothing, a fetch included; and of a MemManage or BusFault
# that becomes a HardFault, as of a fetch from where the memory map forbids it.
_MMU_FAULT = re.compile(
    r"^(Invalid (read|write) at addr|.*NVIC escalating irq [45] )", re.MULTILINE
)


def registers(core: CoreSpec, text: str) -> tuple[int, ...]:
    """What ``info registers`` or the message of an abort says; the last of it, if often."""
    names = NAMES.get(core.architecture, ())
    values = [re.findall(rf"(?<!\w){name}[= ]+([0-9a-f]{{8}})\b", text) for name in names]
    return tuple(int(value[-1], 16) for value in values) if all(values) else ()


def stack_pointers(core: CoreSpec, told: Mapping[str, int]) -> dict[str, int]:
    """The two of Armv7-M, as far as *told* says: QEMU does not tell which SP is.

    It is the main one in an exception. The other one is given as 0, since gdb 16 follows no
    exception's frame if one of them is not known.
    """
    if core.architecture != "armv7m" or not told.get("xpsr", 0) & IPSR_MASK:
        return {}
    return {"msp": told["sp"], "psp": 0}


def lockup(core: CoreSpec, status: int, stderr: str) -> Death | None:
    """The death of a core that locked up, which ends QEMU with SIGABRT; None: it did not."""
    found = _LOCKUP.search(stderr)
    if core.architecture != "armv7m" or status != -signal.SIGABRT or found is None:
        return None
    # The access that ends in a derived exception is that to the vector table.
    bus_error = _MMU_FAULT.search(stderr) and "derived" not in found[1]
    kind = CrashType.MMUFAULT if bus_error else CrashType.FATAL_ERROR
    values = registers(core, stderr)
    shown = " ".join(f"{name}={values[index]:#x}" for name, index in _SHOWN) if values else ""
    return Death("crash", kind, f"lockup: {found[1]} ({shown})")

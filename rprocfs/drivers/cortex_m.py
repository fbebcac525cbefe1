"""``rprocfs,cortex-m3`` and ``rprocfs,cortex-m4``: cores that execute firmware.

The machine is vsoc/1 (:mod:`rprocfs.soc.vsoc`). Properties of its description:

============= ===================================================================
label         the processor's name (default ``cortex-mN``)
firmware-name the default firmware file
engine        ``qemu``, ``unicorn``, or ``auto`` (default): QEMU where installed
watchdog-ms   how long the heartbeat may stand still; 0 (default): for ever
gdb           where a debugger finds it, the path of a socket or ``:PORT``; switches
              the watchdog off: time stands still in a debugger
gdb-halt      begin halted, until a debugger lets it go on
console-log   a file that the firmware's console output is appended to
auto-boot     boot when registered
phandle       number for ``rproc_get_by_phandle``
============= ===================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rprocfs.drivers.vsoc import VsocDriver
from rprocfs.engines.qemu import engine as qemu_engine
from rprocfs.engines.qemu.engine import QemuEngine
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.soc.vsoc import VSOC1

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.engines.engine import Engine

EM_ARM = 40


class CortexMDriver(VsocDriver):
    """The platform driver of both cores."""

    name = "rproc-cortex-m"
    compatible = ("rprocfs,cortex-m3", "rprocfs,cortex-m4")
    prefix = "cortex-m"
    machine = VSOC1
    elf_machine = EM_ARM
    engines: ClassVar[Mapping[str, type[Engine]]] = {
        "qemu": QemuEngine,
        "unicorn": UnicornEngine,
    }

    def best(self) -> str:
        """QEMU if it is installed, else Unicorn, which is always there."""
        return "qemu" if qemu_engine.program() else "unicorn"

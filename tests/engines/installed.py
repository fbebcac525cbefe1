"""The engines to test with: all that are installed."""

import pytest

from rprocfs.engines.qemu.engine import QemuEngine, program
from rprocfs.engines.unicorn.engine import UnicornEngine


def needs(name, package):
    missing = program(name) is None
    return pytest.mark.skipif(missing, reason=f"no {name}: apt-get install {package}")


NEEDS_QEMU = needs("qemu-system-arm", "qemu-system-arm")
NEEDS_QEMU_RISCV = needs("qemu-system-riscv32", "qemu-system-misc")
QEMU = pytest.param("qemu", marks=NEEDS_QEMU)
ENGINES = ["unicorn", QEMU]
MAKE = {"unicorn": UnicornEngine, "qemu": QemuEngine}

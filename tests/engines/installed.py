"""The engines to test with: all that are installed."""

import pytest

from rprocfs.engines.qemu_engine import QemuEngine, program
from rprocfs.engines.unicorn_engine import UnicornEngine

NEEDS_QEMU = pytest.mark.skipif(
    program() is None, reason="no QEMU: apt-get install qemu-system-arm"
)
QEMU = pytest.param("qemu", marks=NEEDS_QEMU)
ENGINES = ["unicorn", QEMU]
MAKE = {"unicorn": UnicornEngine, "qemu": QemuEngine}

"""A Cortex-M7 in the memory map of QEMU's mps2-an500, so that it executes on both engines."""

from typing import ClassVar

from rprocfs.arch.armv7m.cortex_m7 import CortexM7
from rprocfs.engines.qemu.engine import QemuEngine
from rprocfs.soc.vsoc import Vsoc1

K = 1 << 10
AN500 = Vsoc1(
    "an500",
    f"{__name__}:AN500",
    [
        CortexM7(
            "cortex-m7", icache=16 * K, dcache=16 * K, itcm=128 * K, dtcm=128 * K, irqs=32,
            priority_bits=8, cpu_hz=25_000_000, ref_hz=1_000_000, mpu_regions=8,
        )
    ],
    0x6000_0000,
)  # fmt: skip


class An500Qemu(QemuEngine):
    """QEMU with this machine."""

    machines: ClassVar = {
        ("an500", "cortex-m7"): (
            "qemu-system-arm", "-M", "mps2-an500,memory-backend=ram",
            "-global", "armv7m.init-nsvtor={address:#x}",
        )
    }  # fmt: skip

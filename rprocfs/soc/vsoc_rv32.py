"""vsoc/1-rv32: the RISC-V sibling of vsoc/1.

Part of QEMU's ``virt``, with one hart in machine mode:

==========  ==========================================================================
0x80000000  RAM, 18 MiB: as in vsoc/1, the image first; it begins at the first byte
+0x100000   carveouts with fixed addresses
+0x200000   vrings with fixed addresses
+0x300000   carveouts and vrings that may lie anywhere
+0xff0000   the platform page: the heartbeat word; behind it QEMU's device tree
0x10000000  16550 UART, the mailbox: source 10 of the PLIC at 0x0c000000
0x02000000  CLINT: the timer, 10 MHz
0x00100000  test device: 0x13333 ends it as a crash, 0x7777 asks for a reset
==========  ==========================================================================

It has no console. The mailbox bytes are those of vsoc/1. An access to nothing does not
fault, as on the real ``virt``.
"""

from __future__ import annotations

from rprocfs.arch.rv32.core import Rv32
from rprocfs.soc.vsoc import Vsoc

RAM = 0x8000_0000

RV32 = Vsoc(
    "vsoc/1-rv32", f"{__name__}:RV32", [Rv32("rv32", irqs=96)], RAM, 0x120_0000, console=False
)

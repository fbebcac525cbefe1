"""vsoc/1: the machine that rprocfs's firmware is written for.

Like Arm's MPS2 board with the AN385 image, of which it is a part, so that the same
firmware runs on QEMU's ``mps2-an385`` and ``mps2-an386``:

==========  ==========================================================================
0x21000000  RAM, 16 MiB: code, data, resource table, carveouts, vrings
+0x000000   the image
+0x100000   carveouts with fixed addresses
+0x200000   vrings with fixed addresses
+0x300000   carveouts and vrings that may lie anywhere
+0xff0000   the platform page: the heartbeat word
0x40004000  CMSDK APB UART0, the console: interrupts 0 (RX), 1 (TX)
0x40005000  CMSDK APB UART1, the mailbox: interrupts 2 (RX), 3 (TX)
0xe000e000  NVIC with 32 interrupts and 8 bits of priority, SysTick, SCB
==========  ==========================================================================

A mailbox byte is a hint: 0x00-0xef a vring's notifyid, either way; 0xf0 asks the
processor to shut down, 0xf1 is its consent; 0xff says that it crashed.
"""

from __future__ import annotations

from rprocfs.soc.machine import Machine, Region, Uart

RAM = 0x2100_0000
MAILBOX_LAST_NOTIFYID = 0xEF
MAILBOX_SHUTDOWN, MAILBOX_READY, MAILBOX_CRASHED = 0xF0, 0xF1, 0xFF

VSOC1 = Machine(
    name="vsoc/1",
    cores=("cortex-m3", "cortex-m4"),
    ram=Region("ram", RAM, 0x100_0000),
    fixed_carveouts=Region("carveouts", RAM + 0x10_0000, 0x10_0000),
    fixed_vrings=Region("vrings", RAM + 0x20_0000, 0x10_0000),
    dynamic=Region("dynamic", RAM + 0x30_0000, 0xCF_0000),
    platform_page=Region("platform", RAM + 0xFF_0000, 0x1_0000),
    console=Uart("cmsdk", 0x4000_4000, rx_irq=0, tx_irq=1),
    mailbox=Uart("cmsdk", 0x4000_5000, rx_irq=2, tx_irq=3),
    irqs=32,
    priority_bits=8,
    cpu_hz=25_000_000,
    ref_hz=1_000_000,
)
MACHINES = {VSOC1.name: VSOC1}

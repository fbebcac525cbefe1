"""The DS2: 1 MiB of memory that both cores and the host share, and a table of devices."""

from acme_soc.devices import Mailbox, Timer
from rprocfs.arch.armv7m.core import CortexM
from rprocfs.soc.machine import Bank, Machine, Region
from rprocfs.soc.table import Device, DevicePeripherals

SRAM, HZ = 0x2000_0000, 100_000_000

DEVICES = (
    Device("MBOX", 0x4000_0000, lambda soc, line: Mailbox(line, soc.wires.doorbell), 0),
    Device("TIMER", 0x4000_1000, lambda soc, line: Timer(line, soc.wires.now), 1),
)


class Acme(Machine):
    """Each core has a mailbox and a timer of its own."""

    def peripherals(self, wires):
        """Those of one core."""
        return DevicePeripherals(wires, DEVICES)


ACME = Acme(
    name="acme-ds2",
    source=f"{__name__}:ACME",
    cores=[
        CortexM(name, "cortex-m4", irqs=16, priority_bits=3, cpu_hz=HZ, ref_hz=HZ // 8)
        for name in ("cm0", "cm1")
    ],
    banks=[Bank("sram", SRAM, 0x10_0000)],
    dynamic=Region("shared", SRAM + 0x8_0000, 0x8_0000),
    console=False,
)

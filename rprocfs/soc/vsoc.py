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

from rprocfs.hw.arm.cmsdk_uart import CmsdkUart
from rprocfs.hw.peripherals import PAGE, Peripherals
from rprocfs.soc.machine import Machine, Region, Uart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rprocfs.hw.peripherals import Stream, Wires

RAM = 0x2100_0000
MAILBOX_LAST_NOTIFYID = 0xEF
MAILBOX_SHUTDOWN, MAILBOX_READY, MAILBOX_CRASHED = 0xF0, 0xF1, 0xFF


class SerialPort:
    """A UART with a stream behind it."""

    def __init__(self, description: Uart, stream: Stream, wires: Wires) -> None:
        self._stream, self._wires = stream, wires
        self._irqs = description.rx_irq, description.tx_irq
        self.base = description.base
        self.uart = CmsdkUart(stream.transmit, self._interrupt)

    def _interrupt(self, rx: bool, tx: bool) -> None:
        for irq, level in zip(self._irqs, (rx, tx), strict=True):
            self._wires.set_line(irq, level)

    def feed(self) -> None:
        """Give the UART its next byte, if it has room and there is one."""
        if self._stream.received and self.uart.ready:
            self.uart.receive(self._stream.received.pop(0))


class VsocPeripherals(Peripherals):
    """The two UARTs."""

    def __init__(self, machine: Machine, wires: Wires) -> None:
        super().__init__(wires)
        self.serial = [SerialPort(machine.mailbox, wires.mailbox, wires)]
        if machine.console is not None:
            self.serial.append(SerialPort(machine.console, wires.console, wires))
        self.pages.update((one.base, one.uart) for one in self.serial)
        self._feed = {one.base: one.feed for one in self.serial}

    def read(self, address: int, size: int) -> int:
        """A load; a byte that was read makes room for the next."""
        value = super().read(address, size)
        self._feed[address & ~(PAGE - 1)]()
        return value

    def write(self, address: int, size: int, value: int) -> None:
        """A store; it may be one that makes it ready for a byte."""
        super().write(address, size, value)
        self._feed[address & ~(PAGE - 1)]()

    def poll(self) -> None:
        """Move bytes between the streams and the UARTs."""
        for one in self.serial:
            one.uart.retry()
            one.feed()


class Vsoc(Machine):
    """A machine whose peripherals are CMSDK UARTs."""

    def peripherals(self, wires: Wires) -> Peripherals:
        """Mailbox and console."""
        return VsocPeripherals(self, wires)


VSOC1 = Vsoc(
    name="vsoc/1",
    source=f"{__name__}:VSOC1",
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

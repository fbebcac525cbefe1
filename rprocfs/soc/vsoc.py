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

from rprocfs.arch.armv7m.core import CortexM
from rprocfs.hw.arm.cmsdk_uart import CmsdkUart
from rprocfs.hw.peripherals import PAGE, Peripherals
from rprocfs.soc.machine import Bank, Machine, Region

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rprocfs.arch.core import CoreSpec
    from rprocfs.hw.peripherals import Wires
    from rprocfs.soc.doorbell import Message

RAM = 0x2100_0000
CONSOLE, CONSOLE_RX, CONSOLE_TX = 0x4000_4000, 0, 1
MAILBOX, MAILBOX_RX, MAILBOX_TX = 0x4000_5000, 2, 3
MAILBOX_LAST_NOTIFYID = 0xEF
MAILBOX_SHUTDOWN, MAILBOX_READY, MAILBOX_CRASHED = 0xF0, 0xF1, 0xFF


class Hints:
    """The codec of a mailbox that is a UART: a byte is a channel, and means "look".

    There is no payload. A channel that rings again before the receiver looked is one ring.
    """

    @staticmethod
    def encode(channel: int, payload: bytes = b"") -> bytes:
        """One byte; ValueError for a payload."""
        if payload:
            raise ValueError("a hint has no payload")
        return bytes((channel,))

    def decode(self, data: bytes) -> list[Message]:
        """Each channel once, in the order in which they rang."""
        return [(channel, b"") for channel in dict.fromkeys(data)]


class SerialPort:
    """A UART at *base* whose receive and transmit interrupts are *irqs*.

    What the firmware sends goes to *transmit*; what comes in waits in *received*.
    """

    def __init__(
        self,
        base: int,
        irqs: tuple[int, int],
        transmit: Callable[[int], bool],
        received: bytearray | list[Message],
        wires: Wires,
    ) -> None:
        self._irqs, self.received, self._wires = irqs, received, wires
        self.base = base
        self.uart = CmsdkUart(transmit, self._interrupt)

    def _interrupt(self, rx: bool, tx: bool) -> None:
        on_rx, on_tx = self._irqs
        self._wires.set_line(on_rx, rx)
        self._wires.set_line(on_tx, tx)

    def feed(self) -> None:
        """Give the UART its next byte, if it has room and there is one."""
        if self.received and self.uart.ready:
            first = self.received.pop(0)
            self.uart.receive(first if isinstance(first, int) else first[0])


class VsocPeripherals(Peripherals):
    """The two UARTs."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(wires)
        bell, console = wires.doorbell, wires.console
        self.serial = [
            SerialPort(MAILBOX, (MAILBOX_RX, MAILBOX_TX), bell.send, bell.received, wires),
            SerialPort(
                CONSOLE, (CONSOLE_RX, CONSOLE_TX), console.transmit, console.received, wires
            ),
        ]
        self.pages.update((one.base, one.uart) for one in self.serial)
        self._at = {one.base: (one.uart, one.received, one.feed) for one in self.serial}

    def read(self, address: int, size: int) -> int:
        """A load; a byte that was read makes room for the next."""
        uart, received, feed = self._at[address & ~(PAGE - 1)]
        value = uart.read(address & PAGE - 1, size)
        if received:
            feed()
        return value

    def write(self, address: int, size: int, value: int) -> None:
        """A store; it may be one that makes it ready for a byte."""
        uart, received, feed = self._at[address & ~(PAGE - 1)]
        uart.write(address & PAGE - 1, size, value)
        if received:
            feed()

    def poll(self) -> None:
        """Move bytes between the streams and the UARTs."""
        for one in self.serial:
            if one.uart.sending:
                one.uart.retry()
            if one.received:
                one.feed()


class Vsoc(Machine):
    """A machine of this family: *ram* from its first byte on, laid out as above.

    *ram_size* is in bytes. Behind the platform page may be more that is not for firmware.
    """

    def __init__(
        self, name: str, source: str, cores: Sequence[CoreSpec], ram: int,
        ram_size: int = 0x100_0000, *, console: bool = True,
    ) -> None:  # fmt: skip
        self.ram = Bank("ram", ram, ram_size)
        self.fixed_carveouts = Region("carveouts", ram + 0x10_0000, 0x10_0000)
        self.fixed_vrings = Region("vrings", ram + 0x20_0000, 0x10_0000)
        self.pool = Region("dynamic", ram + 0x30_0000, 0xCF_0000)
        self.platform_page = Region("platform", ram + 0xFF_0000, ram_size - 0xFF_0000)
        super().__init__(
            name=name, source=source, cores=cores, banks=(self.ram,), doorbell=Hints,
            dynamic=self.pool, console=console,
        )  # fmt: skip


class Vsoc1(Vsoc):
    """vsoc/1, whose peripherals are CMSDK UARTs."""

    def peripherals(self, wires: Wires) -> Peripherals:
        """Mailbox and console."""
        return VsocPeripherals(wires)


def _core(name: str) -> CortexM:
    return CortexM(
        name, irqs=32, priority_bits=8, cpu_hz=25_000_000, ref_hz=1_000_000, mpu_regions=8
    )


VSOC1 = Vsoc1("vsoc/1", f"{__name__}:VSOC1", [_core("cortex-m3"), _core("cortex-m4")], RAM)

"""AM62x: the Cortex-M4F of the MCU domain, as firmware for a real board sees it.

==================== ==================================================================
0x00000000           IRAM, 192 KiB: the vector table after a reset
0x00030000           DRAM, 64 KiB
0x04000000           peripherals of the MCU domain
0x44200000           RAT: the address translation of the core
0x60000000           2 GiB of the bus, through the RAT; without a region it is the same address
0x90000000           of these, DDR, 256 MiB: Linux's reserved memories for this core
==================== ==================================================================

What the bus has at an address below 0x60000000, firmware has at the one that it gave it in the
RAT. Addresses and interrupts are those of SPRUIV7 and of the devicetree k3-am62-mcu.dtsi. The
boot loaders have run, and the system firmware answers. All other registers read back what was
written to them.
"""

from __future__ import annotations

from functools import partial

from rprocfs.arch.armv7m.core import CortexM
from rprocfs.hw.console import ConsoleUarts
from rprocfs.hw.peripherals import PAGE, Words
from rprocfs.hw.ti.dmtimer import DmTimer
from rprocfs.hw.ti.gpio import Gpio
from rprocfs.hw.ti.i2c import I2c
from rprocfs.hw.ti.mcu_ctrl import SIZE as MCU_CTRL_SIZE
from rprocfs.hw.ti.mcu_ctrl import McuCtrl
from rprocfs.hw.ti.ns16550 import Ns16550
from rprocfs.hw.ti.rat import Rat
from rprocfs.hw.ti.rti import Rti
from rprocfs.hw.ti.secure_proxy import MESSAGE, Receive, SecureProxy, SecureProxyRt, Transmit
from rprocfs.hw.ti.tisci import Tisci
from rprocfs.soc.k3_mailbox import K3Mailbox
from rprocfs.soc.machine import Bank, Machine
from rprocfs.soc.table import Device, DevicePeripherals, alone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.peripherals import Peripherals, Wires
    from rprocfs.hw.registers import Peripheral

    Line = Callable[[bool], None]

K, M = 1 << 10, 1 << 20
IRAM, IRAM_SIZE, DRAM, DRAM_SIZE = 0x0, 192 * K, 0x3_0000, 64 * K
DDR, DDR_SIZE = 0x9000_0000, 256 * M
RAT, MCU, MCU_SIZE = 0x4420_0000, 0x400_0000, 0x100_0000
WINDOW, WINDOW_END = 0x6000_0000, 0xE000_0000
RANGES = (
    (MCU, MCU_SIZE), (RAT, PAGE), (WINDOW, DDR - WINDOW),
    (DDR + DDR_SIZE, WINDOW_END - DDR - DDR_SIZE),
)  # fmt: skip
CPU_HZ, HFOSC_HZ = 400_000_000, 25_000_000
#: Threads of the secure proxy: what the Cortex-M4F reads, what it writes and how many of these.
RESPONSE, REQUEST, CREDITS, THREADS = 16, 17, 5, 26
#: Frequencies of the clocks of devices: the core's, and that of MCU_UART0.
RATES = {(9, 0): CPU_HZ, (149, 0): 48_000_000}


def _mailbox(soc: Am62xPeripherals, line: Line) -> Peripheral:
    soc.mailbox = K3Mailbox(soc.wires.doorbell, line, soc.wires.debug)
    return soc.mailbox.registers


def _uart(soc: Am62xPeripherals, line: Line = lambda level: None) -> Ns16550:
    return Ns16550(soc.wires.console.transmit, line)


def _timer(soc: Am62xPeripherals, line: Line) -> DmTimer:
    return DmTimer(line, soc.wires.now, HFOSC_HZ, soc.wires.now.busy)


def _main_i2c(soc: Am62xPeripherals) -> I2c:
    return I2c(lambda level: None)


def _watchdog(soc: Am62xPeripherals) -> Rti:
    bite = partial(soc.wires.die, "watchdog", "watchdog")
    return Rti(soc.wires.now, HFOSC_HZ, bite)


def _mcu_ctrl(soc: Am62xPeripherals) -> McuCtrl:
    return McuCtrl(partial(soc.wires.die, "reset through MCU_CTRL_MMR0", "fatal error"))


def _proxy(soc: Am62xPeripherals) -> SecureProxy:
    response = Receive()
    firmware = Tisci(response.put, soc.wires.debug, RATES, HFOSC_HZ)
    return SecureProxy({RESPONSE: response, REQUEST: Transmit(firmware.request, CREDITS)})


def _proxy_rt(soc: Am62xPeripherals) -> SecureProxyRt:
    return SecureProxyRt(soc.named("SEC_PROXY", SecureProxy))


def _banks(iram: int, dram: int) -> tuple[Bank, ...]:
    return (
        Bank("iram", iram, IRAM_SIZE, 0), Bank("dram", dram, DRAM_SIZE, DRAM),
        Bank("ddr", DDR, DDR_SIZE, M),
    )  # fmt: skip


#: The memories as the core has them, and as the bus does.
BANKS, BUS = _banks(IRAM, DRAM), _banks(0x500_0000, 0x504_0000)
DEVICES = (
    Device("RAT", RAT, alone(Rat)),
    Device("MAILBOX0_CLUSTER0", 0x2900_0000, _mailbox, 50),
    Device("MCU_UART0", 0x04A0_0000, _uart, 24),
    Device("UART0", 0x0280_0000, _uart),
    Device("UART1", 0x0281_0000, _uart),
    *(Device(f"MCU_TIMER{number}", 0x0480_0000 + 0x1_0000 * number, _timer, 4 + number)
      for number in range(4)),
    Device("MCU_GPIO0", 0x0420_1000, alone(Gpio, 24)),
    Device("GPIO0", 0x0060_0000, alone(Gpio, 92)),
    Device("GPIO1", 0x0060_1000, alone(Gpio, 52)),
    Device("MCU_I2C0", 0x0490_0000, alone(I2c), 17),
    *(Device(f"I2C{number}", 0x2000_0000 + 0x1_0000 * number, _main_i2c) for number in range(4)),
    Device("MCU_RTI0", 0x0488_0000, _watchdog),
    Device("MCU_CTRL_MMR0", 0x0450_0000, _mcu_ctrl, size=MCU_CTRL_SIZE),
    Device("SEC_PROXY_MMRS", 0x4825_0000, alone(Words, {4: MESSAGE << 16 | THREADS})),
    Device("SEC_PROXY", 0x4D00_0000, _proxy, size=THREADS * PAGE),
    Device("SEC_PROXY_RT", 0x4A60_0000, _proxy_rt, size=THREADS * PAGE),
)  # fmt: skip


class Am62xPeripherals(DevicePeripherals):
    """All of them at their addresses on the bus, behind the RAT."""

    mailbox: K3Mailbox

    def __init__(self, wires: Wires) -> None:
        self.uarts = ConsoleUarts(wires.console)
        super().__init__(wires, DEVICES, RANGES)
        self._rat = self.named("RAT", Rat)
        self._moved = False
        self.timed.look_ahead()

    def added(self, device: Device, model: Peripheral) -> None:
        """A UART is the console."""
        if isinstance(model, Ns16550):
            self.uarts.add(device.base, model)

    def _on_bus(self, address: int) -> int | None:
        return self._rat.translate(address) if address >= WINDOW else address

    def read(self, address: int, size: int) -> int:
        """A load through the RAT; 0 beyond 32 bits."""
        at = self._on_bus(address)
        if at is None:
            return 0
        da = _in_memory(at)
        if da is None or self.wires.memory is None:
            return super().read(at, size)
        return int.from_bytes(self.wires.memory.code(da, size), "little")

    def write(self, address: int, size: int, value: int) -> None:
        """A store through the RAT; it may be a byte that there was no room for."""
        at = self._on_bus(address)
        if at is None:
            return
        da = _in_memory(at)
        if da is not None and self.wires.memory is not None:
            self.wires.memory.put(da, value.to_bytes(size, "little"))
            return
        super().write(at, size, value)
        self.uarts.stored(at & ~(PAGE - 1))
        if at & ~(PAGE - 1) == RAT and not self._moved:
            self._check_ddr()

    def _check_ddr(self) -> None:
        """DDR is the core's at its own address, whatever the RAT says; that is said once."""
        found = self._rat.translate(DDR)
        if found != DDR:
            self._moved = True
            there = "beyond 32 bits" if found is None else f"{found:#x}"
            self.wires.debug(f"RAT: {DDR:#x} is to be {there}, but stays DDR")

    def poll(self) -> None:
        """Words of Linux, console input, timers."""
        self.mailbox.poll()
        super().poll()
        self.uarts.poll()


def _in_memory(address: int) -> int | None:
    """Where the core has the memory that is at *address* of the bus."""
    for bus, bank in zip(BUS, BANKS, strict=True):
        if 0 <= address - bus.da < bus.size:
            return bank.da + address - bus.da
    return None


class Am62x(Machine):
    """The machine."""

    def peripherals(self, wires: Wires) -> Peripherals:
        """All that there is."""
        return Am62xPeripherals(wires)


AM62X = Am62x(
    name="am62x",
    source=f"{__name__}:AM62X",
    cores=[
        CortexM(
            "cortex-m4", irqs=64, priority_bits=3, cpu_hz=CPU_HZ, ref_hz=HFOSC_HZ, mpu_regions=8,
            vectors=IRAM,
        )
    ],
    banks=BANKS, bus=BUS,
)  # fmt: skip

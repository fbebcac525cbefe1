"""Zynq UltraScale+: the Cortex-R5Fs of the RPU, as firmware for a real board sees them.

==================== ==================================================================
0x00000000           ATCM of the core, 64 KiB; in lockstep 128 KiB, those of both cores
0x00020000           BTCM, the same
0x00100000           DDR, up to 0x7ff00000
0xf9000000           GIC PL390: distributor, and the CPU interface of the core
0xfd000000           peripherals of the full power domain
0xff000000           peripherals of the low power domain
0xff300000           IPI channels; 0xff990000 their message buffers
0xffe00000           the TCMs of both cores: ATCM0, BTCM0 at +0x20000, ATCM1 at +0x90000
                     (in lockstep +0x10000), BTCM1 at +0xb0000 (+0x30000)
0xfffc0000           OCM, 256 KiB, with the high vectors
==================== ==================================================================

Addresses, interrupts and registers are those of UG1085 and UG1087. The peripherals of each core
are its own, memories and IPIs are shared. All others read back what was written to them.
"""

from __future__ import annotations

from functools import partial

from rprocfs.arch.armv7r.core import CortexR
from rprocfs.hw.arm.gic import Gic
from rprocfs.hw.console import ConsoleUarts
from rprocfs.hw.dma import Bus
from rprocfs.hw.peripherals import PAGE, Words
from rprocfs.hw.xilinx.ams import Ams
from rprocfs.hw.xilinx.can import Can
from rprocfs.hw.xilinx.crl import CRF_RESET, Crl
from rprocfs.hw.xilinx.csudma import CsuDma
from rprocfs.hw.xilinx.gpio import Gpio
from rprocfs.hw.xilinx.gqspi import Gqspi
from rprocfs.hw.xilinx.i2c import I2c
from rprocfs.hw.xilinx.ipi import BASES, Ipi
from rprocfs.hw.xilinx.pmu import Pmu
from rprocfs.hw.xilinx.rtc import Rtc
from rprocfs.hw.xilinx.sdhci import Sdhci
from rprocfs.hw.xilinx.spi import Spi
from rprocfs.hw.xilinx.swdt import Swdt
from rprocfs.hw.xilinx.transfers import Transfers
from rprocfs.hw.xilinx.ttc import Ttc
from rprocfs.hw.xilinx.uart import Uart
from rprocfs.hw.xilinx.zdma import Zdma
from rprocfs.soc.machine import Bank, Machine, Region
from rprocfs.soc.table import Device, DevicePeripherals, alone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rprocfs.hw.peripherals import Peripherals, Wires
    from rprocfs.hw.registers import Peripheral

    Line = Callable[[bool], None]

TCM = 0x1_0000
DDR, DDR_SIZE, OCM, OCM_SIZE = 0x10_0000, 0x7FF0_0000, 0xFFFC_0000, 0x4_0000
BUFFERS, BUFFERS_SIZE, GIC, IRQS = 0xFF99_0000, 0x1000, 0xF900_0000, 192
#: What Linux takes from DDR for what has no reserved memory.
CMA = Region("cma", 0x7000_0000, 0x0F00_0000)
CPU_HZ, LSBUS_HZ = 500_000_000, 100_000_000
#: Agent of the IPI -> its interrupt.
IPI_IRQS = {0: 67, 1: 65, 2: 66, 7: 61, 8: 62, 9: 63, 10: 64}
#: RPU_GLBL_CNTL: split, or clamped with the TCMs combined.
SPLIT, LOCKSTEP = 0x08, 0x50
#: CSU: the device and its version (a ZU9EG of production silicon).
IDCODE, VERSION = 0x0473_8093, 0x3
RPU_R50_RESET, RPU_AMBA_RESET = 1, 4

#: What reaches the bus by itself.
MASTERS = (Zdma, CsuDma, Gqspi)
#: The channels of the DMAs, how far they are apart, and how wide they are.
DMA_CHANNELS, DMA_APART, ADMA_WIDTH, GDMA_WIDTH = 8, 0x1_0000, 8, 16

RANGES = (
    (0xFD00_0000, BUFFERS - 0xFD00_0000),
    (BUFFERS + BUFFERS_SIZE, 0xFFE0_0000 - BUFFERS - BUFFERS_SIZE),
)


def _uart(soc: ZynqmpPeripherals, line: Line) -> Uart:
    return Uart(line, soc.wires.console.transmit)


def _ttc(soc: ZynqmpPeripherals, *lines: Line) -> Ttc:
    return Ttc(*lines, now=soc.wires.now, hz=LSBUS_HZ, busy=soc.wires.now.busy)


def _swdt(soc: ZynqmpPeripherals, line: Line) -> Swdt:
    bite = partial(soc.wires.die, "system watchdog", "watchdog")
    return Swdt(line, soc.wires.now, LSBUS_HZ, bite)


def _crl(soc: ZynqmpPeripherals) -> Crl:
    reset = partial(soc.wires.die, "reset through CRL_APB", "fatal error")
    return Crl(reset, RPU_AMBA_RESET | RPU_R50_RESET << soc.number)


def _rtc(soc: ZynqmpPeripherals, alarm: Line, seconds: Line) -> Rtc:
    return Rtc(alarm, seconds, soc.wires.now)


def _csudma(soc: ZynqmpPeripherals, line: Line) -> CsuDma:
    return CsuDma(line, SystemBus(soc), soc.named("CSU", Words), soc.transfers)


def _qspi(soc: ZynqmpPeripherals, line: Line) -> Gqspi:
    return Gqspi(line, SystemBus(soc), soc.transfers)


class SystemBus(Bus):
    """What masters other than the cores reach: at 0 they have no TCMs."""

    def __init__(self, soc: ZynqmpPeripherals) -> None:
        super().__init__(soc, *MASTERS)

    def load(self, address: int, size: int) -> bytes | None:
        """The *size* bytes at *address*."""
        return super().load(address, size) if address >= DDR else None

    def store(self, address: int, data: bytes) -> bool:
        """Write them."""
        return address >= DDR and super().store(address, data)


def _dma(width: int) -> Callable[[ZynqmpPeripherals, Line], Zdma]:
    return lambda soc, line: Zdma(line, SystemBus(soc), soc.transfers, width)


def _dmas(name: str, base: int, irq: int, width: int) -> Iterator[Device]:
    for number in range(DMA_CHANNELS):
        at = base + DMA_APART * number
        yield Device(f"{name}{number}", at, _dma(width), irq + number)


def _rpu(soc: ZynqmpPeripherals) -> Words:
    return Words({0x0: SPLIT if soc.split else LOCKSTEP, 0x100: 1, 0x200: 1})


#: Name, base, model, interrupts.
DEVICES = (
    Device("UART0", 0xFF00_0000, _uart, 53),
    Device("UART1", 0xFF01_0000, _uart, 54),
    Device("I2C0", 0xFF02_0000, alone(I2c), 49),
    Device("I2C1", 0xFF03_0000, alone(I2c), 50),
    Device("SPI0", 0xFF04_0000, alone(Spi), 51),
    Device("SPI1", 0xFF05_0000, alone(Spi), 52),
    Device("TTC0", 0xFF11_0000, _ttc, 68, 69, 70),
    Device("TTC1", 0xFF12_0000, _ttc, 71, 72, 73),
    Device("TTC2", 0xFF13_0000, _ttc, 74, 75, 76),
    Device("TTC3", 0xFF14_0000, _ttc, 77, 78, 79),
    Device("LPD_SWDT", 0xFF15_0000, _swdt, 84),
    Device("FPD_SWDT", 0xFD4D_0000, _swdt, 145),
    Device("CAN0", 0xFF06_0000, alone(Can), 55),
    Device("CAN1", 0xFF07_0000, alone(Can), 56),
    Device("GPIO", 0xFF0A_0000, alone(Gpio), 48),
    Device("CRL_APB", 0xFF5E_0000, _crl),
    Device("CRF_APB", 0xFD1A_0000, alone(Words, CRF_RESET)),
    Device("RPU", 0xFF9A_0000, _rpu),
    Device("QSPI", 0xFF0F_0000, _qspi, 47),
    Device("AMS", 0xFFA5_0000, lambda soc, line: Ams(line, soc.wires.now), 88),
    Device("RTC", 0xFFA6_0000, _rtc, 58, 59),
    *_dmas("GDMA", 0xFD50_0000, 156, GDMA_WIDTH),
    *_dmas("ADMA", 0xFFA8_0000, 109, ADMA_WIDTH),
    Device("SDIO0", 0xFF16_0000, alone(Sdhci), 80),
    Device("SDIO1", 0xFF17_0000, alone(Sdhci), 81),
    Device("CSU", 0xFFCA_0000, alone(Words, {0x40: IDCODE, 0x44: VERSION})),
    Device("CSUDMA", 0xFFC8_0000, _csudma, 118),
)


class ZynqmpPeripherals(DevicePeripherals):
    """All of them, as the core of that *number* has them; *split*: there are two."""

    def __init__(self, wires: Wires, number: int, split: bool) -> None:
        self.number, self.split = number, split
        self.uarts = ConsoleUarts(wires.console)
        self.transfers = Transfers(wires.now)
        super().__init__(wires, DEVICES, RANGES)
        self.timed.devices.append(self.transfers)
        self.pmu = Pmu(
            number, SystemBus(self), (IDCODE, VERSION),
            lambda reason: wires.die(reason, "fatal error"),
        )  # fmt: skip
        lines = {agent: partial(wires.set_line, irq) for agent, irq in IPI_IRQS.items()}
        self.ipi = Ipi(1 + number, wires.doorbell.send, lines, self.pmu.triggered)
        self.pages.update((BASES[agent], one) for agent, one in self.ipi.channels.items())

    def added(self, device: Device, model: Peripheral) -> None:
        """A UART is the console; the transfers of masters take time."""
        if isinstance(model, Uart):
            self.uarts.add(device.base, model)
        elif isinstance(model, MASTERS):
            self.timed_pages.add(device.base)

    def write(self, address: int, size: int, value: int) -> None:
        """A store; it may be a byte that there was no room for."""
        super().write(address, size, value)
        self.uarts.stored(address & ~(PAGE - 1))

    def poll(self) -> None:
        """IPIs, console input, timers."""
        received = self.wires.doorbell.received
        while received:
            self.ipi.receive(*received.pop(0))
        self.ipi.retry()
        self.uarts.poll()
        super().poll()


class Zynqmp(Machine):
    """The machine, in split mode or in lockstep."""

    def __init__(self, name: str, source: str, *, split: bool) -> None:
        self.split = split
        numbers = (0, 1) if split else (0,)
        super().__init__(
            name=name,
            source=source,
            cores=[_core(number) for number in numbers],
            banks=_banks(split),
            dynamic=CMA,
            cma=True,
            local={f"r5f{number}": _tcms(number, split) for number in numbers},
        )

    def peripherals(self, wires: Wires) -> Peripherals:
        """Those of one core."""
        return ZynqmpPeripherals(wires, int(wires.core[-1]), self.split)


def _core(number: int) -> CortexR:
    return CortexR(
        f"r5f{number}", "cortex-r5f", irqs=IRQS, cpu_hz=CPU_HZ, number=number, high=OCM,
        controller=_gic,
    )  # fmt: skip


def _gic(number: int) -> Gic:
    return Gic(GIC, IRQS, number, cpus=2)


def _banks(split: bool) -> tuple[Bank, ...]:
    """All memory, as the bus has it: DDR, OCM, buffers, and the TCMs."""
    ocm = DDR_SIZE
    buffers, tcm = ocm + OCM_SIZE, ocm + OCM_SIZE + BUFFERS_SIZE
    atcm1, btcm1 = (0xFFE9_0000, 0xFFEB_0000) if split else (0xFFE1_0000, 0xFFE3_0000)
    second = 2 if split else 1  # in lockstep what is together is together in memory, too
    return (
        Bank("ddr", DDR, DDR_SIZE, 0),
        Bank("ocm", OCM, OCM_SIZE, ocm),
        Bank("ipi", BUFFERS, BUFFERS_SIZE, buffers),
        Bank("atcm0", 0xFFE0_0000, TCM, tcm),
        Bank("btcm0", 0xFFE2_0000, TCM, tcm + (TCM if split else 2 * TCM)),
        Bank("atcm1", atcm1, TCM, tcm + second * TCM),
        Bank("btcm1", btcm1, TCM, tcm + 3 * TCM),
    )


def _tcms(number: int, split: bool) -> tuple[Bank, ...]:
    """What a core has at its own addresses."""
    tcm = DDR_SIZE + OCM_SIZE + BUFFERS_SIZE
    if not split:
        return Bank("atcm", 0, 2 * TCM, tcm), Bank("btcm", 0x2_0000, 2 * TCM, tcm + 2 * TCM)
    first = tcm + 2 * TCM * number
    return Bank("atcm", 0, TCM, first), Bank("btcm", 0x2_0000, TCM, first + TCM)


ZYNQMP_SPLIT = Zynqmp("zynqmp-split", f"{__name__}:ZYNQMP_SPLIT", split=True)
ZYNQMP_LOCKSTEP = Zynqmp("zynqmp-lockstep", f"{__name__}:ZYNQMP_LOCKSTEP", split=False)

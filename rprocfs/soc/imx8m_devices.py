"""The devices of the i.MX 8M that its Cortex-M sees: the same on all four parts, but for clocks."""

from __future__ import annotations

from functools import partial

from rprocfs.hw.dma import Bus
from rprocfs.hw.nxp.ccm import SIZE as CCM_SIZE
from rprocfs.hw.nxp.ccm import Ccm
from rprocfs.hw.nxp.ecspi import Ecspi
from rprocfs.hw.nxp.gpio import Gpio
from rprocfs.hw.nxp.gpt import Gpt
from rprocfs.hw.nxp.i2c import I2c
from rprocfs.hw.nxp.iuart import Iuart
from rprocfs.hw.nxp.mu import Mu, connect
from rprocfs.hw.nxp.pll import AudioMix, Plls
from rprocfs.hw.nxp.pwm import Pwm
from rprocfs.hw.nxp.rdc import Rdc, RdcSemaphore
from rprocfs.hw.nxp.sdma import SIZE as SDMA_SIZE
from rprocfs.hw.nxp.sdma import Sdma
from rprocfs.hw.nxp.sema4 import Sema4
from rprocfs.hw.nxp.system import Gpc, Src, SystemCounter
from rprocfs.hw.nxp.tmu import Tmu
from rprocfs.hw.nxp.wdog import Wdog
from rprocfs.hw.peripherals import PAGE, Words
from rprocfs.soc.imx8m_mailbox import LinuxMu
from rprocfs.soc.imx8m_part import MU_CORE, PDAP, TCM_SIZE
from rprocfs.soc.table import Device, alone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.registers import Peripheral
    from rprocfs.soc.imx8m_part import Part
    from rprocfs.soc.imx8m_peripherals import Imx8mPeripherals

    Line = Callable[[bool], None]


class BusOfDma(Bus):
    """What an SDMA reaches: the TCM as Linux has it, or by the core's addresses."""

    def __init__(self, soc: Imx8mPeripherals) -> None:
        super().__init__(soc, Sdma)
        self._tcm = soc.part.tcm

    def _local(self, address: int) -> int:
        for bus, da in self._tcm:
            if bus <= address < bus + TCM_SIZE:
                return address - bus + da
        return address

    def load(self, address: int, size: int) -> bytes | None:
        """The *size* bytes at *address*."""
        return super().load(self._local(address), size)

    def store(self, address: int, data: bytes) -> bool:
        """Write them."""
        return super().store(self._local(address), data)


# What makes the devices that are wired to others.


def _rdc(soc: Imx8mPeripherals) -> Rdc:
    return Rdc(*soc.part.rdc)


def _tmu(soc: Imx8mPeripherals, line: Line) -> Tmu:
    return Tmu(soc.part.tmu, soc.wires.now, line)


def _sdma(name: str) -> Callable[..., Peripheral]:
    def make(soc: Imx8mPeripherals, line: Line) -> Sdma:
        events = soc.events if name == "SDMA1" else {}
        return Sdma(line, BusOfDma(soc), events, soc.wires.debug)

    return make


def _pwm(number: int) -> Callable[..., Peripheral]:
    def make(soc: Imx8mPeripherals, line: Line) -> Pwm:
        return Pwm(soc.wires.now, partial(soc.named("CCM", Ccm).pwm_hz, number), line)

    return make


def _ccm(soc: Imx8mPeripherals) -> Ccm:
    plls: Plls = soc.named("CCM_ANALOG", Plls)
    ccm = Ccm(plls, soc.part.core, soc.part.roots, soc.wires.clock)
    plls.changed = ccm.update
    return ccm


def _linux(soc: Imx8mPeripherals) -> LinuxMu:
    return LinuxMu(soc.wires.doorbell, soc.wires.now, soc.wires.debug)


def _mu(soc: Imx8mPeripherals, line: Line) -> Mu:
    side = Mu(line)
    connect(soc.named("MUA", LinuxMu), side)
    return side


def _uart(soc: Imx8mPeripherals, line: Line) -> Iuart:
    return Iuart(soc.wires.console.transmit, line, soc.wires.now, soc.timed.look_ahead)


def _gpt(number: int) -> Callable[..., Peripheral]:
    def make(soc: Imx8mPeripherals, line: Line) -> Gpt:
        hz = partial(soc.named("CCM", Ccm).gpt_hz, number)
        osc = soc.named("CCM_ANALOG", Plls).osc
        return Gpt(soc.wires.now, hz, line, soc.wires.now.busy, osc)

    return make


def _wdog(soc: Imx8mPeripherals, early: Line) -> Wdog:
    return Wdog(soc.wires.now, early, lambda reason: soc.wires.die(reason, "watchdog"))


def _src(soc: Imx8mPeripherals) -> Src:
    return Src(partial(soc.wires.die, "reset through the SRC", "fatal error"))


DEVICES = (
    Device("CCM_ANALOG", 0x3036_0000, lambda soc: soc.part.plls()),
    Device("CCM", 0x3038_0000, _ccm, size=CCM_SIZE),
    Device("MUA", 0x30AA_0000, _linux),
    Device("MUB", MU_CORE, _mu, 97),
    Device("RDC", 0x303D_0000, _rdc),
    Device("RDC_SEMAPHORE1", 0x303B_0000, lambda soc: RdcSemaphore(soc.named("RDC", Rdc))),
    Device("RDC_SEMAPHORE2", 0x303C_0000, lambda soc: RdcSemaphore(soc.named("RDC", Rdc))),
    Device("SEMA4", 0x30AC_0000, alone(Sema4)),
    Device("IOMUXC", 0x3033_0000, alone(Words)),
    Device("IOMUXC_GPR", 0x3034_0000, alone(Words)),
    Device("SNVS", 0x3037_0000, alone(Words)),
    Device("OCOTP", 0x3035_0000, alone(Words)),
    Device("GPC", 0x303A_0000, lambda soc: Gpc(*soc.part.power)),
    Device("SRC", 0x3039_0000, _src),
    Device("TMU", 0x3026_0000, _tmu, 49),
    Device("SYSCNT_RD", 0x306A_0000, lambda soc: SystemCounter(soc.wires.now)),
    Device("UART1", 0x3086_0000, _uart, 26, dma=(22, 23)),
    Device("UART2", 0x3089_0000, _uart, 27, dma=(24, 25)),
    Device("UART3", 0x3088_0000, _uart, 28, dma=(26, 27)),
    Device("UART4", 0x30A6_0000, _uart, 29, dma=(28, 29)),
    *(Device(f"ECSPI{number}", 0x3081_0000 + 0x1_0000 * number, alone(Ecspi), 30 + number,
             dma=(2 * number - 2, 2 * number - 1)) for number in range(1, 4)),
    *(Device(f"PWM{number}", 0x3065_0000 + 0x1_0000 * number, _pwm(number), 80 + number)
      for number in range(1, 5)),
    Device("GPT1", 0x302D_0000, _gpt(1), 55),
    Device("GPT2", 0x302E_0000, _gpt(2), 54),
    Device("GPT3", 0x302F_0000, _gpt(3), 53),
    Device("GPT4", 0x3070_0000, _gpt(4), 52),
    Device("GPT5", 0x306F_0000, _gpt(5), 51),
    Device("GPT6", 0x306E_0000, _gpt(6), 46),
    Device("WDOG1", 0x3028_0000, _wdog, 78),
    Device("WDOG2", 0x3029_0000, _wdog, 79),
    Device("WDOG3", 0x302A_0000, _wdog, 10),
    Device("GPIO1", 0x3020_0000, alone(Gpio), 64, 65, *range(63, 55, -1)),
    *(Device(f"GPIO{number}", 0x301F_0000 + 0x1_0000 * number, alone(Gpio),
             62 + 2 * number, 63 + 2 * number) for number in range(2, 6)),
    *(Device(f"I2C{number}", 0x30A1_0000 + 0x1_0000 * number, alone(I2c), 34 + number)
      for number in range(1, 5)),
)  # fmt: skip


PLUS_DEVICES = (
    Device("AUDIOMIX", 0x30E2_0000, alone(AudioMix)),
    Device("I2C5", 0x30AD_0000, alone(I2c), 76),
    Device("I2C6", 0x30AE_0000, alone(I2c), 77),
)


def devices(part: Part) -> tuple[Device, ...]:
    """All that a *part* has."""
    sdmas = (
        Device(name, base, _sdma(name), irq, size=SDMA_SIZE)
        for name, (base, irq, _) in part.sdma.items()
    )
    return (*DEVICES, *(PLUS_DEVICES if part.aips5 else ()), *sdmas)


def permissions(part: Part) -> dict[int, int]:
    """The number that the RDC has for what is at a page."""
    numbers = PDAP | {name: number for name, (_, _, number) in part.sdma.items()}
    return {
        device.base + at: numbers[device.name]
        for device in devices(part)
        if device.name in numbers
        for at in range(0, device.size, PAGE)
    }

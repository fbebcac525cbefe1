"""The devices of the i.MX 8M that its Cortex-M sees: the same on all four parts, but for clocks."""

from __future__ import annotations

from functools import partial

from rprocfs.hw.console import ConsoleUarts
from rprocfs.hw.nxp.ccm import SIZE as CCM_SIZE
from rprocfs.hw.nxp.ccm import Ccm
from rprocfs.hw.nxp.ecspi import Ecspi
from rprocfs.hw.nxp.gpio import Gpio
from rprocfs.hw.nxp.gpt import Gpt
from rprocfs.hw.nxp.i2c import I2c
from rprocfs.hw.nxp.iuart import Iuart
from rprocfs.hw.nxp.mu import Mu, connect
from rprocfs.hw.nxp.pll import Plls
from rprocfs.hw.nxp.rdc import Rdc, RdcSemaphore
from rprocfs.hw.nxp.sema4 import Sema4
from rprocfs.hw.nxp.system import Gpc, Src, SystemCounter, Tmu
from rprocfs.hw.nxp.wdog import Wdog
from rprocfs.hw.peripherals import PAGE, Words
from rprocfs.soc.imx8m_mailbox import LinuxMu
from rprocfs.soc.table import Device, DevicePeripherals, alone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rprocfs.hw.nxp.ccm import Source
    from rprocfs.hw.peripherals import Wires
    from rprocfs.hw.registers import Peripheral

    Line = Callable[[bool], None]

MU_CORE = 0x30AB_0000
# Where peripherals are: AIPS1 to 3; AIPS5; AIPS4; DMA; between them is nothing.
RANGES = ((0x3000_0000, 0xC0_0000), (0x32C0_0000, 0x40_0000), (0x3300_0000, 0x1_0000))
AIPS5 = (0x30C0_0000, 0x40_0000)


class Part:
    """What differs: its PLLs, the sources of the core's clock root, the roots as they are found.

    *sensors* are the registers of temperatures; *power* has the registers of the GPC that request
    power up and down, that of handshakes, and by how many bits their answers are above.
    """

    def __init__(
        self,
        *,
        plls: Callable[[], Plls],
        core: Sequence[Source],
        roots: Mapping[int, int],
        sensors: tuple[int, ...],
        power: tuple[tuple[int, int], int, int],
        aips5: bool = False,
    ) -> None:
        self.plls, self.core, self.roots = plls, core, roots
        self.sensors, self.power = sensors, power
        self.aips5 = aips5

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Where its peripherals are."""
        return (*RANGES, AIPS5) if self.aips5 else RANGES


# What makes the devices that are wired to others.


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
    return Iuart(soc.wires.console.transmit, line)


def _gpt(number: int) -> Callable[..., Peripheral]:
    def make(soc: Imx8mPeripherals, line: Line) -> Gpt:
        hz = partial(soc.named("CCM", Ccm).gpt_hz, number)
        return Gpt(soc.wires.now, hz, line, soc.wires.now.busy)

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
    Device("RDC", 0x303D_0000, alone(Rdc)),
    Device("RDC_SEMAPHORE1", 0x303B_0000, lambda soc: RdcSemaphore(soc.named("RDC", Rdc))),
    Device("RDC_SEMAPHORE2", 0x303C_0000, lambda soc: RdcSemaphore(soc.named("RDC", Rdc))),
    Device("SEMA4", 0x30AC_0000, alone(Sema4)),
    Device("IOMUXC", 0x3033_0000, alone(Words)),
    Device("IOMUXC_GPR", 0x3034_0000, alone(Words)),
    Device("SNVS", 0x3037_0000, alone(Words)),
    Device("OCOTP", 0x3035_0000, alone(Words)),
    Device("GPC", 0x303A_0000, lambda soc: Gpc(*soc.part.power)),
    Device("SRC", 0x3039_0000, _src),
    Device("TMU", 0x3026_0000, lambda soc: Tmu(soc.part.sensors)),
    Device("SYSCNT_RD", 0x306A_0000, lambda soc: SystemCounter(soc.wires.now)),
    Device("UART1", 0x3086_0000, _uart, 26),
    Device("UART2", 0x3089_0000, _uart, 27),
    Device("UART3", 0x3088_0000, _uart, 28),
    Device("UART4", 0x30A6_0000, _uart, 29),
    *(Device(f"ECSPI{number}", 0x3081_0000 + 0x1_0000 * number, alone(Ecspi), 30 + number)
      for number in range(1, 4)),
    Device("GPT1", 0x302D_0000, _gpt(1), 55),
    Device("GPT2", 0x302E_0000, _gpt(2), 54),
    Device("GPT3", 0x302F_0000, _gpt(3), 53),
    Device("GPT4", 0x3070_0000, _gpt(4), 52),
    Device("GPT5", 0x306F_0000, _gpt(5), 51),
    Device("GPT6", 0x306E_0000, _gpt(6), 46),
    Device("WDOG1", 0x3028_0000, _wdog, 78),
    Device("WDOG2", 0x3029_0000, _wdog, 79),
    Device("WDOG3", 0x302A_0000, _wdog, 10),
    *(Device(f"GPIO{number}", 0x301F_0000 + 0x1_0000 * number, alone(Gpio),
             62 + 2 * number, 63 + 2 * number) for number in range(1, 6)),
    *(Device(f"I2C{number}", 0x30A1_0000 + 0x1_0000 * number, alone(I2c), 34 + number)
      for number in range(1, 5)),
)  # fmt: skip


class Imx8mPeripherals(DevicePeripherals):
    """All of them, wired to each other and to *wires*."""

    def __init__(self, wires: Wires, part: Part) -> None:
        self.part = part
        self.uarts = ConsoleUarts(wires.console)
        super().__init__(wires, DEVICES, part.ranges)
        self.mu = self.named("MUA", LinuxMu)
        self.timed.look_ahead()

    def added(self, device: Device, model: Peripheral) -> None:
        """Note the UARTs."""
        if isinstance(model, Iuart):
            self.uarts.add(device.base, model)

    def write(self, address: int, size: int, value: int) -> None:
        """A store; it may be a byte that there was no room for, or one for Linux."""
        super().write(address, size, value)
        page = address & ~(PAGE - 1)
        self.uarts.stored(page)
        if page == MU_CORE:
            self.mu.looked_at()
            self.timed.look_ahead()

    def poll(self) -> None:
        """Words of Linux, console input, timers."""
        super().poll()
        self.uarts.poll()

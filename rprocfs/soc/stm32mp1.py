"""STM32MP157: the Cortex-M4 of ST's STM32MP15 family, as firmware for a real board sees it.

==================== ==================================================================
0x00000000           RETRAM, 64 KiB: the vector table; the A7 sees it at 0x38000000
0x10000000           MCU SRAM, 384 KiB; the same memory at 0x30000000
0x40000000           peripherals: APB1, APB2 (0x44000000), AHB2 (0x48000000), AHB3
                     (0x4c000000), AHB4 (0x50000000), AHB5, AHB6, APB4, APB5
0x4c001000           IPCC, channels 0 to 3 of which are Linux's vq0, vq1, shutdown, detach
0xe000e000           NVIC with 150 interrupts and 4 bits of priority, SysTick, SCB, MPU
==================== ==================================================================

Addresses, interrupts and registers are those of ST's reference manual RM0436 and CMSIS
header ``stm32mp157cxx_cm4.h``; the memory regions those of Linux's devicetree
(``stm32mp15xx-dkx.dtsi``). All other peripherals read back what was written to them.
"""

from __future__ import annotations

from functools import partial

from rprocfs.arch.armv7m.core import CortexM
from rprocfs.hw.dma import Bus
from rprocfs.hw.peripherals import PAGE, Words
from rprocfs.hw.st.adc import Adc
from rprocfs.hw.st.bsec import Bsec
from rprocfs.hw.st.crc import Crc
from rprocfs.hw.st.dac import Dac
from rprocfs.hw.st.dma import AT_ONCE, STREAMS, Dma
from rprocfs.hw.st.dmamux import Dmamux
from rprocfs.hw.st.exti import Exti
from rprocfs.hw.st.gpio import Gpio
from rprocfs.hw.st.hash import Hash
from rprocfs.hw.st.hsem import Hsem
from rprocfs.hw.st.i2c import I2c
from rprocfs.hw.st.ipcc import Ipcc
from rprocfs.hw.st.lptim import Lptim
from rprocfs.hw.st.pwr import Pwr
from rprocfs.hw.st.quadspi import Quadspi
from rprocfs.hw.st.rcc import APB1DIVR, APB2DIVR, APB3DIVR, TIMG1PRER, TIMG2PRER, Rcc
from rprocfs.hw.st.rng import Rng
from rprocfs.hw.st.rtc import Rtc
from rprocfs.hw.st.spi import Spi
from rprocfs.hw.st.syscfg import Syscfg
from rprocfs.hw.st.tim import Tim
from rprocfs.hw.st.usart import Usart
from rprocfs.hw.st.wwdg import Wwdg
from rprocfs.soc.machine import Bank, Machine
from rprocfs.soc.table import Device, DevicePeripherals, alone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rprocfs.hw.peripherals import Peripherals, Wires
    from rprocfs.hw.registers import Peripheral

    Line = Callable[[bool], None]
    Model = Callable[..., Peripheral]

RETRAM, RETRAM_A7, RETRAM_SIZE = 0x0000_0000, 0x3800_0000, 0x1_0000
SRAM, SRAM_ALIAS, SRAM_SIZE = 0x1000_0000, 0x3000_0000, 0x6_0000
WAKEUP, IPCC_WAKES = 145, 62  # the RCC's interrupt; the line of the EXTI
EXTI_IRQS = (6, 7, 8, 9, 10, 23, 64, 65, 66, 67, 40, 42, 76, 77, 121, 127)
BOOT_PINS, DEV_ID = 5, 0x2000_6500  # from an SD card; revision B
OPEN_TO_ALL = dict.fromkeys(range(0x10, 0x28, 4), 0xFFFF_FFFF)

# Where peripherals are, each a bus; between them is nothing.
RANGES = (
    (0x4000_0000, 0x2_0000), (0x4400_0000, 0x1_4000), (0x4800_0000, 0x6000),
    (0x4900_0000, 0x4_0000), (0x4C00_0000, 0x7000), (0x5000_0000, 0x2_C000),
    (0x5008_0000, 0x2_0000), (0x5400_0000, 0x5000), (0x5800_0000, 0x1_0000),
    (0x5A00_0000, 0x8000), (0x5C00_0000, 0xB000),
)  # fmt: skip

# What makes the devices that are wired to others.


def _rcc(soc: Stm32mp1Peripherals, woken: Line) -> Rcc:
    reset = partial(soc.wires.die, "reset through the RCC", "fatal error")
    return Rcc(soc.wires.clock, reset, woken)


def _exti(soc: Stm32mp1Peripherals, *lines: Line) -> Exti:
    def wake() -> None:
        if soc.wires.deep():
            soc.rcc.wake_up()

    return Exti(lambda number, level: lines[number](level), wake)


def _gpio(bank: int) -> Model:
    """The one with that number in the EXTI."""
    return lambda soc: Gpio(partial(soc.named("EXTI", Exti).pins, bank))


def _ipcc(soc: Stm32mp1Peripherals, rx: Line, tx: Line) -> Ipcc:
    def mail(level: bool) -> None:
        rx(level)
        soc.mail(level)

    return Ipcc(soc.wires.doorbell.send, mail, tx, soc.wires.now.busy)


def _adc(soc: Stm32mp1Peripherals, first: Line, second: Line) -> Adc:
    return Adc(soc.wires.now, first, second)


def _dac(soc: Stm32mp1Peripherals) -> Dac:
    return Dac(soc.serve)


def _usart(soc: Stm32mp1Peripherals, line: Line) -> Usart:
    return Usart(soc.wires.console.transmit, line)


def _tim(
    divider: int,
    prescaler: int,
    channels: int = 0,
    trigger: int = -1,
    to_dac: int = -1,
    **more: Any,
) -> Model:
    """Of the bus with that *divider*; its numbers at the ADCs and at the DAC, *more* for Tim."""

    def make(soc: Stm32mp1Peripherals, *lines: Line) -> Tim:
        hz, now = partial(soc.rcc.timer_hz, divider, prescaler), soc.wires.now
        adc, dac = soc.named("ADC", Adc), soc.named("DAC1", Dac)

        def fire() -> None:
            adc.trigger(trigger)
            dac.trigger(to_dac)

        return Tim(
            now, hz, lines, channels=channels, busy=now.busy,
            listens=lambda: adc.listens(trigger) or dac.listens(to_dac), trigger=fire,
            serve=soc.serve, **more,
        )  # fmt: skip

    return make


_tim1, _tim2 = partial(_tim, APB1DIVR, TIMG1PRER), partial(_tim, APB2DIVR, TIMG2PRER)


def _lptim(selector: int, divider: int) -> Model:
    def make(soc: Stm32mp1Peripherals, line: Line) -> Lptim:
        hz, now = partial(soc.rcc.slow_hz, selector, divider), soc.wires.now
        return Lptim(now, hz, line, now.busy)

    return make


def _wwdg(soc: Stm32mp1Peripherals, early: Line) -> Wwdg:
    bite = partial(soc.wires.die, "window watchdog", "watchdog")
    return Wwdg(soc.wires.now, lambda: soc.rcc.pclk1_hz, early, bite)


def _dma(first: int) -> Model:
    """A controller; *first* is the channel of the DMAMUX that its first stream is."""

    def make(soc: Stm32mp1Peripherals, *lines: Line) -> Dma:
        mux = soc.named("DMAMUX", Dmamux)
        return Dma(Bus(soc, Dma), lines, [mux.channel(first + stream) for stream in range(STREAMS)])

    return make


#: Name, base, model, interrupts; numbers at the DMAMUX, in the order of ``requests()``.
DEVICES = (
    Device("RCC", 0x5000_0000, _rcc, WAKEUP),
    Device("EXTI", 0x5000_D000, _exti, *EXTI_IRQS),
    Device("DMAMUX", 0x4800_2000, alone(Dmamux)),
    Device("DMA1", 0x4800_0000, _dma(0), 11, 12, 13, 14, 15, 16, 17, 47),
    Device("DMA2", 0x4800_1000, _dma(STREAMS), 56, 57, 58, 59, 60, 68, 69, 70),
    Device("ADC", 0x4800_3000, _adc, 18, 90, dma=(9, 10)),
    Device("DAC1", 0x4001_7000, _dac, dma=(67, 68)),
    Device("IPCC", 0x4C00_1000, _ipcc, 103, 104),
    Device("HSEM", 0x4C00_0000, alone(Hsem), 125),
    Device("WWDG1", 0x4000_A000, _wwdg, 0),
    Device("TIM2", 0x4000_0000, _tim1(4, 11, 2, bits=32), 28, dma=(18, 19, 20, 21, 22, 0, 0)),
    Device("TIM3", 0x4000_1000, _tim1(4, 4), 29, dma=(23, 24, 25, 26, 27, 28, 0)),
    Device("TIM4", 0x4000_2000, _tim1(4, 12, 3), 30, dma=(29, 30, 31, 0, 32, 0, 0)),
    Device("TIM5", 0x4000_3000, _tim1(4, -1, 4, bits=32), 50, dma=(55, 56, 57, 58, 59, 60, 0)),
    Device("TIM6", 0x4000_4000, _tim1(0, 13, 5), 54, dma=(0, 0, 0, 0, 69, 0, 0)),
    Device("TIM7", 0x4000_5000, _tim1(0, -1, 6), 55, dma=(0, 0, 0, 0, 70, 0, 0)),
    Device("TIM12", 0x4000_6000, _tim1(2), 119),
    Device("TIM13", 0x4000_7000, _tim1(1), 130),
    Device("TIM14", 0x4000_8000, _tim1(1), 131),
    Device("TIM1", 0x4400_0000, _tim2(4, 9, 1, repeats=True), 25, 27, 26, dma=tuple(range(11, 18))),
    Device("TIM8", 0x4400_1000, _tim2(4, 7, 7, repeats=True), 44, 46, 45, dma=tuple(range(47, 54))),
    Device("TIM15", 0x4400_6000, _tim2(2, 14, 8, repeats=True), 116,
           dma=(105, 0, 0, 0, 106, 107, 108)),
    Device("TIM16", 0x4400_7000, _tim2(1, repeats=True), 117, dma=(109, 0, 0, 0, 110, 0, 0)),
    Device("TIM17", 0x4400_8000, _tim2(1, repeats=True), 118, dma=(111, 0, 0, 0, 112, 0, 0)),
    Device("LPTIM1", 0x4000_9000, _lptim(0x934, APB1DIVR), 93),
    Device("LPTIM2", 0x5002_1000, _lptim(0x930, APB3DIVR), 138),
    Device("LPTIM3", 0x5002_2000, _lptim(0x930, APB3DIVR), 139),
    Device("LPTIM4", 0x5002_3000, _lptim(0x92C, APB3DIVR), 140),
    Device("LPTIM5", 0x5002_4000, _lptim(0x92C, APB3DIVR), 141),
    Device("UART4", 0x4001_0000, _usart, 52, dma=(63, 64)),
    Device("USART3", 0x4000_F000, _usart, 39, dma=(45, 46)),
    Device("USART2", 0x4000_E000, _usart, 38, dma=(43, 44)),
    Device("UART5", 0x4001_1000, _usart, 53, dma=(65, 66)),
    Device("UART7", 0x4001_8000, _usart, 82, dma=(79, 80)),
    Device("UART8", 0x4001_9000, _usart, 83, dma=(81, 82)),
    Device("USART6", 0x4400_3000, _usart, 71, dma=(71, 72)),
    Device("USART1", 0x5C00_0000, _usart, 37),
    Device("I2C1", 0x4001_2000, alone(I2c), 31, dma=(33, 34)),
    Device("I2C2", 0x4001_3000, alone(I2c), 33, dma=(35, 36)),
    Device("I2C3", 0x4001_4000, alone(I2c), 72, dma=(73, 74)),
    Device("I2C5", 0x4001_5000, alone(I2c), 107, dma=(115, 116)),
    Device("I2C4", 0x5C00_2000, alone(I2c), 95),
    Device("I2C6", 0x5C00_9000, alone(I2c), 135),
    Device("SPI1", 0x4400_4000, alone(Spi), 35, dma=(37, 38)),
    Device("SPI2", 0x4000_B000, alone(Spi), 36, dma=(39, 40)),
    Device("SPI3", 0x4000_C000, alone(Spi), 51, dma=(61, 62)),
    Device("SPI4", 0x4400_5000, alone(Spi), 84, dma=(83, 84)),
    Device("SPI5", 0x4400_9000, alone(Spi), 85, dma=(85, 86)),
    Device("QUADSPI", 0x5800_3000, alone(Quadspi), 92),
    Device("SPI6", 0x5C00_1000, alone(Spi), 86),
    *(Device(f"GPIO{bank}", 0x5000_2000 + 0x1000 * index, _gpio(index))
      for index, bank in enumerate("ABCDEFGHIJK")),
    Device("GPIOZ", 0x5400_4000, _gpio(11)),
    Device("HASH2", 0x4C00_2000, alone(Hash), 106, dma=(78,)),
    Device("HASH1", 0x5400_2000, alone(Hash), 80),
    Device("RNG2", 0x4C00_3000, alone(Rng), 134),
    Device("RNG1", 0x5400_3000, alone(Rng), 133),
    Device("CRC2", 0x4C00_4000, alone(Crc)),
    Device("CRC1", 0x5800_9000, alone(Crc)),
    Device("PWR", 0x5000_1000, alone(Pwr)),
    Device("SYSCFG", 0x5002_0000, alone(Syscfg, BOOT_PINS)),
    Device("DBGMCU", 0x5008_1000, alone(Words, {0: DEV_ID})),
    Device("RTC", 0x5C00_4000, alone(Rtc)),
    Device("BSEC", 0x5C00_5000, alone(Bsec)),
    Device("ETZPC", 0x5C00_7000, alone(Words, OPEN_TO_ALL)),
    Device("TAMP", 0x5C00_A000, alone(Words)),  # for its backup registers
)  # fmt: skip


class Stm32mp1Peripherals(DevicePeripherals):
    """All of them, wired to each other and to *wires*."""

    def __init__(self, wires: Wires) -> None:
        self.usarts: dict[int, Usart] = {}
        self.dmas: list[Dma] = []
        self._dma_pages: set[int] = set()
        self._mailed = self._woken = self._unsent = self._moving = self._more = False
        super().__init__(wires, DEVICES, RANGES)
        self.exti, self.ipcc = self.named("EXTI", Exti), self.named("IPCC", Ipcc)
        self._dma_controllers = frozenset(
            device.base for device in DEVICES if isinstance(self.pages[device.base], Dma)
        )

    def added(self, device: Device, model: Peripheral) -> None:
        """Connect what DMA serves."""
        if isinstance(model, Usart):
            self.usarts[device.base] = model
        if isinstance(model, Dma):
            self.dmas.append(model)
        if device.dma and isinstance(model, (Usart, Adc, Dac, Hash, Tim, I2c, Spi)):
            self.named("DMAMUX", Dmamux).connect(device.dma, model.requests())
        if device.dma or isinstance(model, (Dma, Dmamux)):
            self._dma_pages.add(device.base)

    @property
    def rcc(self) -> Rcc:
        """The clocks of all others."""
        return self.named("RCC", Rcc)

    def mail(self, level: bool) -> None:
        """The level of the IPCC's RX occupied interrupt, which is a line of the EXTI, too."""
        self._mailed = level
        self._wake()

    def _wake(self) -> None:
        """Mail ends a CSTOP, once, by EXTI line 62."""
        if not self._mailed or not self.wires.deep():
            self._woken = False
        elif not self._woken and self.exti.wakes(IPCC_WAKES):
            self._woken = True
            self.rcc.wake_up()

    def serve(self) -> None:
        """A request was made; it is served at once, if somebody serves it."""
        if self._moving:
            self._move()

    def _move(self) -> None:
        """Let DMA serve all that ask, in turns; what is left then is for the next poll, at once."""
        self._more, items = True, 0
        while self._more and items < AT_ONCE:
            moved = sum(dma.run() for dma in self.dmas)
            self._more, items = moved > 0, items + moved
        self._moving = any(stream.on for dma in self.dmas for stream in dma.streams)

    def write(self, address: int, size: int, value: int) -> None:
        """A store; it may be a byte that there was no room for, or ask for DMA."""
        super().write(address, size, value)
        page = address & ~(PAGE - 1)
        if page in self.usarts and not self.usarts[page].idle:
            self._unsent = True
        if page in self._dma_pages and (self._moving or page in self._dma_controllers):
            self._move()

    @property
    def deadline(self) -> int | None:
        """When the next timer is due; at once, while DMA has not done all that it can."""
        return 0 if self._more else self.timed.next

    def poll(self) -> None:
        """Doorbells, console input, timers."""
        rung = self.wires.doorbell.received
        while rung:
            self.ipcc.occupy(rung.pop(0)[0])
        self.ipcc.retry()
        if self._mailed:
            self._wake()
        if self._unsent:
            for usart in self.usarts.values():
                usart.retry()
            self._unsent = any(not usart.idle for usart in self.usarts.values())
        if self.wires.console.received:
            self._type(self.wires.console.received)
        due = self.timed.advance()
        if self._moving:
            self._move()
        if due:
            self.timed.look_ahead()

    def _type(self, received: bytearray) -> None:
        """Input is for the USART that listens; of several, for one that has sent."""
        listening = [one for one in self.usarts.values() if one.ready and not one.connected]
        for usart in sorted(listening, key=lambda usart: not usart.sent)[:1]:
            usart.receive(received.pop(0), last=not received)


class Stm32mp1(Machine):
    """The machine."""

    def peripherals(self, wires: Wires) -> Peripherals:
        """All that there is."""
        return Stm32mp1Peripherals(wires)


_HZ = Rcc().mcu_hz

STM32MP157 = Stm32mp1(
    name="stm32mp157",
    source=f"{__name__}:STM32MP157",
    cores=[
        CortexM(
            "cortex-m4", irqs=150, priority_bits=4, cpu_hz=_HZ, ref_hz=_HZ // 8, mpu_regions=8,
            vectors=RETRAM,
        )
    ],
    banks=(
        Bank("mcusram", SRAM, SRAM_SIZE, 0),
        Bank("mcusram", SRAM_ALIAS, SRAM_SIZE, 0),
        Bank("retram", RETRAM, RETRAM_SIZE, SRAM_SIZE),
        Bank("retram", RETRAM_A7, RETRAM_SIZE, SRAM_SIZE),
    ),
)  # fmt: skip

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
from rprocfs.hw.peripherals import PAGE, Peripherals, Words
from rprocfs.hw.st.adc import Adc
from rprocfs.hw.st.bsec import Bsec
from rprocfs.hw.st.crc import Crc
from rprocfs.hw.st.dma import STREAMS, Bus, Dma
from rprocfs.hw.st.hash import Hash
from rprocfs.hw.st.hsem import Hsem
from rprocfs.hw.st.i2c import I2c
from rprocfs.hw.st.ipcc import Ipcc
from rprocfs.hw.st.lptim import Lptim
from rprocfs.hw.st.rcc import APB1DIVR, APB2DIVR, APB3DIVR, TIMG1PRER, TIMG2PRER, Rcc
from rprocfs.hw.st.rtc import Rtc
from rprocfs.hw.st.small import Exti, Gpio, Pwr, Rng
from rprocfs.hw.st.syscfg import Syscfg
from rprocfs.hw.st.tim import Tim, Wwdg
from rprocfs.hw.st.usart import Usart
from rprocfs.soc.machine import Bank, Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rprocfs.hw.peripherals import Wires

RETRAM, RETRAM_A7, RETRAM_SIZE = 0x0000_0000, 0x3800_0000, 0x1_0000
SRAM, SRAM_ALIAS, SRAM_SIZE = 0x1000_0000, 0x3000_0000, 0x6_0000
IPCC = 0x4C00_1000
IPCC_RX, IPCC_TX, WAKEUP = 103, 104, 145

# Where peripherals are, each a bus; between them is nothing.
RANGES = (
    (0x4000_0000, 0x2_0000), (0x4400_0000, 0x1_4000), (0x4800_0000, 0x6000),
    (0x4900_0000, 0x4_0000), (0x4C00_0000, 0x7000), (0x5000_0000, 0x2_C000),
    (0x5008_0000, 0x2_0000), (0x5400_0000, 0x5000), (0x5800_0000, 0x1_0000),
    (0x5A00_0000, 0x8000), (0x5C00_0000, 0xB000),
)  # fmt: skip
USARTS = {
    0x4001_0000: 52, 0x4000_F000: 39, 0x4000_E000: 38, 0x4001_1000: 53, 0x4001_8000: 82,
    0x4001_9000: 83, 0x4400_3000: 71, 0x5C00_0000: 37,
}  # fmt: skip
# Two DMA controllers with the interrupts of their streams, and what asks for transfers by the
# DMAMUX: the number that is to receive from a USART, that to send is the next one.
DMAS = {
    0x4800_0000: (11, 12, 13, 14, 15, 16, 17, 47), 0x4800_1000: (56, 57, 58, 59, 60, 68, 69, 70),
}  # fmt: skip
DMAMUX, REQUEST = 0x4800_2000, 0x7F
HASH2, HASH_REQUEST = 0x4C00_2000, 78
USART_REQUESTS = {
    0x4000_E000: 43, 0x4000_F000: 45, 0x4001_0000: 63, 0x4001_1000: 65, 0x4400_3000: 71,
    0x4001_8000: 79, 0x4001_9000: 81,
}  # fmt: skip
TIMERS_1 = {
    0x4000_0000: 28, 0x4000_1000: 29, 0x4000_2000: 30, 0x4000_3000: 50, 0x4000_4000: 54,
    0x4000_5000: 55, 0x4000_6000: 119, 0x4000_7000: 130, 0x4000_8000: 131,
}  # fmt: skip
TIMERS_2 = {
    0x4400_0000: 25, 0x4400_1000: 44, 0x4400_6000: 116, 0x4400_7000: 117, 0x4400_8000: 118,
}  # fmt: skip
I2CS = {
    0x4001_2000: 31, 0x4001_3000: 33, 0x4001_4000: 72, 0x4001_5000: 107, 0x5C00_2000: 95,
    0x5C00_9000: 135,
}  # fmt: skip
RNGS = {0x4C00_3000: 134, 0x5400_3000: 133}
# Low-power timers: the interrupt, and which registers of the RCC select and divide their clock.
LPTIMS = {
    0x4000_9000: (93, 0x934, APB1DIVR), 0x5002_1000: (138, 0x930, APB3DIVR),
    0x5002_2000: (139, 0x930, APB3DIVR), 0x5002_3000: (140, 0x92C, APB3DIVR),
    0x5002_4000: (141, 0x92C, APB3DIVR),
}  # fmt: skip
# The ADCs' interrupts, their numbers at the DMAMUX, and which timers are their triggers.
ADC, ADC_IRQS, ADC_REQUESTS = 0x4800_3000, (18, 90), (9, 10)
ADC_TRIGGERS = {
    0x4000_1000: 4, 0x4400_1000: 7, 0x4400_0000: 9, 0x4000_0000: 11, 0x4000_2000: 12,
    0x4000_4000: 13, 0x4400_6000: 14,
}  # fmt: skip
WIDE_TIMERS = (0x4000_0000, 0x4000_3000)
GPIOS = (*range(0x5000_2000, 0x5000_D000, 0x1000), 0x5400_4000)
EXTI_LINES = (6, 7, 8, 9, 10, 23, 64, 65, 66, 67, 40, 42, 76, 77, 121, 127)
ETZPC = 0x5C00_7000  # all peripherals are open to everybody
BOOT_PINS, DEV_ID = 5, 0x2000_6500  # from an SD card; revision B


class Stm32mp1Peripherals(Peripherals):
    """All of them, wired to each other and to *wires*."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(wires, RANGES)
        line, now, pages = wires.set_line, wires.now, self.pages
        reset = partial(wires.die, "reset through the RCC", "fatal error")
        self.rcc = Rcc(wires.clock, reset, partial(line, WAKEUP))
        self.exti = Exti(lambda number, level: line(EXTI_LINES[number], level))
        self._mailed = self._woken = False
        self.ipcc = Ipcc(wires.doorbell.send, self._mail, partial(line, IPCC_TX), now.busy)
        self.usarts = [Usart(wires.console.transmit, partial(line, irq)) for irq in USARTS.values()]
        group1 = partial(self.rcc.timer_hz, APB1DIVR, TIMG1PRER)
        group2 = partial(self.rcc.timer_hz, APB2DIVR, TIMG2PRER)
        adc = pages[ADC] = self._adc = Adc(now, *(partial(line, irq) for irq in ADC_IRQS))
        for timers, hz in ((TIMERS_1, group1), (TIMERS_2, group2)):
            for base, irq in timers.items():
                bits = 32 if base in WIDE_TIMERS else 16
                source = ADC_TRIGGERS.get(base, -1)
                pages[base] = Tim(
                    now, hz, partial(line, irq), bits, now.busy,
                    partial(adc.listens, source), partial(adc.trigger, source),
                )  # fmt: skip
        self.wwdg = Wwdg(
            now, lambda: self.rcc.pclk1_hz, partial(line, 0),
            partial(wires.die, "window watchdog", "watchdog"),
        )  # fmt: skip
        lptims = {
            base: Lptim(
                now, partial(self.rcc.slow_hz, select, divider), partial(line, irq), now.busy
            )
            for base, (irq, select, divider) in LPTIMS.items()
        }
        pages |= lptims
        self.timed: list[Tim | Wwdg | Adc | Lptim] = [self.wwdg, adc, *lptims.values()]
        self.timed += [page for page in pages.values() if isinstance(page, Tim)]
        self._timed_pages = frozenset((*TIMERS_1, *TIMERS_2, *LPTIMS, 0x4000_A000, ADC))
        self._next: int | None = None  # when the next of them is due
        self._limit: int | None = None  # the same, of those that time waits for
        now.limits.append(lambda: self._limit)
        self._unsent = False
        self._by_page = dict(zip(USARTS, self.usarts, strict=True))
        pages.update(self._by_page)
        pages.update((base, Gpio()) for base in GPIOS)
        pages.update((base, I2c(partial(line, irq))) for base, irq in I2CS.items())
        pages.update((base, Crc()) for base in (0x4C00_4000, 0x5800_9000))
        pages.update((base, Rng(partial(line, irq))) for base, irq in RNGS.items())
        self._hash = pages[HASH2] = Hash(partial(line, 106))
        pages[0x5400_2000] = Hash(partial(line, 80))
        self._dma()
        pages |= {
            0x4000_A000: self.wwdg,
            0x4C00_0000: Hsem(partial(line, 125)),
            IPCC: self.ipcc,
            0x5000_0000: self.rcc,
            0x5000_1000: Pwr(),
            0x5000_D000: self.exti,
            0x5002_0000: Syscfg(BOOT_PINS),
            0x5008_1000: Words({0: DEV_ID}),
            0x5C00_4000: Rtc(),
            0x5C00_5000: Bsec(),
            0x5C00_A000: Words(),  # TAMP, for its backup registers
            ETZPC: Words(dict.fromkeys(range(0x10, 0x28, 4), 0xFFFF_FFFF)),
        }

    def _mail(self, level: bool) -> None:
        """The level of the IPCC's RX occupied interrupt."""
        self.wires.set_line(IPCC_RX, level)
        self._mailed = level
        self._wake()

    def _wake(self) -> None:
        """Mail ends a CSTOP, once, by EXTI line 62."""
        if not self._mailed or not self.wires.deep():
            self._woken = False
        elif not self._woken and self.exti.wakes(62):
            self._woken = True
            self.rcc.wake_up()

    def _dma(self) -> None:
        """The DMA controllers, and who asks them."""
        self._requests: dict[int, Callable[[], bool]] = {}
        for base, number in USART_REQUESTS.items():
            usart = self._by_page[base]
            self._requests |= {number: usart.gives, number + 1: usart.takes}
        for number, unit in zip(ADC_REQUESTS, self._adc.units, strict=True):
            self._requests[number] = unit.asks
        mux = self.pages[DMAMUX] = Words()

        ends = {HASH_REQUEST: self._hash}
        self._requests[HASH_REQUEST] = self._hash.asks

        def asks(channel: int) -> bool:
            ask = self._requests.get(mux.words.get(4 * channel, 0) & REQUEST)
            return ask is not None and ask()

        def done(channel: int) -> None:
            if hasher := ends.get(mux.words.get(4 * channel, 0) & REQUEST):
                hasher.finish()

        self.dmas = []
        for first, (base, irqs) in zip(range(0, 2 * STREAMS, STREAMS), DMAS.items(), strict=True):
            lines = [partial(self.wires.set_line, irq) for irq in irqs]
            channels = [partial(asks, first + stream) for stream in range(STREAMS)]
            ended = [partial(done, first + stream) for stream in range(STREAMS)]
            self.dmas.append(Dma(Bus(self), lines, channels, ended))
            self.pages[base] = self.dmas[-1]
        self._dma_pages = frozenset((*DMAS, DMAMUX, ADC, HASH2, *USART_REQUESTS))
        self._moving = self._more = False

    def _move(self) -> None:
        """Let DMA serve who asks; whether one is to be looked at again, and at once."""
        self._more = sum(dma.run() for dma in self.dmas) > 0
        self._moving = any(stream.on for dma in self.dmas for stream in dma.streams)

    def read(self, address: int, size: int) -> int:
        """A load; it may be one that let a timer pass its end."""
        value = super().read(address, size)
        if address & ~(PAGE - 1) in self._timed_pages:
            self._look_ahead()
        return value

    def write(self, address: int, size: int, value: int) -> None:
        """A store; it may have started a timer, or be a byte that nobody took."""
        super().write(address, size, value)
        page = address & ~(PAGE - 1)
        if page in self._timed_pages:
            self._look_ahead()
        elif page in self._by_page and not self._by_page[page].idle:
            self._unsent = True
        if page in self._dma_pages and (self._moving or page in DMAS):
            self._move()

    def _look_ahead(self) -> None:
        self._next = self._limit = None
        for one in self.timed:
            due = one.deadline
            if due is None:
                continue
            self._next = due if self._next is None else min(due, self._next)
            limit = one.limit
            if limit is not None:
                self._limit = limit if self._limit is None else min(limit, self._limit)

    @property
    def deadline(self) -> int | None:
        """When the next timer is due; at once, while DMA has not done all that it can."""
        return 0 if self._more else self._next

    def poll(self) -> None:
        """Doorbells, console input, timers."""
        rung = self.wires.doorbell.received
        while rung:
            self.ipcc.occupy(rung.pop(0)[0])
        self.ipcc.retry()
        if self._mailed:
            self._wake()
        if self._unsent:
            for usart in self.usarts:
                usart.retry()
            self._unsent = any(not usart.idle for usart in self.usarts)
        if self.wires.console.received:
            self._type(self.wires.console.received)
        due = self._next is not None and self.wires.now() >= self._next
        if due:
            for one in self.timed:
                one.advance()
        if self._moving:
            self._move()
        if due:
            self._look_ahead()

    def _type(self, received: bytearray) -> None:
        """Input is for the USART that listens; of several, for one that has sent."""
        listening = [usart for usart in self.usarts if usart.ready]
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

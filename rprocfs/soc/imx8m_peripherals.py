"""The peripherals of an i.MX 8M around its Cortex-M: who is told of an access, and of time."""

from __future__ import annotations

from rprocfs.hw.console import ConsoleUarts
from rprocfs.hw.nxp.ecspi import Ecspi
from rprocfs.hw.nxp.iuart import Iuart
from rprocfs.hw.nxp.rdc import Rdc
from rprocfs.hw.nxp.sdma import AT_ONCE, Sdma
from rprocfs.hw.peripherals import PAGE
from rprocfs.soc.imx8m_mailbox import LinuxMu
from rprocfs.soc.imx8m_memory import MemoryRegions
from rprocfs.soc.imx8m_part import MU_CORE, RDC_PAGES
from rprocfs.soc.table import DevicePeripherals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rprocfs.hw.bus_device import BusDevice
    from rprocfs.hw.dma import Request
    from rprocfs.hw.peripherals import Closed, Wires
    from rprocfs.hw.registers import Peripheral
    from rprocfs.soc.imx8m_part import Part
    from rprocfs.soc.machine import Bank
    from rprocfs.soc.table import Device


class Imx8mPeripherals(DevicePeripherals):
    """All *devices*, wired to each other and to *wires*.

    *permissions* are those of the RDC, by the pages that it closes; *memory* is what there is, at
    the addresses of the core, and at those of the bus.
    """

    def __init__(
        self,
        wires: Wires,
        part: Part,
        devices: Sequence[Device],
        permissions: dict[int, int],
        memory: tuple[Sequence[Bank], Sequence[Bank]],
    ) -> None:
        self.part = part
        self.uarts = ConsoleUarts(wires.console)
        self.events: dict[int, Request] = {}  # of the SDMA
        self._sdmas: list[Sdma] = []
        self._dma_pages: set[int] = set()
        self._moving = self._more = False
        super().__init__(wires, devices, part.ranges)
        self.mu, self.rdc = self.named("MUA", LinuxMu), self.named("RDC", Rdc)
        self._permissions = permissions
        self._refused: dict[int, tuple[bool, bool]] = {}  # loads, stores
        self._regions = MemoryRegions(self.rdc, part.regions, *memory)
        self._closed: list[Closed] = []
        self._sdma_pages = {page for page, one in self.pages.items() if isinstance(one, Sdma)}
        self.timed.look_ahead()

    def added(self, device: Device, model: Peripheral) -> None:
        """Note the UARTs, and what DMA serves."""
        if isinstance(model, Iuart):
            self.uarts.add(device.base, model)
            self.timed_pages.discard(device.base)  # it says by itself when it is due
        if isinstance(model, (Iuart, Ecspi)):
            self.events.update(zip(device.dma, model.requests(), strict=True))
            self._dma_pages.add(device.base)
        if isinstance(model, Sdma):
            self._sdmas.append(model)
            self._dma_pages.add(device.base)

    def connect(self, place: str, device: BusDevice) -> None:
        """Connect a *device*; a UART that has one is no longer the console."""
        super().connect(place, device)
        if isinstance(model := self.by_name[place.partition("/")[0]], Iuart):
            self.uarts.remove(model)

    @property
    def apart(self) -> Collection[int]:
        """What the RDC can close."""
        return self._permissions

    def _permit(self) -> None:
        """Have the core refused what the RDC closes to it."""
        for page, number in self._permissions.items():
            refused = self.rdc.refuses(number)
            if refused != self._refused.get(page, (False, False)):
                self._refused[page] = refused
                self.refuse(page, *refused)
        closed = self._regions.closed()
        if closed != self._closed:
            self._closed = closed
            self.close(closed)

    def violated(self, address: int, store: bool) -> None:
        """The RDC keeps it."""
        self._regions.violated(address, store)

    def read(self, address: int, size: int) -> int:
        """A load; it may be one that DMA waits for."""
        value = super().read(address, size)
        if self._moving and address & ~(PAGE - 1) in self._dma_pages:
            self._move()
        return value

    def write(self, address: int, size: int, value: int) -> None:
        """A store; it may be a byte that there was no room for, one for Linux, or ask for DMA."""
        super().write(address, size, value)
        page = address & ~(PAGE - 1)
        self.uarts.stored(page)
        if page == MU_CORE:
            self.mu.looked_at()
            self.timed.look_ahead()
        elif page in RDC_PAGES:
            self._permit()
        elif page in self._dma_pages and (self._moving or page in self._sdma_pages):
            self._move()

    def _move(self) -> None:
        """Let DMA serve all that ask, in turns; what is left then is for the next poll, at once."""
        self._more, items = True, 0
        while self._more and items < AT_ONCE:
            moved = sum(sdma.run() for sdma in self._sdmas)
            self._more, items = moved > 0, items + moved
        self._moving = any(sdma.waits for sdma in self._sdmas)

    @property
    def deadline(self) -> int | None:
        """When the next device is due; at once, while DMA has not done all that it can."""
        return 0 if self._more else self.timed.next

    def poll(self) -> None:
        """Words of Linux, console input, timers."""
        super().poll()
        self.uarts.poll()
        if self._moving:
            self._move()

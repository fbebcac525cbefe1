"""What a core's loads and stores reach outside of the RAM: UARTs and its own peripherals."""

from __future__ import annotations

from rprocfs.soc.scs import PPB, PPB_SIZE, SystemControlSpace
from rprocfs.soc.uart import CmsdkUart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.engines.ports import Port
    from rprocfs.soc.machine import Machine, Uart
    from rprocfs.soc.nvic import Nvic

PAGE = 0x1000
UARTS = {"cmsdk": CmsdkUart}


class SerialPort:
    """A UART with a socket behind it."""

    def __init__(self, description: Uart, port: Port, nvic: Nvic) -> None:
        self._port, self._nvic = port, nvic
        self._irqs = description.rx_irq, description.tx_irq
        self.base = description.base
        self.uart = UARTS[description.kind](port.transmit, self._interrupt)

    def _interrupt(self, rx: bool, tx: bool) -> None:
        for irq, level in zip(self._irqs, (rx, tx), strict=True):
            self._nvic.set_line(irq, level)

    def feed(self) -> None:
        """Give the UART its next byte, if it has room and there is one."""
        if self._port.received and self.uart.ready:
            self.uart.receive(self._port.received.pop(0))

    def retry(self) -> None:
        """Send the byte that the socket had no room for, if it has now."""
        self.uart.retry()


class Bus:
    """The peripherals of *machine* around *scs*; bytes go to and come from the two ports."""

    def __init__(
        self, machine: Machine, scs: SystemControlSpace, console: Port, mailbox: Port
    ) -> None:
        self._scs = scs
        self.serial = [SerialPort(machine.mailbox, mailbox, scs.nvic)]
        if machine.console is not None:
            self.serial.append(SerialPort(machine.console, console, scs.nvic))
        self._pages = {one.base: one for one in self.serial}

    def mappings(self) -> Iterator[tuple[int, int]]:
        """(address, size) of everything that is here."""
        yield from ((base, PAGE) for base in self._pages)
        yield PPB, PPB_SIZE

    def read(self, address: int, size: int) -> int:
        """A load of *size* bytes."""
        serial = self._pages.get(address & ~(PAGE - 1))
        if serial is None:
            return self._scs.read(address, size)
        value = serial.uart.read(address & PAGE - 1, size)
        serial.feed()
        return value

    def write(self, address: int, size: int, value: int) -> None:
        """A store of *size* bytes."""
        serial = self._pages.get(address & ~(PAGE - 1))
        if serial is None:
            self._scs.write(address, size, value)
        else:
            serial.uart.write(address & PAGE - 1, size, value)
            serial.feed()

    def poll(self) -> None:
        """Move bytes between sockets and UARTs; let SysTick pass its time."""
        for serial in self.serial:
            serial.retry()
            serial.feed()
        self._scs.systick.advance()

"""The UARTs of a SoC share the one console."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from rprocfs.hw.peripherals import Stream

    class Uart(Protocol):
        """A UART: what it sends goes to the console, and it takes what is typed there."""

        sent: bool  # whether it ever sent anything

        @property
        def idle(self) -> bool:
            """Whether all that was written to it is sent."""

        @property
        def ready(self) -> bool:
            """Whether it takes a byte now."""

        def receive(self, byte: int, last: bool = False) -> None:
            """Take a byte; nothing follows the *last* one at once."""

        def retry(self) -> None:
            """Send what there was no room for."""


class ConsoleUarts:
    """The UARTs by their base address; *console* is the other end of all of them."""

    def __init__(self, console: Stream) -> None:
        self._console = console
        self._uarts: dict[int, Uart] = {}
        self._unsent = False

    def add(self, base: int, uart: Uart) -> None:
        """One more."""
        self._uarts[base] = uart

    def remove(self, uart: Uart) -> None:
        """It talks to something else."""
        self._uarts = {base: one for base, one in self._uarts.items() if one is not uart}

    def stored(self, page: int) -> None:
        """The core wrote to *page*: that may have been a byte that there was no room for."""
        if page in self._uarts and not self._uarts[page].idle:
            self._unsent = True

    def poll(self) -> None:
        """Send what waits; take what was typed."""
        if self._unsent:
            for uart in self._uarts.values():
                uart.retry()
            self._unsent = any(not uart.idle for uart in self._uarts.values())
        if self._console.received:
            self._type(self._console.received)

    def _type(self, received: bytearray) -> None:
        """Input is for the UART that listens; of several, for one that has sent."""
        listening = [uart for uart in self._uarts.values() if uart.ready]
        for uart in sorted(listening, key=lambda uart: not uart.sent)[:1]:
            while received and uart.ready:
                uart.receive(received.pop(0), last=not received)

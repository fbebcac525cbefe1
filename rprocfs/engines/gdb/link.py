"""What a debugger's session has of a core: a way to its stub."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from rprocfs.engines.gdb.stub import Resume, Stub

#: Gets every payload that the stub sends.
OnPacket = Callable[[bytes], None]


class Link(ABC):
    """A core that stands still from the moment on that there is a link to it.

    *names* are its registers and *sizes* how many bytes they have, in the order that the client is
    told of; *numbers* has those that the description gives a number of their own. Everything here
    is called on the I/O thread, and never waits.
    """

    names: Sequence[str] = ()
    sizes: Sequence[int] = ()
    numbers: Mapping[str, int] = MappingProxyType({})
    #: Called with the reason if there is no way to the core after all.
    lost: Callable[[str], None] = staticmethod(lambda why: None)

    @abstractmethod
    def send(self, payload: bytes) -> None:
        """Send a request."""

    @abstractmethod
    def interrupt(self) -> None:
        """Halt the core: a stop reply follows."""

    @abstractmethod
    def close(self) -> None:
        """The debugger is gone, and so are its breakpoints: let the core go on."""


class StubLink(Link):
    """A link to a *stub* that is here, of a core that does not run any more.

    A client that lets it go on is told that it ended by *signal*.
    """

    def __init__(self, stub: Stub, signal: int, on_packet: OnPacket) -> None:
        self._stub, self._signal, self._on_packet = stub, signal, on_packet

    def send(self, payload: bytes) -> None:
        """See :class:`Link`."""
        answer = self._stub.handle(payload)
        self._on_packet(b"X%02x" % self._signal if isinstance(answer, Resume) else answer)

    def interrupt(self) -> None:
        """It does not run."""

    def close(self) -> None:
        """Nothing has to go on."""

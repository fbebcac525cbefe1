"""The secure proxy (SPRUIV7 "Secure Proxy"): messages to and from the system's firmware.

A thread is one direction of a queue, and has a page of data and one of status. A message is
complete when its last word is written, and taken when its last word is read. Configuration by
the host that owns the threads is not modelled.
"""

from __future__ import annotations

from rprocfs.hw.registers import LANES, Peripheral

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAGE = 0x1000
#: A message with the first word, which is the proxy's own.
MESSAGE = 64
ERROR = 1 << 31


class Transmit:
    """A thread that a core writes to: *send* gets each message; there is *room* for so many."""

    def __init__(self, send: Callable[[bytes], None], room: int) -> None:
        self._send, self.count = send, room
        self.data = bytearray(MESSAGE)

    def written(self, offset: int) -> None:
        """The last word completes the message."""
        if offset == MESSAGE - 4:
            message, self.data = bytes(self.data[4:]), bytearray(MESSAGE)
            self._send(message)

    def taken(self, offset: int) -> None:
        """What was written cannot be read."""


class Receive:
    """A thread that a core reads from."""

    def __init__(self) -> None:
        self._queue: list[bytes] = []

    def put(self, message: bytes) -> None:
        """One more, cut or filled up to the size of a message."""
        self._queue.append(bytes(4) + message[: MESSAGE - 4].ljust(MESSAGE - 4, b"\0"))

    @property
    def count(self) -> int:
        """How many messages wait."""
        return len(self._queue)

    @property
    def data(self) -> bytearray:
        """The oldest one."""
        return bytearray(self._queue[0] if self._queue else bytes(MESSAGE))

    def written(self, offset: int) -> None:
        """Nothing can be written."""

    def taken(self, offset: int) -> None:
        """The last word makes room for the next message."""
        if offset == MESSAGE - 4 and self._queue:
            del self._queue[0]


class SecureProxy(Peripheral):
    """The pages of data of the *threads*; others read zeroes, and lose what is written."""

    def __init__(self, threads: Mapping[int, Transmit | Receive]) -> None:
        self.threads = threads

    def read(self, offset: int, size: int) -> int:
        """The *size* bytes at *offset*."""
        number, at = divmod(offset, PAGE)
        thread = self.threads.get(number)
        if thread is None or at + size > MESSAGE:
            return 0
        value = int.from_bytes(thread.data[at : at + size], "little")
        thread.taken(at & ~3)
        return value

    def write(self, offset: int, size: int, value: int) -> None:
        """Write *size* bytes at *offset*."""
        number, at = divmod(offset, PAGE)
        thread = self.threads.get(number)
        if isinstance(thread, Transmit) and at + size <= MESSAGE:
            thread.data[at : at + size] = (value & LANES[size]).to_bytes(size, "little")
            thread.written(at & ~3)


class SecureProxyRt(Peripheral):
    """The pages of status of a *proxy*: how much room there is, how many messages there are."""

    def __init__(self, proxy: SecureProxy) -> None:
        self._proxy = proxy

    def read(self, offset: int, size: int) -> int:
        """THREAD_STATUS; an error for a thread that there is not."""
        number, at = divmod(offset, PAGE)
        thread = self._proxy.threads.get(number)
        status = ERROR if thread is None else thread.count
        return status >> 8 * (at & 3) & LANES[size] if at < 4 else 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Thresholds are not kept."""

"""The server's side of the remote serial protocol over a target, without I/O.

A worker process imports this module, so it keeps away from ``typing`` and ``dataclasses``.
What runs and stops the core is not here: :meth:`Stub.handle` says what the client asks for.
"""

from __future__ import annotations

from rprocfs.engines.gdb.packet import escape, unescape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol
else:
    Protocol = object

#: The most bytes of a payload that are asked for.
PACKET_SIZE = 0x1000
#: Signals, by the numbers of the protocol.
SIGINT, SIGTRAP, SIGABRT, SIGSEGV, SIGALRM = 2, 5, 6, 11, 14
OK, UNSUPPORTED = b"OK", b""
#: Errors: a request that makes no sense, and memory that is not there.
BAD, FAULT = b"E16", b"E0e"
#: The most bytes that one request reads.
_MOST = (PACKET_SIZE - 8) // 2
WRITE, READ, ACCESS = 2, 3, 4
#: What a worker with a stub is sent, besides an interrupt: halt, go on without a client, and
#: a request, which follows.
HALT, GO_ON, REQUEST = b"!", b".", b"$"


class Target(Protocol):
    """A core that stands still."""

    @property
    def description(self) -> bytes:
        """The target description (XML) that lists the registers."""

    @property
    def sizes(self) -> Sequence[int]:
        """How many bytes each register has, in the order of the description."""

    def register(self, number: int) -> int | None:
        """The value of one; None: it is not known."""

    def set_register(self, number: int, value: int) -> bool:
        """Set one; False: that is not possible."""

    def read(self, address: int, size: int) -> bytes:
        """Up to *size* bytes, as many as are there."""

    def write(self, address: int, data: bytes) -> bool:
        """Write them; False: there is no room for all of them."""

    def insert(self, kind: int, address: int, size: int) -> bool:
        """Set a breakpoint (*kind* 0 and 1) or watchpoint (WRITE, READ, ACCESS)."""

    def remove(self, kind: int, address: int, size: int) -> bool:
        """Undo :meth:`insert`."""


class Resume:
    """The client lets the core go on: one instruction if *step*, and from *address* if given."""

    __slots__ = ("address", "step")

    def __init__(self, step: bool, address: int | None = None) -> None:
        self.step = step
        self.address = address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resume) and (self.step, self.address) == (
            other.step, other.address,
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]


class Stub:
    """Answers a client's requests to *target*. *stopped* is its last stop reply."""

    def __init__(self, target: Target, stopped: bytes = b"S05") -> None:
        self._target = target
        self.stopped = stopped
        self._requests: dict[bytes, Callable[[bytes], bytes | Resume]] = {
            b"?": lambda _: self.stopped,
            b"g": self._registers,
            b"G": self._set_registers,
            b"p": self._register,
            b"P": self._set_register,
            b"m": self._read,
            b"M": lambda text: self._write(text, _bytes),
            b"X": lambda text: self._write(text, unescape),
            b"Z": lambda text: self._point(text, target.insert),
            b"z": lambda text: self._point(text, target.remove),
            b"c": lambda text: Resume(False, _number(text) if text else None),
            b"s": lambda text: Resume(True, _number(text) if text else None),
            b"C": lambda text: Resume(False, _behind_signal(text)),
            b"S": lambda text: Resume(True, _behind_signal(text)),
            b"v": self._continue,
            b"H": lambda _: OK,
            b"T": lambda _: OK,
            b"q": self._query,
        }

    def handle(self, payload: bytes) -> bytes | Resume:
        """The answer to a request, or what it asks of the core. Never raises."""
        request = self._requests.get(payload[:1])
        if request is None:
            return UNSUPPORTED
        try:
            return request(payload[1:])
        except (ValueError, IndexError, OverflowError):
            return BAD

    def _registers(self, _: bytes) -> bytes:
        target = self._target
        return b"".join(
            _value(target.register(number), size) for number, size in enumerate(target.sizes)
        )

    def _set_registers(self, text: bytes) -> bytes:
        data = _bytes(text)
        sizes = self._target.sizes
        if len(data) > sum(sizes):
            return BAD
        at = 0
        for number, size in enumerate(sizes):
            if at + size <= len(data):
                self._target.set_register(number, int.from_bytes(data[at : at + size], "little"))
            at += size
        return OK

    def _register(self, text: bytes) -> bytes:
        number, sizes = _number(text), self._target.sizes
        value = self._target.register(number)
        # A core that died has those of an engine's description, which is not known here.
        return _value(value, sizes[number] if number < len(sizes) else 4)

    def _set_register(self, text: bytes) -> bytes:
        name, _, value = text.partition(b"=")
        number, data = _number(name), _bytes(value)
        if len(data) != self._target.sizes[number]:
            return BAD
        done = self._target.set_register(number, int.from_bytes(data, "little"))
        return OK if done else BAD

    def _read(self, text: bytes) -> bytes:
        address, size = _two(text)
        data = self._target.read(address, min(size, _MOST))
        return data.hex().encode() if data or not size else FAULT

    def _write(self, text: bytes, decode: Callable[[bytes], bytes]) -> bytes:
        where, _, coded = text.partition(b":")
        address, size = _two(where)
        data = decode(coded)
        if len(data) != size:
            return BAD
        return OK if not size or self._target.write(address, data) else FAULT

    def _point(self, text: bytes, change: Callable[[int, int, int], bool]) -> bytes:
        kind, _, where = text.partition(b";")[0].partition(b",")
        number = _number(kind)
        if number > ACCESS:
            return UNSUPPORTED
        return OK if change(number, *_two(where)) else BAD

    def _continue(self, text: bytes) -> bytes | Resume:
        if text == b"Cont?":
            return b"vCont;c;C;s;S"
        word, _, actions = text.partition(b";")
        if word != b"Cont" or not actions:
            return UNSUPPORTED
        # There is one thread, so the first action is the one that means it.
        action = actions[:1]
        return Resume(action in b"sS") if action in (b"c", b"C", b"s", b"S") else BAD

    def _query(self, text: bytes) -> bytes:
        if text.startswith(b"Supported"):
            return b"PacketSize=%x;qXfer:features:read+;vContSupported+" % PACKET_SIZE
        if text.startswith(b"Xfer:features:read:target.xml:"):
            begin, size = _two(text.rpartition(b":")[2])
            return _part(self._target.description, begin, size)
        return {
            b"Attached": b"1", b"C": b"QC1", b"fThreadInfo": b"m1", b"sThreadInfo": b"l",
        }.get(text, UNSUPPORTED)  # fmt: skip


def _part(data: bytes, begin: int, size: int) -> bytes:
    """A part of an object, and whether it is the last one."""
    part = data[begin : begin + min(size, _MOST)]
    return (b"l" if begin + len(part) >= len(data) else b"m") + escape(part)


def _value(value: int | None, size: int) -> bytes:
    return b"xx" * size if value is None else value.to_bytes(size, "little").hex().encode()


def _number(text: bytes) -> int:
    """A number in hexadecimal; ValueError for anything else that ``int`` would take."""
    if not text or text.strip(b"0123456789abcdefABCDEF") or len(text) > 16:
        raise ValueError(text)
    return int(text, 16)


def _two(text: bytes) -> tuple[int, int]:
    """``ADDRESS,SIZE``, both of them 32 bits wide."""
    address, _, size = text.partition(b",")
    found = _number(address), _number(size)
    if max(found) >= 1 << 32:
        raise ValueError(text)
    return found


def _bytes(text: bytes) -> bytes:
    """Pairs of digits; ValueError for anything else that ``fromhex`` would take."""
    if text.split() != [text] and text:
        raise ValueError(text)
    return bytes.fromhex(text.decode("ascii"))


def _behind_signal(text: bytes) -> int | None:
    """The address in ``SIGNAL;ADDRESS``, if there is one."""
    signal, _, address = text.partition(b";")
    _number(signal)
    return _number(address) if address else None

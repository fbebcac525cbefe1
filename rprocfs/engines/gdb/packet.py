"""Packets of gdb's remote serial protocol, without I/O (GDB manual, appendix E.1).

A packet is ``$``, the payload, ``#`` and two digits of checksum. Payloads are kept as they
are on the wire: whoever wants binary data in them calls :func:`unescape`.
"""

from __future__ import annotations

from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: A client's request to halt, which is no packet.
INTERRUPT = b"\x03"
#: The longest payload; what is longer is dropped, and answered like one that was damaged.
LONGEST = 1 << 17
ESCAPE = 0x7D  # }
_ESCAPED = b"#$}*"


def checksum(payload: bytes) -> int:
    """The sum of its bytes, modulo 256."""
    return sum(payload) & 0xFF


def frame(payload: bytes) -> bytes:
    """A packet."""
    return b"$%b#%02x" % (payload, checksum(payload))


class Endpoint:
    """One end of a connection: bytes in, payloads out, and bytes that are to be sent.

    *acks* says whether packets are acknowledged; it begins true, and each side stops at once
    when it is set to false (``QStartNoAckMode``).
    """

    def __init__(self) -> None:
        self.acks = True
        self._rest = bytearray()
        self._dropping = False  # of a packet that is too long, up to its end
        self._last = b""
        self._to_send = bytearray()

    def send(self, payload: bytes) -> None:
        """Send a packet."""
        self._last = frame(payload)
        self._to_send += self._last

    def interrupt(self) -> None:
        """Send :data:`INTERRUPT`."""
        self._to_send += INTERRUPT

    def data_to_send(self) -> bytes:
        """What is to be sent since the last call."""
        data = bytes(self._to_send)
        self._to_send.clear()
        return data

    def receive(self, data: bytes) -> Iterator[bytes]:
        """The payloads that *data* completes, and an :data:`INTERRUPT` between two packets."""
        self._rest += data
        while self._rest:
            if self._dropping:
                self._drop()
            elif self._rest.startswith(b"$"):
                found = self._packet()
                if found is None:
                    return
                yield from found
            elif (first := self._rest.pop(0)) == INTERRUPT[0]:
                yield INTERRUPT
            elif first == b"-"[0] and self.acks:
                self._to_send += self._last

    def _packet(self) -> list[bytes] | None:
        """The packet at the beginning, if it is a good one; None: it is not complete."""
        end = self._rest.find(b"#")
        if end < 0:
            self._dropping = len(self._rest) > LONGEST
            return [] if self._dropping else None
        if len(self._rest) < end + 3:
            return None
        payload, digits = bytes(self._rest[1:end]), bytes(self._rest[end + 1 : end + 3])
        del self._rest[: end + 3]
        good = digits.lower() == b"%02x" % checksum(payload) and len(payload) < LONGEST
        self._acknowledge(good)
        return [payload] if good else []

    def _drop(self) -> None:
        """Drop up to the end of a packet that is too long."""
        end = self._rest.find(b"#")
        del self._rest[: end + 1 if end >= 0 else len(self._rest)]
        if end >= 0:
            self._dropping = False
            self._acknowledge(False)

    def _acknowledge(self, good: bool) -> None:
        if self.acks:
            self._to_send += b"+" if good else b"-"


def escape(data: bytes) -> bytes:
    """*data* as binary data of a payload."""
    return b"".join(b"}%c" % (byte ^ 0x20) if byte in _ESCAPED else b"%c" % byte for byte in data)


def unescape(payload: bytes) -> bytes:
    """The binary data in *payload*; an escape with nothing behind it is dropped."""
    data = bytearray()
    behind = iter(payload)
    for byte in behind:
        if byte == ESCAPE:
            data += bytes(next_byte ^ 0x20 for next_byte in islice(behind, 1))
        else:
            data.append(byte)
    return bytes(data)

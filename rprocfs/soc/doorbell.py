"""The doorbell of a SoC: what becomes of a message on its way between driver and worker.

A message is ``(channel, payload)``, with up to 255 bytes of payload. Messages arrive in the
order in which they were sent. A SoC chooses the codec that fits its mailbox; one instance
is for one direction of one connection.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object

Message = tuple[int, bytes]


class Codec(Protocol):
    """Messages to bytes and back."""

    @staticmethod
    def encode(channel: int, payload: bytes = b"") -> bytes:
        """The bytes of one message; ValueError for one that the mailbox cannot carry."""

    def decode(self, data: bytes) -> list[Message]:
        """The messages that *data* completes; the beginning of another one is kept."""


class Framed:
    """Every message as it was sent: for mailboxes whose messages are no mere hints.

    On the wire a message is its channel, the length of its payload, and the payload.
    """

    def __init__(self) -> None:
        self._rest = b""

    @staticmethod
    def encode(channel: int, payload: bytes = b"") -> bytes:
        """Two bytes, and the payload. ValueError: the channel or the length is above 255."""
        return bytes((channel, len(payload))) + payload

    def decode(self, data: bytes) -> list[Message]:
        """Every message that is complete."""
        data = self._rest + data
        messages, at = [], 0
        while at + 2 <= len(data) and (end := at + 2 + data[at + 1]) <= len(data):
            messages.append((data[at], data[at + 2 : end]))
            at = end
        self._rest = data[at:]
        return messages

"""The three sentences of the QEMU machine protocol that an engine needs, without I/O.

Not by the library ``qemu.qmp``: that one is a client of asyncio, and its blocking wrapper
runs an event loop for each command and hears events only meanwhile. Here all processors
share one thread and one selector, no answer is ever waited for, and the only event of
interest is SHUTDOWN.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

#: A message longer than this comes from something that is no QEMU.
LONGEST = 1 << 16


def command(name: str) -> bytes:
    """A command without arguments."""
    return json.dumps({"execute": name}).encode() + b"\n"


CAPABILITIES = command("qmp_capabilities")
QUERY_STATUS = command("query-status")


class Receiver:
    """Bytes in, messages out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The messages that *data* completes; what is no message is skipped."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:LONGEST]
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict):
                yield message


def shutdown_reason(message: dict[str, Any]) -> str | None:
    """Why the machine stopped, if *message* is the event that says so: ``guest-reset`` ..."""
    if message.get("event") != "SHUTDOWN":
        return None
    data = message.get("data")
    return str(data.get("reason")) if isinstance(data, dict) else "unknown"

"""The few sentences of the QEMU machine protocol that an engine needs, without I/O.

Not by the library ``qemu.qmp``: that one is a client of asyncio, and its blocking wrapper
runs an event loop for each command and hears events only meanwhile. Here all processors
share one thread and one selector, no answer is ever waited for, and the only event of
interest is SHUTDOWN.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

#: A message longer than this comes from something that is no QEMU.
LONGEST = 1 << 16


def command(name: str, arguments: Mapping[str, Any] | None = None, answer: str = "") -> bytes:
    """A command; *answer* is the ``id`` of what comes back."""
    words = {"execute": name, "arguments": arguments, "id": answer}
    return json.dumps({key: word for key, word in words.items() if word}).encode() + b"\n"


CAPABILITIES = command("qmp_capabilities")
QUERY_STATUS = command("query-status")
STOP = command("stop")
REGISTERS = command("human-monitor-command", {"command-line": "info registers"}, answer="registers")


def socket_chardev(name: str) -> bytes:
    """Make the character device *name* of the descriptor that ``getfd`` has given that name."""
    address = {"type": "fd", "data": {"str": name}}
    backend = {"type": "socket", "data": {"addr": address, "server": False}}
    return command("chardev-add", {"id": name, "backend": backend}, "gdb")


def gdbserver(device: str) -> bytes:
    """Put the stub for a debugger on *device*; ``none`` switches it off."""
    return command("human-monitor-command", {"command-line": f"gdbserver {device}"}, "gdb")


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
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict):
                yield message


def shutdown_reason(message: dict[str, Any]) -> str | None:
    """Why the machine stopped, if *message* says so: ``guest-reset`` ...

    Usually that is an event; it is lost if :data:`CAPABILITIES` was not read yet, and then
    the answer to :data:`QUERY_STATUS` tells. Whatever is not a reset has ended QEMU by then.
    """
    data = message.get("return")
    if isinstance(data, dict) and data.get("status") == "shutdown":
        return "guest-reset"
    if message.get("event") != "SHUTDOWN":
        return None
    data = message.get("data")
    return str(data.get("reason")) if isinstance(data, dict) else "unknown"

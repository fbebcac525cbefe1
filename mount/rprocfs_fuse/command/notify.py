"""sd_notify(3): what a service manager is told."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def sd_notify(state: str) -> None:
    """Tell the service manager *state*, such as ``READY=1``, if there is one that listens."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if not where.startswith(("/", "@")):
        return
    with (
        suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as door,
    ):
        door.sendto(state.encode(), where.replace("@", "\0", 1) if where[0] == "@" else where)

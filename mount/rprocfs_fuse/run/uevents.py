"""Events of the tree's devices as the kernel's own, for every listener in the namespace.

Whoever is root of a network namespace of its own may hand an event to the kernel, which
puts a SEQNUM behind it and broadcasts it as if it came from a device --
uevent_net_rcv_skb() in lib/kobject_uevent.c.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from rprocfs.base.model import DriverModel

logger = logging.getLogger(__name__)

_NETLINK_KOBJECT_UEVENT = 15
#: ``NLMSG_MIN_TYPE``: lower ones are dropped.
_TYPE = 0x10
_NLM_F_REQUEST = 1
_HEADER = struct.Struct("=IHHII")


def message(action: str, devpath: str, env: dict[str, str]) -> bytes:
    """The netlink message of one event."""
    fields = {"ACTION": action, "DEVPATH": devpath, **env}
    lines = [f"{action}@{devpath}", *(f"{key}={value}" for key, value in fields.items())]
    payload = b"".join(os.fsencode(line) + b"\0" for line in lines)
    return _HEADER.pack(_HEADER.size + len(payload), _TYPE, _NLM_F_REQUEST, 0, 0) + payload


@contextmanager
def broadcast(model: DriverModel) -> Iterator[None]:
    """Send every event of *model* until the block ends. OSError without the privilege."""
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, _NETLINK_KOBJECT_UEVENT) as netlink:

        def send(action: str, devpath: str, env: dict[str, str]) -> None:
            try:
                netlink.sendto(message(action, devpath, env), (0, 0))
            except OSError as problem:
                logger.warning("uevent %s@%s: %s", action, devpath, problem.strerror)

        model.uevent_listeners.append(send)
        try:
            yield
        finally:
            model.uevent_listeners.remove(send)

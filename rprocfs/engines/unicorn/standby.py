"""A worker that is not told yet what to execute: see :mod:`rprocfs.engines.spare`."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket

from rprocfs.engines.unicorn import worker
from rprocfs.soc.machine import find_machine

#: The longest command line, and the most descriptors.
LONGEST, MOST = 64 << 10, 64
#: Out of the way of what is put where it belongs.
ABOVE = 128


def receive(fd: int, first: int) -> list[str]:
    """The arguments of the worker, whose descriptors are from *first* on then; empty: the end."""
    with socket.socket(fileno=fd) as parent:
        data, fds, _, _ = socket.recv_fds(parent, LONGEST, MOST)
    if not data:
        return []
    above = [fcntl.fcntl(came, fcntl.F_DUPFD, ABOVE) for came in fds]
    for came in fds:
        os.close(came)
    for number, came in zip((2, *range(first, first + len(above))), above, strict=False):
        os.dup2(came, number)
        os.close(came)
    return os.fsdecode(data).split("\0")


def main(arguments: list[str]) -> None:
    """``main([library, machine, first, socket])``: wait, and become a worker, or end."""
    worker.die_with_parent()
    library, machine, first, parent = arguments
    ctypes.CDLL(library)
    find_machine(machine)
    told = receive(int(parent), int(first))
    if told:
        worker.main(told)

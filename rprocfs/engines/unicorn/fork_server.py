"""The process that forks workers: see :mod:`rprocfs.engines.fork_server`.

A worker is a sibling, not a child: its parent has to reap it, and it must not die with this
process. Python has no fork(2) of that kind, but functions for what has to happen around one
(C API, PyOS_BeforeFork).
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import os
import socket

from rprocfs.engines.confinement.linux import libc, number
from rprocfs.engines.unicorn import worker
from rprocfs.soc.machine import find_machine

#: The longest command line, and the most descriptors.
LONGEST, MOST = 64 << 10, 64
SYS_CLONE = {"x86_64": 56, "aarch64": 220}
CLONE_PARENT, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID = 0x8000, 0x0020_0000, 0x0100_0000
SIGCHLD, PR_GET_TID_ADDRESS = 17, 40


def fork_sibling() -> int:
    """As fork(2), but the child's parent is that of this process."""
    python = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock
    python.syscall.restype = ctypes.c_long
    flags, tid = CLONE_PARENT | SIGCHLD, ctypes.c_void_p()
    # Where the C library has the number of its thread, which the child's must be put into.
    if not libc.prctl(PR_GET_TID_ADDRESS, ctypes.byref(tid), 0, 0, 0):
        flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
    call = ctypes.c_long(number(SYS_CLONE, "clone"))
    # The last two change places with the machine; without CLONE_SETTLS one is not looked at.
    words = call, ctypes.c_ulong(flags), None, None, tid, tid
    python.PyOS_BeforeFork()
    pid: int = python.syscall(*words)
    if pid == 0:
        python.PyOS_AfterFork_Child()
    else:
        python.PyOS_AfterFork_Parent()
    return pid


def place(fds: list[int], first: int) -> None:
    """The first of *fds* becomes stderr, the others are from *first* on."""
    clear = first + len(fds)  # out of the way; as low as it can be, as few may be allowed
    above = [fcntl.fcntl(fd, fcntl.F_DUPFD, clear) for fd in fds]
    for fd in fds:
        os.close(fd)
    for where, fd in zip((2, *range(first, first + len(above))), above, strict=False):
        os.dup2(fd, where)
        os.close(fd)


def serve(parent: socket.socket, first: int) -> list[str]:
    """Fork until the end. Returns in a worker, with its arguments; in this process with none."""
    while True:
        data, fds, _, _ = socket.recv_fds(parent, LONGEST, MOST)
        if not data:
            return []
        pid = fork_sibling()
        if pid == 0:
            # Tells its number itself: the daemon has to know of it, even if this server is killed.
            parent.send(str(os.getpid()).encode())
            parent.close()
            os.setsid()
            place(fds, first)
            return os.fsdecode(data).split("\0")
        for fd in fds:
            os.close(fd)
        if pid < 0:
            parent.send(b"-1")


def main(arguments: list[str]) -> None:
    """``main([library, machine, first, socket])``: serve, and be a worker in the children."""
    worker.die_with_parent()
    library, machine, first, fd = arguments
    ctypes.CDLL(library)
    find_machine(machine)
    gc.freeze()  # no child has to copy what is looked at only
    parent = socket.socket(fileno=int(fd))
    parent.send(b"ready")
    told = serve(parent, int(first))
    if told:
        worker.main(told)

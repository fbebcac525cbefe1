"""The daemon of ``rprocfs run``: the system, its mount, and the system calls it answers."""

from __future__ import annotations

import argparse
import logging
import os
import pickle
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from rprocfs.board import open_board
from rprocfs.errors import CommandError
from rprocfs.system import System
from rprocfs_fuse import calls, namespace, seccomp
from rprocfs_fuse.daemon import SWITCH_INTERVAL, describe
from rprocfs_fuse.options import Options
from rprocfs_fuse.overlay import plan
from rprocfs_fuse.transport import MountOptions, mount
from rprocfs_fuse.uevents import broadcast

#: Seconds that ending may take, at most.
PATIENCE = 8


def run_daemon(
    arguments: argparse.Namespace, control: socket.socket, other_end: socket.socket
) -> int:
    """Serve until the other end of *control* is closed.

    Sends what the command has to mount, or why it cannot.
    """
    other_end.close()
    os.setsid()  # no terminal's signal is meant for us, nor for the engines
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.setswitchinterval(SWITCH_INTERVAL)
    _configure_logging(arguments.options.log)
    _silence()
    try:
        with ExitStack() as stack:
            _open(arguments, control, stack)
    except (CommandError, OSError) as problem:
        with suppress(OSError):
            control.send(pickle.dumps(describe(problem)))
        return 1
    return 0


def _open(arguments: argparse.Namespace, control: socket.socket, stack: ExitStack) -> None:
    options: Options = arguments.options
    system = stack.enter_context(
        open_board(arguments.board, strict=True, kernel=options.kernel, firmware=options.firmware)
    )
    covers = plan(system.tree)
    how = MountOptions(options.transport, allow_other=True, daemon=os.getpid())
    stack.enter_context(mount(system.tree, namespace.MOUNTPOINT, how))
    if arguments.uevents:
        stack.enter_context(broadcast(system.model))
    control.send(pickle.dumps(covers))
    _serve(control, system, stack)


def receive_tenants(control: socket.socket, flags: int = 0) -> tuple[int, list[int]]:
    """The command's mount namespace, 0 when the other end is closed, and its listener.

    BlockingIOError where *flags* forbid to wait.
    """
    room = socket.CMSG_SPACE(4)
    try:
        data, messages, _, _ = control.recvmsg(32, room, flags | socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:  # it was closed before it read what we sent
        return 0, []
    listeners = [int.from_bytes(message[:4], "little") for _, _, message in messages]
    return int(data or 0), listeners


def _configure_logging(file: str | None) -> None:
    if file is None:
        logging.basicConfig(handlers=[logging.NullHandler()])
    else:
        form = "%(asctime)s %(name)s: %(message)s"
        logging.basicConfig(filename=file, format=form, level=logging.INFO)


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for number in (0, 1):
        os.dup2(null, number)
    os.close(null)


def _serve(control: socket.socket, system: System, stack: ExitStack) -> None:
    """Take over the system calls of the command; then wait until nobody is left.

    The command says in which mount namespace it is, and sends the listener for its
    system calls if there is one. The supervisor gets both.
    """
    tenants = 0
    while True:
        number, listeners = receive_tenants(control)
        if not number:
            signal.alarm(PATIENCE)  # whatever hangs, this ends
            namespace.end(tenants)
            return
        tenants = number
        socket.send_fds(control, [str(number).encode()], listeners)
        for listener in listeners:
            device = Path(namespace.MOUNTPOINT).stat().st_dev
            server = seccomp.Server(listener, calls.handlers(system.model, device))
            stack.callback(server.close)

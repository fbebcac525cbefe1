"""The daemon of ``rprocfs run``: the system and its mount."""

from __future__ import annotations

import argparse
import os
import pickle
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection

from rprocfs.board import open_board
from rprocfs.board.probe import complaints, probe_failures
from rprocfs.errors import CommandError
from rprocfs_fuse.command import log
from rprocfs_fuse.command.daemon import (
    PATIENCE,
    describe,
    forget_what_stays,
    set_up_interpreter,
)
from rprocfs_fuse.command.options import Options
from rprocfs_fuse.mounted import MountOptions
from rprocfs_fuse.run import modules, namespace
from rprocfs_fuse.run.callers import may_trace, traced_callers
from rprocfs_fuse.run.firmware import private_firmware
from rprocfs_fuse.run.knowledge import Teller
from rprocfs_fuse.run.memory import Memory
from rprocfs_fuse.run.modules import write_modules
from rprocfs_fuse.run.overlay import Cover, Plan, has_device_tree, plan
from rprocfs_fuse.run.tenants import receive_tenants
from rprocfs_fuse.run.uevents import broadcast
from rprocfs_fuse.transport import mount


def run_daemon(
    arguments: argparse.Namespace,
    control: socket.socket,
    telling: Connection,
    others: Iterable[socket.socket | Connection],
) -> int:
    """Serve until the other end of *control* is closed; the *others* are not ours.

    Sends what the command has to mount, or why it cannot. Answers questions on *telling*.
    """
    for other in others:
        other.close()
    os.setsid()  # no terminal's signal is meant for us, nor for the engines
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    set_up_interpreter()
    log.configure(arguments.options.log, arguments.options.loglevel)
    if arguments.options.symbolize and arguments.options.log is None:
        log.backtraces_to_stderr()
    try:
        _silence()
        with ExitStack() as stack:
            _open(arguments, control, telling, stack)
    except (CommandError, OSError, ImportError) as problem:
        with suppress(OSError):
            control.send(pickle.dumps(describe(problem)))
        return 1
    return 0


def _open(
    arguments: argparse.Namespace, control: socket.socket, telling: Connection, stack: ExitStack
) -> None:
    options: Options = arguments.options
    options.strict = True
    forget_what_stays()
    traces = arguments.devices and options.transport == "devfuse" and may_trace()
    seen = traced_callers(stack.enter_context(Memory())) if traces else None
    system = stack.enter_context(open_board(arguments.board, **options.of_board()))
    stack.enter_context(private_firmware(system.loader, arguments.keep_firmware))
    for complaint in complaints(system, configfs=options.configfs):
        print(f"rprocfs: {complaint}", file=sys.stderr)
    if not system.remoteproc.rprocs and any(probe_failures(system)):
        raise CommandError(f"{arguments.board}: no processor works, there is nothing to run with")
    release = system.model.version.uname if arguments.uname else None
    write_modules(system, release or os.uname().release)
    covers = [*plan(system.tree), Cover(modules.PLACE, modules.STAGED)]
    system.model.dev.allow()
    how = MountOptions(options.transport, allow_other=True, daemon=os.getpid(), callers=seen)
    stack.enter_context(mount(system.tree, namespace.MOUNTPOINT, how))
    if arguments.uevents:
        stack.enter_context(broadcast(system.model))
    Teller(telling, system.model, system.modules).start()
    device_tree = has_device_tree(system.tree)
    control.send(pickle.dumps(Plan(covers, release, device_tree, seen is not None)))
    _wait(control)
    signal.alarm(PATIENCE)  # whatever hangs, this ends


def _silence() -> None:
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for number in (0, 1):
        os.dup2(null, number)
    os.close(null)


def _wait(control: socket.socket) -> None:
    """Until nobody is left. A supervisor that was killed leaves the command's processes to us.

    Until they are dead their system calls are neither answered nor refused.
    """
    kept: list[int] = []
    while received := receive_tenants(control):
        kept = received
    if kept:
        namespace.end(*kept)
    for fd in kept:
        os.close(fd)

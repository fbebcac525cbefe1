"""``rprocfs run``: a command that sees a board where the system has its own ``/sys`` and ``/dev``.

Three processes, in a mount namespace of their own. The one that was started supervises
(:mod:`supervisor`). The *daemon*, in a session of its own, holds the system and serves
the mount (:mod:`run_daemon`). The *command* puts the mount over the real directories, in
one more mount namespace that only it and its children see, and is executed
(:mod:`run_command`). A socket leads from the first two to the daemon: its end tells that
nobody is left to serve. Whatever is left in the command's namespace then is killed.
"""

from __future__ import annotations

import argparse
import os
import pickle
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from rprocfs.errors import CommandError
from rprocfs_fuse import calls, namespace, seccomp
from rprocfs_fuse.options import Options, OptionsAction
from rprocfs_fuse.overlay import Cover
from rprocfs_fuse.run_command import complain, run_command
from rprocfs_fuse.run_daemon import receive_tenants, run_daemon
from rprocfs_fuse.supervisor import Supervisor, end_as, release_signals, signals_held

#: More than a plan takes.
_MESSAGE_SIZE = 1 << 20


def run(subparsers: Any) -> None:
    """Add the command ``run``."""
    parser = subparsers.add_parser(
        "run",
        help="run a command that sees a board in /sys, /dev and the kernel log",
        description="Run COMMAND with the board's /sys/class, /sys/bus, /sys/devices, "
        "/sys/kernel/debug, /dev, /lib/firmware and kernel log in place of the system's, and "
        "end as it ends; what it left in the background is killed. Nobody else sees the board. "
        "Without root COMMAND runs as root of a user namespace.",
        usage="rprocfs run [--board FILE] [-o OPTIONS] [--uevents] [--] COMMAND [ARGUMENT ...]",
    )
    parser.add_argument("--board", metavar="FILE", help="the board to run on (default: built in)")
    parser.add_argument(
        "-o", dest="options", metavar="OPTIONS", action=OptionsAction, default=Options(),
        help="a comma list, as of rprocfs mount; strict is implied",
    )  # fmt: skip
    parser.add_argument(
        "--uevents", action="store_true",
        help="send the events of devices as the kernel does; COMMAND then has no network",
    )  # fmt: skip
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    parser.set_defaults(run=lambda arguments: _run(parser, arguments))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    argv = arguments.command[arguments.command[:1] == ["--"] :]
    if not argv:
        parser.error("which COMMAND?")
    with signals_held():
        status = _run_processes(arguments, argv)
    return end_as(status)


def _run_processes(arguments: argparse.Namespace, argv: list[str]) -> int:
    namespace.enter(network=arguments.uevents)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _MESSAGE_SIZE)
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE_SIZE)
            daemon = _fork(partial(run_daemon, arguments, theirs, ours))
        supervisor = Supervisor(daemon, lambda how: _go_on_alone(ours, how))
        try:
            covers = _receive_plan(ours)
            supervisor.command = _fork(partial(run_command, os.getpid(), ours, covers, argv))
            return supervisor.wait()
        finally:
            _end_namespace(ours)
            ours.close()
            supervisor.end_daemon()


def _fork(child: Callable[[], int]) -> int:
    """Run *child* in a new process, which ends with the status that it returns."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        release_signals()
        status = child()
    except SystemExit:
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _receive_plan(control: socket.socket) -> list[Cover]:
    answer = control.recv(_MESSAGE_SIZE)
    if not answer:
        raise CommandError("the daemon did not start")
    found: list[Cover] | str = pickle.loads(answer)  # noqa: S301 - our own child's
    if isinstance(found, str):
        raise CommandError(found)
    return found


def _go_on_alone(control: socket.socket, how: str) -> None:
    """The daemon is gone: system calls that it would have answered are the kernel's again."""
    complain(f"the daemon {how}: its files answer no more")
    with suppress(OSError):
        _, listeners = receive_tenants(control, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        for listener in listeners:
            seccomp.Server(listener, calls.no_handlers())


def _end_namespace(control: socket.socket) -> None:
    """What the daemon sent back tells which namespace is the command's."""
    with suppress(OSError):
        number, listeners = receive_tenants(control, socket.MSG_DONTWAIT)
        for listener in listeners:
            os.close(listener)
        namespace.end(number)

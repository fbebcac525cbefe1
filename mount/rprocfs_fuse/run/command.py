"""The command line of ``rprocfs run``, and its three processes."""

from __future__ import annotations

import argparse
import os
import pickle
import select
import signal
import socket
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rprocfs.board.ready import board_names
from rprocfs.errors import CommandError
from rprocfs_fuse.command.options import Options, OptionsAction, describe_options
from rprocfs_fuse.run import init, namespace
from rprocfs_fuse.run.daemon import run_daemon
from rprocfs_fuse.run.execute import complain, run_command
from rprocfs_fuse.run.overlay import Plan
from rprocfs_fuse.run.supervisor import (
    Supervisor,
    end_as,
    release_signals,
    signals_held,
    terminal_kept,
)
from rprocfs_fuse.run.tenants import Tenants
from rprocfs_fuse.run.udevd import find_udevd

#: What ends a command that does not handle it, sent by a terminal or a person.
ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
#: Seconds until signals are looked for again during the preparation.
_LOOK = 0.2
#: More than a plan takes.
_MESSAGE_SIZE = 1 << 20


def run(subparsers: Any) -> None:
    """Add the command ``run``."""
    parser = subparsers.add_parser(
        "run",
        help="run a command that sees a board in /sys, /dev and the kernel log",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=textwrap.fill(
            "Run COMMAND with the board's /sys/class, /sys/bus, /sys/devices, "
            "/sys/kernel/debug, /dev, /lib/firmware and kernel log in place of the system's, and "
            "end as it ends; what it left in the background is killed. Nobody else sees the board. "
            "Without root COMMAND runs as root of a user namespace.",
            78,
        ),
        epilog=f"{describe_options()}\n\n{board_names()}\n\nexit status: that of COMMAND, 128 + N "
        "if signal N ended it, 127 if it was not\nfound, 126 if it could not be executed; 1 the "
        "board could not be made, 2 wrong usage",
        usage="rprocfs run [--board BOARD] [-o OPTIONS] [--uevents] "
        "[--udev [RULES]] [--uname] [--keep-firmware DIR] [--no-devices] "
        "[--] COMMAND [ARGUMENT ...]",
    )
    parser.add_argument("--board", metavar="BOARD", help="TOML, a devicetree, or a name")
    parser.add_argument(
        "-o", dest="options", metavar="OPTIONS", action=OptionsAction, default=Options(),
        help="a comma list, as of rprocfs mount; strict is implied",
    )  # fmt: skip
    parser.add_argument(
        "--uevents", action="store_true",
        help="send the events of devices as the kernel does; COMMAND then has no network",
    )  # fmt: skip
    parser.add_argument(
        "--udev", metavar="RULES", nargs="?", const="",
        help="run systemd-udevd, with RULES (a file, or a directory) besides the system's own; "
        "implies --uevents",
    )  # fmt: skip
    parser.add_argument(
        "--uname", action="store_true",
        help="let uname(2), /proc/version and /proc/sys/kernel/osrelease say the version of the "
        "board's kernel",
    )  # fmt: skip
    parser.add_argument(
        "--keep-firmware", metavar="DIR", type=Path,
        help="copy to DIR what COMMAND has put into /lib/firmware, which is private to the run",
    )  # fmt: skip
    parser.add_argument(
        "--no-devices", dest="devices", action="store_false",
        help="leave stat(2) to the kernel, which shows the board's device nodes as regular files; "
        "/proc/device-tree is the machine's",
    )  # fmt: skip
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    parser.set_defaults(run=lambda arguments: _run(parser, arguments))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    argv = arguments.command[arguments.command[:1] == ["--"] :]
    if not argv:
        parser.error("which COMMAND?")
    arguments.options.resolve()
    rules = None if arguments.udev is None else find_udevd(arguments.udev)
    arguments.uevents |= rules is not None
    command = partial(run_command, argv=argv, rules=rules, devices=arguments.devices)
    with terminal_kept(), signals_held():
        status = _run_processes(arguments, command)
    return end_as(status)


def _asked_to_end() -> int:
    """The signal that came before there was a command to get it; 0: none."""
    wanted = {number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN}
    info = signal.sigtimedwait(wanted, 0)
    return info.si_signo if info else 0


def _run_processes(arguments: argparse.Namespace, command: Callable[..., int]) -> int:
    namespace.enter(network=arguments.uevents)
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _MESSAGE_SIZE)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE_SIZE)
    asking, telling = Pipe()
    with asking, control:
        with theirs, telling:
            daemon = _fork(
                partial(run_daemon, arguments, theirs, telling, (control, asking)),
                lambda *_: None,  # it ends when the rest does
            )
        supervisor = Supervisor(daemon, _complain_of_daemon)
        try:
            while not select.select([control], [], [], _LOOK)[0]:  # a board may be a pipe
                if number := _asked_to_end():
                    return number
            plan = _receive_plan(control)
            if number := _asked_to_end():
                return number
            command = partial(command, plan=plan)
            return _run_command(supervisor, control, asking, command, plan)
        finally:
            control.close()
            supervisor.end_daemon()


def _run_command(
    supervisor: Supervisor,
    control: socket.socket,
    asking: Connection,
    command: Callable[..., int],
    plan: Plan,
) -> int:
    ours, door = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with door:
        child = partial(command, door=door)
        started = init.start(partial(_fork_init, (control, asking, ours)), door, child)
        if started is None:
            supervisor.command = _fork(partial(child, os.getpid()), signal.SIG_DFL)
        else:
            supervisor.listen(init.News(started))
    tenants = Tenants(ours, control, asking, plan)
    try:
        return supervisor.wait()
    finally:
        supervisor.end_command()
        tenants.end()


def _fork_init(others: tuple[socket.socket | Connection, ...], child: Callable[[], int]) -> int:
    """The *others* are not for a process that does not execute anything."""

    def alone() -> int:
        for other in others:
            other.close()
        return child()

    return _fork(alone, signal.SIG_DFL)


def _fork(
    child: Callable[[], int], interrupted: Callable[[int, Any], None] | signal.Handlers
) -> int:
    """Run *child* in a new process, which ends with the status that it returns.

    *interrupted*: what a SIGINT does that comes meanwhile.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        release_signals(interrupted)
        status = child()
    except SystemExit:
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _receive_plan(control: socket.socket) -> Plan:
    """What to mount, and what to answer. CommandError."""
    answer = control.recv(_MESSAGE_SIZE)
    if not answer:
        raise CommandError("the daemon did not start")
    found: Plan | str = pickle.loads(answer)  # noqa: S301 - our own child's
    if isinstance(found, str):
        raise CommandError(found)
    return found


def _complain_of_daemon(how: str) -> None:
    complain(f"the daemon {how}: its files answer no more")

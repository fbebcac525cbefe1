"""``rprocfs run``: a command that sees a board where the system has its own ``/sys`` and ``/dev``.

Three processes, in a mount namespace of their own. The one that was started supervises
(:mod:`supervisor`). The *daemon*, in a session of its own, holds the system and serves
the mount. The *command* puts the mount over the real directories, in one more mount
namespace that only it and its children see, and is executed. A socket leads from the
first two to the daemon: its end tells that nobody is left to serve.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn

from rprocfs.board import open_board
from rprocfs.errors import CommandError
from rprocfs.system import System
from rprocfs_fuse import calls, namespace, seccomp
from rprocfs_fuse.daemon import SWITCH_INTERVAL, describe
from rprocfs_fuse.linux import CLONE_NEWNS, MNT_DETACH, set_parent_death_signal, umount, unshare
from rprocfs_fuse.options import Options, OptionsAction
from rprocfs_fuse.overlay import Cover, cover, plan
from rprocfs_fuse.supervisor import Supervisor, end_as, release_signals, signals_held
from rprocfs_fuse.transport import MountOptions, mount
from rprocfs_fuse.uevents import broadcast

NOT_EXECUTABLE = 126
NOT_FOUND = 127

#: More than a plan takes.
_MESSAGE_SIZE = 1 << 20


def run(subparsers: Any) -> None:
    """Add the command ``run``."""
    parser = subparsers.add_parser(
        "run",
        help="run a command that sees a board in /sys, /dev and the kernel log",
        description="Run COMMAND with the board's /sys/class, /sys/bus, /sys/devices, "
        "/sys/kernel/debug, /dev, /lib/firmware and kernel log in place of the system's, and "
        "end as it ends. Nobody else sees them. Without root COMMAND runs as root of a user "
        "namespace.",
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
            daemon = _fork(lambda: _daemon(arguments, theirs, ours))
        supervisor = None
        try:
            covers = _receive_plan(ours)
            command = _fork(lambda: _command(ours, covers, argv))
            supervisor = Supervisor(command, daemon, lambda how: _go_on_alone(ours, how))
            return supervisor.wait()
        finally:
            ours.close()
            (supervisor or Supervisor(0, daemon, _complain)).end_daemon()


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
    except BaseException:  # noqa: BLE001 - nothing may get past the fork
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
    _complain(f"the daemon {how}: its files answer no more")
    with suppress(OSError):
        _, listeners, _, _ = socket.recv_fds(control, 1, 1, socket.MSG_DONTWAIT)
        for listener in listeners:
            seccomp.Server(listener, calls.no_handlers())


def _complain(text: str) -> None:
    print(f"rprocfs: {text}", file=sys.stderr)


# The daemon.


def _daemon(arguments: argparse.Namespace, control: socket.socket, other_end: socket.socket) -> int:
    other_end.close()
    os.setsid()  # no terminal's signal is meant for us, nor for the engines
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.setswitchinterval(SWITCH_INTERVAL)
    options: Options = arguments.options
    _configure_logging(options.log)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    try:
        with ExitStack() as stack:
            system = _open_system(arguments.board, options, stack)
            covers = plan(system.tree)
            how = MountOptions(options.transport, allow_other=True, daemon=os.getpid())
            stack.enter_context(mount(system.tree, namespace.MOUNTPOINT, how))
            if arguments.uevents:
                stack.enter_context(broadcast(system.model))
            control.send(pickle.dumps(covers))
            _serve(control, system, stack)
    except (CommandError, OSError) as problem:
        control.send(pickle.dumps(describe(problem)))
        return 1
    return 0


def _open_system(board: str | None, options: Options, stack: ExitStack) -> System:
    return stack.enter_context(
        open_board(board, strict=True, kernel=options.kernel, firmware=options.firmware)
    )


def _configure_logging(file: str | None) -> None:
    if file is None:
        logging.basicConfig(handlers=[logging.NullHandler()])
    else:
        form = "%(asctime)s %(name)s: %(message)s"
        logging.basicConfig(filename=file, format=form, level=logging.INFO)


def _serve(control: socket.socket, system: System, stack: ExitStack) -> None:
    """Take the listener for system calls, and give it back; then wait until nobody is left."""
    while True:
        try:
            data, listeners, _, _ = socket.recv_fds(control, 1, 1)
        except ConnectionResetError:  # what we sent back was not wanted any more
            data, listeners = b"", []
        if not data:
            signal.alarm(int(namespace.PATIENCE))  # whatever hangs, this ends
            return
        for listener in listeners:
            socket.send_fds(control, [b"l"], [listener])
            device = Path(namespace.MOUNTPOINT).stat().st_dev
            handlers = calls.handlers(system.model, device)
            stack.callback(seccomp.Server(listener, handlers).close)


# The command.


def _command(control: socket.socket, covers: list[Cover], argv: list[str]) -> int:
    parent = os.getppid()
    set_parent_death_signal(signal.SIGKILL)
    if os.getppid() != parent:
        return 1
    try:
        unshare(CLONE_NEWNS)
        cover(covers, namespace.MOUNTPOINT)
        umount(namespace.STAGE, MNT_DETACH)
        program = calls.filter_program()
        listener = None if program is None else seccomp.install(program)
        if listener is not None:
            socket.send_fds(control, [b"l"], [listener])
            os.close(listener)
    except OSError as problem:
        _complain(describe(problem))
        return 1
    return _execute(argv)


def _execute(argv: list[str]) -> int:
    try:
        _exec(argv)
    except OSError as problem:
        _complain(f"{argv[0]}: {problem.strerror}")
        missing = problem.errno in (errno.ENOENT, errno.ENOTDIR)
        return NOT_FOUND if missing else NOT_EXECUTABLE


def _exec(argv: list[str]) -> NoReturn:
    try:
        os.execvp(argv[0], argv)
    except OSError as problem:
        if problem.errno != errno.ENOEXEC:
            raise
    os.execv("/bin/sh", ["/bin/sh", *argv])

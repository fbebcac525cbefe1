"""``rprocfs mount`` and ``rprocfs umount``."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import select
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TextIO

from rprocfs.board.ready import board_names
from rprocfs.errors import CommandError
from rprocfs_fuse import mountpoint, transport
from rprocfs_fuse.command import daemon, log
from rprocfs_fuse.command.options import Options, OptionsAction, describe_options
from rprocfs_fuse.operations import IOC_DAEMON

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long ``rprocfs umount`` waits for the daemon to be gone, in seconds.
PATIENCE = 10.0
#: How long until a daemon that did not end by itself is asked to, in seconds.
BY_ITSELF = 1.0


def mount(subparsers: Any) -> None:
    """Add ``rprocfs mount``."""
    parser = subparsers.add_parser(
        "mount",
        help="mount a board on a directory",
        description="Mount a board on a directory and serve it in the background.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"{describe_options()}\n\n{board_names()}\n\n"
        "exit status: 0 it is mounted, 1 it could not be, 2 wrong usage",
    )
    parser.add_argument("-f", "--foreground", action="store_true", help="stay, and log to stderr")
    parser.add_argument(
        "-o",
        dest="options",
        metavar="OPTIONS",
        action=OptionsAction,
        default=Options(),
        help="a comma list, as mount(8) takes it",
    )
    parser.add_argument("--board", metavar="BOARD", help="TOML, a devicetree, or a name")
    parser.add_argument("directory", metavar="DIR", help="where to mount")
    parser.set_defaults(run=run_mount)


def umount(subparsers: Any) -> None:
    """Add ``rprocfs umount``."""
    parser = subparsers.add_parser(
        "umount",
        help="unmount a board",
        description="Unmount a board and wait for its daemon. A copy of the mount in another mount "
        "namespace, such as that of a container, ends with it.",
        epilog="exit status: 0 it is gone, 1 it could not be unmounted, 2 wrong usage",
    )
    parser.add_argument(
        "-l",
        "--lazy",
        action="store_true",
        help="even if it is in use; programs that wait on it get an error",
    )
    parser.add_argument("directory", metavar="DIR", help="where it is mounted")
    parser.set_defaults(run=run_umount)


def run_mount(arguments: argparse.Namespace) -> int:
    """Mount, and return when the mount answers; with ``-f``, when it has ended."""
    options: Options = arguments.options
    where = mountpoint.prepare(arguments.directory)
    board = _board(arguments.board)
    options.resolve()

    def run(ready: Callable[[], None], ends: SimpleQueue[None]) -> None:
        stream = log.configure(options.log, options.loglevel, stderr=arguments.foreground)
        serve(board, where, options, ready, ends, stream)

    if arguments.foreground:
        daemon.in_foreground(run)
    else:
        daemon.in_background(run)
    return 0


def serve(
    board: str | None,
    where: str,
    options: Options,
    ready: Callable[[], None],
    ends: SimpleQueue[None],
    stream: TextIO | None = None,
) -> None:
    """Serve a board on the directory *where* until something comes out of *ends*.

    Then end, within :data:`.daemon.PATIENCE`; *stream* is told why if it takes longer.
    """
    # Only the process that serves needs them.
    from rprocfs.board import open_board  # noqa: PLC0415
    from rprocfs.board.probe import complaints  # noqa: PLC0415

    daemon.forget_what_stays()
    how = transport.MountOptions(
        options.transport,
        options.allow_other,
        options.ro,
        daemon=os.getpid(),
        source=board or mountpoint.SOURCE,
    )
    with (
        ExitStack() as at_the_end,
        open_board(board, **options.of_board()) as system,
        transport.mount(system.tree, where, how, on_end=lambda: ends.put(None)),
    ):
        for complaint in complaints(system, configfs=options.configfs or not options.strict):
            print(f"rprocfs: {complaint}", file=sys.stderr)
        ready()
        ends.get()
        at_the_end.enter_context(daemon.ends_soon(stream))


def run_umount(arguments: argparse.Namespace) -> int:
    """Unmount, and return when the daemon is gone, or says that it is not."""
    where, entry = mountpoint.find_mount_of(arguments.directory)
    if entry is None:
        raise CommandError(f"{arguments.directory}: not mounted")
    if not entry.ours:
        raise CommandError(f"{arguments.directory}: not mounted by rprocfs")
    pid = mountpoint.within(mountpoint.ANSWER, lambda: _daemon_of(where, entry.owner))
    if pid is None:
        return _unmount_without_it(arguments.directory, where, entry, lazy=arguments.lazy)
    process = _open(pid, entry.owner)
    try:
        if arguments.lazy and _stopped(process) and mountpoint.find_mount(where) is None:
            return 0
        _unmount(where, lazy=arguments.lazy)
        # Another mount namespace may have a copy, so that the kernel does not end the connection.
        if process >= 0 and not _ended(process, BY_ITSELF) and not _stopped(process):
            raise CommandError(f"{arguments.directory}: unmounted, but its daemon does not end")
    finally:
        if process >= 0:
            os.close(process)
    return 0


def _unmount_without_it(
    directory: str, where: str, entry: mountpoint.Mountinfo, *, lazy: bool
) -> int:
    """The daemon does not answer. *lazy*: end its connection, so that no client waits for it."""
    if not lazy:
        raise CommandError(f"{directory}: its daemon does not answer: {mountpoint.LAZY}")
    mountpoint.abort(entry.device)
    _unmount(where, lazy=True, force=True)
    print(
        f"rprocfs: {directory}: its daemon did not answer: unmounted, and its connection ended",
        file=sys.stderr,
    )
    return 0


def _stopped(process: int) -> bool:
    """Ask the daemon to end, and return whether it did; it answers all requests and unmounts."""
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
    except OSError:  # there is none, or it is not ours to ask
        return False
    return _ended(process)


def _unmount(where: str, *, lazy: bool, force: bool = False) -> None:
    try:
        mountpoint.unmount(where, lazy=lazy, force=force)
    except OSError as problem:
        if problem.errno == errno.EBUSY:
            raise CommandError(f"{where}: target is busy") from problem
        raise


def _open(pid: int, owner: int) -> int:
    """A pidfd of a process of *owner*, or -1 if there is no such."""
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return -1
    if _owner_of(pid) == owner:
        return process
    os.close(process)
    return -1


def _daemon_of(where: str, owner: int) -> int:
    """The process that serves the mount, or -1 if it is gone or not to be had.

    Which one it is the filesystem says, and that may be anybody's: it has to be its *owner's*.
    """
    for asked in (where, f"{where}/dev/kmsg"):  # a file, where directories take no ioctl
        try:
            fd = os.open(asked, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return -1
        try:
            answer = fcntl.ioctl(fd, IOC_DAEMON, bytes(4))
            pid = int.from_bytes(answer, "little")
            if _owner_of(pid) == owner:
                return pid
        except OSError:
            continue
        finally:
            os.close(fd)
    return -1


def _owner_of(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return -1


def _ended(process: int, seconds: float = PATIENCE) -> bool:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _board(name: str | None) -> str | None:
    """A path that the daemon can use, unless it is that of no file: then it may be a name."""
    if name is not None and ("/" in name or Path(name).is_file()):
        return str(Path(name).absolute())
    return name

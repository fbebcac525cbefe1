"""The command ``rprocfs``: finds its subcommands and reports their failures."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from rprocfs import __version__
from rprocfs.errors import CommandError

#: Adds its parser to what ``ArgumentParser.add_subparsers`` returned, with ``run`` as default.
Command = Callable[[Any], None]

#: The commands of this distribution, for a checkout that is not installed.
COMMANDS: Mapping[str, str] = {
    "mount": "rprocfs_fuse.command.mount:mount",
    "umount": "rprocfs_fuse.command.mount:umount",
    "run": "rprocfs_fuse.run.command:run",
    "setup": "rprocfs_fuse.command.setup:setup",
    "check": "rprocfs.check.command:check",
    "board": "rprocfs.board.command:board",
    "firmware": "rprocfs.commands.firmware:firmware",
    "top": "rprocfs.commands.top:top",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 for a failure, 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    return guarded(arguments.run, arguments)


def guarded(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """What *run* returns; 1 where it fails for a reason that is one line on stderr."""
    try:
        status = run(arguments)
        sys.stdout.flush()
    except CommandError as failure:
        return _complain(str(failure))
    except BrokenPipeError:  # nobody reads on: as SIGPIPE would
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as failure:
        where = f"{failure.filename}: " if failure.filename else ""
        return _complain(f"{where}{failure.strerror or failure}")
    except KeyboardInterrupt:
        return 130
    return status


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="rprocfs",
        description="Linux remoteproc, virtio and rpmsg in userspace, behind a filesystem.",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = top.add_subparsers(metavar="COMMAND", required=True)
    for command in _commands():
        command(subparsers)
    return top


def _commands() -> Iterator[Command]:
    found = {entry.name: entry for entry in entry_points(group="rprocfs.commands")}
    for name, where in COMMANDS.items():
        if name in found:
            yield found.pop(name).load()
        else:
            module, _, function = where.partition(":")
            yield getattr(import_module(module), function)
    for entry in found.values():
        yield entry.load()


def _complain(text: str) -> int:
    print(f"rprocfs: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

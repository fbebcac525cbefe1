"""The command ``rprocfs``: finds its subcommands and reports their failures."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from rprocfs import __version__
from rprocfs.entry_point import load_entry_point
from rprocfs.errors import CommandError

#: Adds its parser to what ``ArgumentParser.add_subparsers`` returned, with ``run`` as default.
Command = Callable[[Any], None]

#: The commands of this distribution: where each is, and what ``--help`` says of it. Others
#: come from entry points of the group ``rprocfs.commands``.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "mount": ("rprocfs_fuse.command.mount:mount", "mount a board on a directory"),
    "umount": ("rprocfs_fuse.command.mount:umount", "unmount a board"),
    "run": (
        "rprocfs_fuse.run.command:run",
        "run a command that sees a board in /sys, /dev and the kernel log",
    ),
    "setup": (
        "rprocfs_fuse.command.setup:setup",
        "install the mount helper, the systemd unit, completion and the manual page",
    ),
    "check": ("rprocfs.check.command:check", "say whether a firmware image boots, and if not, why"),
    "boot": (
        "rprocfs.commands.boot:boot", "boot a firmware image on a board, and show what it says",
    ),
    "board": ("rprocfs.board.command:board", "list, check, show and convert boards"),
    "record": ("rprocfs.record.command:record", "make a board file of a real board"),
    "firmware": (
        "rprocfs.commands.firmware:firmware",
        "start a project for firmware, list the included images",
    ),
    "trace": ("rprocfs.commands.trace:trace", "show what happened on a board, and when"),
    "profile": ("rprocfs.commands.profile:profile", "say where firmware spends its time"),
    "cover": ("rprocfs.commands.cover:cover", "say which lines of firmware were executed"),
    "gdb": (
        "rprocfs.commands.gdb:gdb", "debug the firmware of a processor of a mounted board",
    ),
    "top": (
        "rprocfs.commands.top:top", "show what the processors of a mounted board are doing",
    ),
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 for a failure, 2 for wrong usage."""
    complete_streams()
    words = sys.argv[1:] if argv is None else argv
    try:
        arguments = _parser_for(words[0] if words else "").parse_args(words)
    except CommandError as failure:
        return _complain(str(failure))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return guarded(arguments.run, arguments)


def complete_streams() -> None:
    """Open what is closed of stdin, stdout and stderr, as a service manager may start us.

    Else the next file that is opened would be in their place. They are /dev/null for this
    process alone: what it executes finds them closed, as its caller wanted.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        with suppress(FileNotFoundError):  # no /dev/null
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if getattr(sys, name) is None:
                null = os.open(os.devnull, os.O_RDWR)
                mode = "w" if number else "r"
                setattr(sys, name, os.fdopen(null, mode, encoding="utf-8"))


def guarded(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Return what *run* returns; if it fails, 1, after one line on stderr with the reason."""
    try:
        status = run(arguments)
        sys.stdout.flush()
    except CommandError as failure:
        return _complain(str(failure))
    except BrokenPipeError:  # the reader of stdout is gone: end as SIGPIPE would
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as failure:
        where = f"{failure.filename}: " if failure.filename else ""
        return _complain(f"{where}{failure.strerror or failure}")
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return status


def parser() -> argparse.ArgumentParser:
    """The whole command line. CommandError: a command of another package is broken."""
    top, subparsers = _top()
    for name in COMMANDS:
        _load(name)(subparsers)
    for command in _others().values():
        command(subparsers)
    return top


def _parser_for(word: str) -> argparse.ArgumentParser:
    """What is needed for a command line that begins with *word*: loading all takes its time."""
    top, subparsers = _top()
    if word in COMMANDS:
        _load(word)(subparsers)
        return top
    for name, (_, text) in COMMANDS.items():
        subparsers.add_parser(name, help=text)
    if word and not word.startswith("-"):
        for command in _others(word).values():
            command(subparsers)
    return top


def _top() -> tuple[argparse.ArgumentParser, Any]:
    top = argparse.ArgumentParser(
        prog="rprocfs",
        description="Linux remoteproc, virtio and rpmsg in userspace, behind a filesystem.",
        epilog="Packages may add commands, by entry points of the group rprocfs.commands. "
        "Exit status: 0; 1 for a failure, which is one line on stderr; 2 for wrong usage; "
        "that of a command of your own under run.",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return top, top.add_subparsers(metavar="COMMAND", required=True)


def _load(name: str) -> Command:
    module, _, function = COMMANDS[name][0].partition(":")
    command: Command = getattr(import_module(module), function)
    return command


def _others(name: str | None = None) -> dict[str, Command]:
    """The commands of other packages, or that called *name*. CommandError."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes as long as Python itself

    entries = entry_points(group="rprocfs.commands")
    return {
        entry.name: load_entry_point(entry)
        for entry in entries
        if entry.name not in COMMANDS and name in (None, entry.name)
    }


def _complain(text: str) -> int:
    print(f"rprocfs: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

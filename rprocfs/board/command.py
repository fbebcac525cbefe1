"""``rprocfs board``: list the ready boards, and check, show and convert any board."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rprocfs.board import Board, load_board
from rprocfs.board.devicetree import copy_dtb, write_dtb
from rprocfs.board.kernels import kernels
from rprocfs.board.probe import probe_failures
from rprocfs.board.ready import description, other_boards, ready_boards, show_ready
from rprocfs.board.show import PATH
from rprocfs.errors import BoardError, CommandError
from rprocfs.system import DRIVERS, System

GOOD, WRONG, TROUBLE = 0, 1, 2
#: The properties that would start a process, or execute a file.
STARTS = {"auto-boot", "detached", "devices"}


def board(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("board", help="list, check, show and convert boards")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    shown = actions.add_parser("list", help="list the boards that --board takes by name")
    shown.set_defaults(run=run_list)
    check = actions.add_parser(
        "check",
        help="say whether a board file is good",
        description="Read a board and let its drivers probe it; nothing is booted.",
        epilog="exit status: 0 it is good, 1 it is not, 2 it could not be read",
    )
    check.add_argument("--json", action="store_true", help="a report for programs")
    check.add_argument("board", metavar="BOARD", help="a board file, or the name of a board")
    check.set_defaults(run=run_check)
    show = actions.add_parser(
        "show",
        help="print the file of an included board, or one that would make a mounted one "
        "as it is now",
    )
    show.add_argument(
        "directory", metavar="DIR", help="where it is mounted, not strict; or the name of a board"
    )
    show.set_defaults(run=run_show)
    dtb = actions.add_parser("dtb", help="write a board file as a flattened devicetree")
    dtb.add_argument("board", metavar="BOARD", help="a board file, or the name of a board")
    dtb.add_argument(
        "-o", dest="output", metavar="OUT", type=Path, help="the file to write (default: stdout)"
    )
    dtb.set_defaults(run=run_dtb)
    kernels(actions)


def run_list(arguments: argparse.Namespace) -> int:
    """One line a board: name and description."""
    del arguments
    boards = {**other_boards(), **ready_boards()}
    width = max(map(len, boards))
    for name, path in boards.items():
        print(f"{name:{width}}  {description(path)}")
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    """Print what is wrong, or what the board has; the exit status is that of ``--help``."""
    logging.getLogger("rprocfs").addHandler(logging.NullHandler())  # errors are printed
    try:
        found = load_board(arguments.board)
    except BoardError as failure:
        return _report(arguments, WRONG, list(failure.complaints), [])
    except CommandError as failure:
        status = WRONG if Path(arguments.board).is_file() else TROUBLE
        return _report(arguments, status, [str(failure)], [])
    complaints = _refusals(found) if found.processors else [_empty(arguments.board, found)]
    labels = [str(processor.get("label", "")) for processor in found.processors]
    return _report(arguments, WRONG if complaints else GOOD, complaints, labels)


def _empty(name: str, board: Board) -> str:
    if board.devicetree is None:
        return f"{name}: no processor, describe one with [[remoteproc]]"
    return f"{name}: no processor, no node that is okay has a compatible of {', '.join(DRIVERS)}"


def _refusals(board: Board) -> list[str]:
    """Return the complaints of the drivers' probes; no processor is started."""
    with System(firmware=board.firmware_directory) as system, _no_new_logs(board):
        for number, processor in enumerate(board.processors):
            quiet = {key: value for key, value in processor.items() if key not in STARTS}
            system.add_processor(quiet | {"auto-boot": False}, board.node(number))
        system.model.deferred.timeout()
        return list(probe_failures(system))


@contextmanager
def _no_new_logs(board: Board) -> Iterator[None]:
    """Remove the files of ``console-log`` that a probe has made."""
    logs = [Path(str(processor.get("console-log", "/"))) for processor in board.processors]
    new = [log for log in logs if not os.path.lexists(log)]
    yield
    for log in new:
        log.unlink(missing_ok=True)


def _report(
    arguments: argparse.Namespace, status: int, complaints: list[str], labels: list[str]
) -> int:
    if arguments.json:
        report = {"board": arguments.board, "good": status == GOOD, "complaints": complaints,
                  "processors": labels}  # fmt: skip
        print(json.dumps(report, indent=2))
    elif status == GOOD:
        print(f"{arguments.board}: good, {len(labels)} processors: {', '.join(labels)}")
    for complaint in () if arguments.json else complaints:
        print(f"rprocfs: {complaint}", file=sys.stderr)
    return status


def run_show(arguments: argparse.Namespace) -> int:
    """Print the board file of a mount or of a ready board; CommandError."""
    ready = ready_boards().get(arguments.directory)
    if ready is not None and not Path(arguments.directory).is_dir():
        print(show_ready(ready), end="")
        return 0
    file = Path(arguments.directory) / PATH
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError as failure:
        raise CommandError(
            f"{arguments.directory}: no board is mounted there, or it is mounted strict"
        ) from failure
    print(text, end="")
    return 0


def run_dtb(arguments: argparse.Namespace) -> int:
    """Write the blob; CommandError."""
    found = load_board(arguments.board)
    blob = _blob(found)
    if arguments.output is not None:
        arguments.output.write_bytes(blob)
    elif sys.stdout.isatty():
        raise CommandError("a devicetree is no text, give -o OUT")
    else:
        sys.stdout.buffer.write(blob)
    return 0


def _blob(found: Board) -> bytes:
    tree, directory, modules = found.devicetree, found.firmware_directory, found.modules
    if tree is None:
        return write_dtb(found.processors, directory, modules)
    if len(found.processors) > len(tree.processors):
        raise CommandError("it has processors beside those of its devicetree")
    return copy_dtb(tree, directory, modules)

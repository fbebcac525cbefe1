"""``rprocfs board``: the boards that come along, and devicetrees made of board files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rprocfs.board import load_board
from rprocfs.board.devicetree import write_dtb
from rprocfs.board.ready import description, ready_boards
from rprocfs.errors import CommandError


def board(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("board", help="the boards that come along; devicetrees")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    shown = actions.add_parser("list", help="list the boards that --board takes by name")
    shown.set_defaults(run=run_list)
    dtb = actions.add_parser("dtb", help="write a board file as a flattened devicetree")
    dtb.add_argument("board", metavar="FILE", help="a board file, or the name of a board")
    dtb.add_argument(
        "-o", dest="output", metavar="OUT", type=Path, help="the file to write (default: stdout)"
    )
    dtb.set_defaults(run=run_dtb)


def run_list(arguments: argparse.Namespace) -> int:
    """One line a board: name and description."""
    del arguments
    boards = ready_boards()
    width = max(map(len, boards))
    for name, path in boards.items():
        print(f"{name:{width}}  {description(path)}")
    return 0


def run_dtb(arguments: argparse.Namespace) -> int:
    """Write the blob; CommandError."""
    found = load_board(arguments.board)
    blob = write_dtb(found.processors, found.firmware_directory, found.modules)
    if arguments.output is not None:
        arguments.output.write_bytes(blob)
    elif sys.stdout.isatty():
        raise CommandError("a devicetree is no text, give -o OUT")
    else:
        sys.stdout.buffer.write(blob)
    return 0

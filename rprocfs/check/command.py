"""``rprocfs check``: will this image boot and work, and if not, why not."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rprocfs.board import load_board
from rprocfs.board.open import kernel_version
from rprocfs.board.ready import ready_boards
from rprocfs.check.document import document
from rprocfs.check.drawing import map_svg
from rprocfs.check.dry_boot import DryBoot, dry_boot
from rprocfs.check.elf_facts import elf_facts
from rprocfs.check.machines import fitting, machines_of
from rprocfs.check.render import printable, render
from rprocfs.errors import CommandError
from rprocfs.system import System

if TYPE_CHECKING:
    from rprocfs.board import Board

GOOD, REFUSED, TROUBLE = 0, 1, 2
#: Properties that would start something, or touch a file of a processor that runs.
IGNORED = {"auto-boot", "detached", "console-log", "gdb"}
#: Enough of a file for its ELF header.
_HEADER = 64


def check(subparsers: Any) -> None:
    """Add ``rprocfs check``."""
    parser = subparsers.add_parser(
        "check",
        help="say whether a firmware image boots, and if not, why",
        description="Do everything of a boot but start the processor, and explain what happens.",
        epilog="exit status: 0 it boots, 1 it is refused (with --strict also: there are "
        "warnings), 2 it could not be checked",
    )
    parser.add_argument(
        "--board",
        metavar="BOARD",
        help=f"TOML, a devicetree, or a name: {', '.join(ready_boards())}",
    )
    parser.add_argument(
        "--processor", metavar="NAME", help="its label; the first one that the image is built for"
    )
    parser.add_argument("--json", action="store_true", help="the whole report for programs")
    parser.add_argument("--strict", action="store_true", help="warnings are failures, too")
    parser.add_argument("--svg", metavar="FILE", help="also draw the memory map into FILE")
    parser.add_argument("firmware", metavar="FIRMWARE", help="the image, a path")
    parser.set_defaults(run=run_check)


def run_check(arguments: argparse.Namespace) -> int:
    """Print the report; the exit status as ``--help`` says."""
    logging.getLogger("rprocfs").addHandler(logging.NullHandler())  # the report has the log
    try:
        file = _readable(arguments.firmware)
        target = choose(load_board(arguments.board), arguments.processor, file, arguments.board)
        report = make_report(arguments.firmware, target)
        if arguments.svg:
            _write_svg(arguments.svg, report)
    except CommandError as failure:
        print(f"rprocfs: {failure}", file=sys.stderr)
        return TROUBLE
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print("\n".join(render(report, coloured=coloured)))
    doubtful = any(finding["severity"] == "warning" for finding in report["findings"])
    return GOOD if report["boots"] and not (arguments.strict and doubtful) else REFUSED


@dataclass(frozen=True, slots=True)
class Target:
    """What an image is checked for: a processor of *board*, by its number."""

    board: Board
    number: int = 0

    @property
    def properties(self) -> Mapping[str, Any]:
        """Those of its description."""
        return self.board.processors[self.number]


def choose(board: Board, label: str | None, file: Path, name: str | None = None) -> Target:
    """The processor called *label*, else the first for which the image is built. CommandError."""
    labels = [str(properties.get("label", "(no label)")) for properties in board.processors]
    if not labels:
        raise CommandError(f"{name}: no processor")
    if label is None:
        with file.open("rb") as image:
            facts = elf_facts(image.read(_HEADER))
        return Target(board, fitting(board.processors, facts.machine if facts else None))
    if label not in labels:
        raise CommandError(f"no processor {label}, there are {', '.join(labels)}")
    return Target(board, labels.index(label))


def make_report(path: str, target: Target) -> dict[str, Any]:
    """Make the report on the image at *path* on this processor. CommandError."""
    properties = target.properties
    boot = _boot(_readable(path), target)
    return {
        "firmware": path,
        "processor": properties.get("label", properties["compatible"]),
        "compatible": properties["compatible"],
        **document(boot, machines_of(properties)),
    }


def _readable(path: str) -> Path:
    file = Path(path).absolute()
    if not file.is_file():
        raise CommandError(f"{path}: {'not a file' if file.exists() else 'no such file'}")
    if not os.access(file, os.R_OK):
        raise CommandError(f"{path}: permission denied")
    return file


def _boot(file: Path, target: Target) -> DryBoot:
    board = target.board
    properties = {k: v for k, v in target.properties.items() if k not in IGNORED}
    properties["auto-boot"] = False  # also where its devicetree says it
    with System(firmware=file.parent, version=kernel_version(board.kernel)) as system:
        device = system.add_processor(properties, board.node(target.number))
        rprocs = system.remoteproc.rprocs
        if device.driver is None or not rprocs:
            said = "; ".join(record.text for record in system.model.kmsg.records())
            raise CommandError(f"the processor itself does not work: {said}")
        system.loader.path = str(file.parent)
        return dry_boot(rprocs[0], file.name)


def _write_svg(path: str, report: Mapping[str, Any]) -> None:
    try:
        Path(path).write_text(map_svg(printable(report)), "utf-8")
    except OSError as failure:
        raise CommandError(f"{path}: {failure.strerror}") from failure

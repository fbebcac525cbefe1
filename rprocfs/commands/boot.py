"""``rprocfs boot``: boot one image, show what it says, and end with a verdict: for CI."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rprocfs.board import open_board
from rprocfs.commands.backtrace import backtrace
from rprocfs.commands.boot_files import Said, read_dump, sources
from rprocfs.errors import CommandError
from rprocfs.lib.printable import printable
from rprocfs.remoteproc.core import rproc_boot, rproc_set_firmware, rproc_shutdown
from rprocfs.remoteproc.dump_segment import DumpMode
from rprocfs.remoteproc.rproc import Rproc
from rprocfs.system import System

GOOD, FAILED = 0, 1
#: Seconds between two looks, and that a dump may take after a crash.
TICK, DUMP_WITHIN = 0.02, 3.0
COLOURS = {"kernel": "33", "console": "36", "trace": "35"}
CRASH = "crash detected in "


def boot(subparsers: Any) -> None:
    """Add ``rprocfs boot``."""
    parser = subparsers.add_parser(
        "boot",
        help="boot a firmware image on a board, and show what it says",
        description="Boot IMAGE on a processor of a board of its own, and print the kernel log, "
        "the console and the trace buffers, each line with its source.",
        epilog="exit status: 0 the text appeared (without --expect: it was up until --timeout, or "
        "until Ctrl-C); 1 it did not boot, crashed, or the time was up; 2 wrong usage",
    )
    parser.add_argument("--board", metavar="BOARD", help="TOML, a devicetree, or a name")
    parser.add_argument("--processor", metavar="LABEL", help="the processor (default: the first)")
    parser.add_argument("--expect", metavar="TEXT", help="end once a line has this in it")
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="end after so long (default: never)"
    )
    parser.add_argument("image", metavar="IMAGE", type=Path, help="the firmware, an ELF file")
    parser.set_defaults(run=run_boot)


def run_boot(arguments: argparse.Namespace) -> int:
    """Boot, and tell; the exit status as ``--help`` says. CommandError."""
    image: Path = arguments.image
    if not image.is_file():
        raise CommandError(f"{image}: {'not a file' if image.exists() else 'no such file'}")
    logging.getLogger("rprocfs").addHandler(logging.NullHandler())  # its lines are printed here
    with open_board(arguments.board, firmware=str(image.absolute().parent)) as system:
        rproc = _processor(system, arguments.processor)
        rproc.dump_conf = DumpMode.ENABLED
        rproc_set_firmware(rproc, image.name)
        said = Said(sources(system, rproc))
        try:
            rproc_boot(rproc)
        except OSError as failure:
            _show(said.lines())
            raise CommandError(
                f"{image}: does not boot on {rproc.label}: {_reason(failure)} "
                "(rprocfs check says why)"
            ) from failure
        try:
            return _watch(arguments, rproc, said)
        finally:
            with suppress(OSError):  # it crashed
                rproc_shutdown(rproc)


def _reason(failure: OSError) -> str:
    """Say why the boot failed, also if the kernel refuses the image without a message."""
    return failure.strerror or os.strerror(failure.errno or errno.EIO)


def _processor(system: System, label: str | None) -> Rproc:
    rprocs = system.remoteproc.rprocs
    for rproc in rprocs:
        if label in (None, rproc.label):
            return rproc
    there = ", ".join(rproc.label for rproc in rprocs) or "none"
    raise CommandError(f"the board has no processor {label or ''}, there are {there}")


def _watch(arguments: argparse.Namespace, rproc: Rproc, said: Said) -> int:
    end = None if arguments.timeout is None else time.monotonic() + arguments.timeout
    while True:
        late = end is not None and time.monotonic() >= end
        for source, line in _shown(said.lines()):
            if source == "kernel" and CRASH in line:
                _tell_crash(rproc, arguments.image, said)
                return _fail("the processor crashed")
            if arguments.expect is not None and arguments.expect in line:
                return GOOD
        if late and arguments.expect is not None:
            return _fail(f"{arguments.expect!r} did not appear in {arguments.timeout:g} s")
        if late:
            return GOOD
        try:
            time.sleep(TICK)
        except KeyboardInterrupt:
            return GOOD if arguments.expect is None else FAILED


def _fail(why: str) -> int:
    print(f"rprocfs: {why}", file=sys.stderr)
    return FAILED


def _shown(lines: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The same lines, printed."""
    for source, line in lines:
        name = f"{source:8}"
        if sys.stdout.isatty():
            name = f"\x1b[{COLOURS.get(source.rstrip('0123456789'), '0')}m{name}\x1b[0m"
        print(name, printable(line, keep="\t"), flush=True)
        yield source, line


def _show(lines: Iterator[tuple[str, str]]) -> None:
    for _ in _shown(lines):
        pass


def _tell_crash(rproc: Rproc, image: Path, said: Said) -> None:
    """Print the backtrace that is in the dump."""
    deadline = time.monotonic() + DUMP_WITHIN
    data = b""
    while not data and time.monotonic() < deadline:
        data = read_dump(rproc)
        time.sleep(0 if data else TICK)
    _show(said.lines())
    _show(iter([("crash", line) for line in backtrace(image.read_bytes(), data)]))

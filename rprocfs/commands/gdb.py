"""``rprocfs gdb``: debug the firmware of a mounted board's processor."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rprocfs.commands.top import the_mount
from rprocfs.errors import CommandError

GDB = "gdb-multiarch"
_RPROC = "sys/class/remoteproc"
#: Where firmware is besides ``firmware_class.path``, of the mount and then of the host.
_FIRMWARE = ("lib/firmware/updates", "lib/firmware", "/lib/firmware/updates", "/lib/firmware")
_EPILOG = f"""\
Halts the processor and starts {GDB}. A processor that no debugger can come to yet listens at a
socket meanwhile (the file gdb in its directory); one that is offline is started with --halt. Once
gdb has ended the processor goes on. A strict mount, as of rprocfs run, has no file gdb: there the
key gdb of the board and "target remote" do the same.

exit status: that of gdb; 1 there is no such processor, it is offline, or there is no gdb; 2 wrong
usage"""


def gdb(subparsers: Any) -> None:
    """Add ``rprocfs gdb``."""
    parser = subparsers.add_parser(
        "gdb",
        help="debug the firmware of a processor of a mounted board",
        description="Debug the firmware of the processor NAME (remoteprocN, or its label).",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    parser.add_argument("--mount", metavar="DIR", help="the mount (default: the only one)")
    parser.add_argument("--elf", metavar="FILE", help="the symbols (default: its firmware)")
    parser.add_argument(
        "--halt", action="store_true", help="boot it, halted in front of the first instruction"
    )
    parser.add_argument("--gdb", metavar="PROGRAM", default=GDB, help=f"the debugger ({GDB})")
    parser.add_argument("name", metavar="NAME", help="the processor")
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="for gdb, behind --")
    parser.set_defaults(run=run_gdb)


def run_gdb(arguments: argparse.Namespace) -> int:
    """Start gdb, and return its exit status. CommandError."""
    program = shutil.which(arguments.gdb)
    if program is None:
        raise CommandError(f"{arguments.gdb} is not installed")
    mount = Path(arguments.mount) if arguments.mount else the_mount()
    rproc = find(mount, arguments.name)
    if arguments.elf and not Path(arguments.elf).is_file():
        raise CommandError(f"{arguments.elf}: no such file")
    with listening(rproc, arguments.name) as address:
        if arguments.halt:
            start_halted(rproc, arguments.name)
        elif _read(rproc / "state") != "running":
            raise CommandError(f"{arguments.name} is {_read(rproc / 'state')}: --halt boots it")
        elf = arguments.elf or image(mount, rproc)
        words = [program, "-ex", f"target remote {address}", *arguments.arguments]
        return _debug([*words, elf] if elf else words)


def find(mount: Path, name: str) -> Path:
    """The directory of the processor *name*, or of that label. CommandError."""
    try:
        found = sorted((mount / _RPROC).iterdir())
    except OSError as failure:
        raise CommandError(f"{mount}: no board here: {failure.strerror}") from failure
    names = {path: (path.name, _read(path / "name")) for path in found}
    for path, known in names.items():
        if name in known:
            return path
    there = ", ".join(f"{path.name} ({label})" for path, (_, label) in names.items()) or "none"
    raise CommandError(f"no processor {name}, there are {there}")


@contextmanager
def listening(rproc: Path, name: str) -> Iterator[str]:
    """Where a debugger finds it, if need be only meanwhile. CommandError."""
    node = rproc / "gdb"
    if not node.exists():
        raise CommandError(
            f"{name} has no file gdb: its driver executes nothing, or the mount is strict"
        )
    address = _read(node)
    if address:
        yield address
        return
    with tempfile.TemporaryDirectory(prefix="rprocfs-gdb-") as directory:
        address = f"{directory}/gdb"
        _write(node, address, name)
        try:
            yield address
        finally:
            _write(node, "\n", name)


def start_halted(rproc: Path, name: str) -> None:
    """Boot it halted. CommandError."""
    node, before = rproc / "gdb_halt", _read(rproc / "gdb_halt")
    _write(node, "1", name)
    try:
        _write(rproc / "state", "start", name)
    finally:
        _write(node, before, name)


def image(mount: Path, rproc: Path) -> str:
    """The file of its firmware, as the mount sees it; empty if that cannot be found."""
    firmware = _read(rproc / "firmware")
    path = _read(mount / "sys/module/firmware_class/parameters/path")
    for directory in (path, *_FIRMWARE):
        file = mount / directory / firmware
        if directory and firmware and file.is_file():
            return str(file)
    return ""


def _debug(words: list[str]) -> int:
    """Run gdb in the foreground; Ctrl-C is for it."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # ignored, gdb would ignore it, too
    try:
        status = subprocess.run(words, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""


def _write(path: Path, text: str, name: str) -> None:
    try:
        path.write_bytes(os.fsencode(text))
    except OSError as failure:
        raise CommandError(f"{name}: {path.name}: {failure.strerror}") from failure

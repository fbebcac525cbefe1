"""``rprocfs record``: run :mod:`.recorder` here or over ssh, and look at what it wrote."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, Any

from rprocfs.board import load_board
from rprocfs.errors import CommandError

SCRIPT = Path(__file__).with_name("recorder.py")
#: The most that a board may send: a board file, and images.
_LIMIT = 1 << 30


def record(subparsers: Any) -> None:
    """Add ``rprocfs record``."""
    parser = subparsers.add_parser(
        "record",
        help="make a board file of a real board",
        description="Read what /sys, /proc and /dev of a board say of its processors, and write "
        "a board file that looks like it: for rprocfs run --board FILE. Nothing on the board is "
        "changed or started, and no device is opened. Serial numbers, MAC addresses and the "
        "kernel's command line are left out.",
        epilog="exit status: 0; 1 there is nothing to record, or ssh failed; 2 wrong usage. What "
        "is left out is said on stderr. A board needs python3 (3.6 or later) and nothing else: "
        "without rprocfs on the way, ssh BOARD python3 - < recorder.py > board.toml",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--ssh", metavar="HOST", help="the board, as ssh knows it (default: here)")
    where.add_argument(
        "--root", metavar="DIR", type=Path, help="a directory with its sys, proc and dev"
    )
    where.add_argument(
        "--print-script", action="store_true", help="print recorder.py, to be taken to a board"
    )
    out = parser.add_mutually_exclusive_group()
    out.add_argument(
        "-o", dest="output", metavar="OUT", type=Path, help="the file to write (default: stdout)"
    )
    out.add_argument(
        "--firmware", metavar="DIR", type=Path,
        help="write DIR/board.toml, and the images that processors name into DIR/firmware",
    )  # fmt: skip
    parser.set_defaults(run=run_record)


def run_record(arguments: argparse.Namespace) -> int:
    """Record; the exit status as ``--help`` says. CommandError."""
    script = SCRIPT.read_bytes()
    if arguments.print_script:
        return _write(arguments.output, script)
    words = ["--tar"] if arguments.firmware is not None else []
    if arguments.root is not None:
        words += ["--root", str(arguments.root)]
    content = _ask([*_python(arguments.ssh), "-", *words], script, arguments.ssh)
    if arguments.firmware is None:
        _write(arguments.output, content)
        file = arguments.output
    else:
        file = unpack(content, arguments.firmware)
    if file is not None:
        load_board(str(file))
    return 0


def _python(host: str | None) -> list[str]:
    return [sys.executable, "-I"] if host is None else ["ssh", "-T", "--", host, "python3"]


def _ask(command: list[str], script: bytes, host: str | None) -> bytes:
    """What the *script* writes; its complaints go to stderr. CommandError."""
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            content = _talk(process, script)
    except FileNotFoundError as failure:
        raise CommandError(f"{command[0]}: not installed") from failure
    if len(content) > _LIMIT:
        raise CommandError(f"more than {_LIMIT} bytes are no recording")
    if process.returncode:
        where = f"{host}: " if host else ""
        raise CommandError(f"{where}not recorded (exit status {process.returncode})")
    return content


def _talk(process: subprocess.Popen[bytes], script: bytes) -> bytes:
    """Send all of the *script*, which Python reads before it begins, and read the answer."""
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None and stdout is not None
    try:
        stdin.write(script)
        stdin.close()
    except BrokenPipeError:
        pass  # ssh says why
    content = stdout.read(_LIMIT + 1)
    if len(content) > _LIMIT:
        process.kill()
    return content


def _write(output: Path | None, content: bytes) -> int:
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)
    return 0


def unpack(content: bytes, directory: Path) -> Path:
    """Write what a board has sent into *directory*, new or not; its board file. CommandError.

    Only files, and only ``board.toml`` and what is below ``firmware``: a board is not trusted.
    A link that is there already is not followed out of it.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                ours = path.parts == ("board.toml",) or path.parts[:1] == ("firmware",)
                if not member.isreg() or not ours or ".." in path.parts:
                    raise CommandError(f"the board sent {member.name!a}, which is no image")
                file = tar.extractfile(member)
                assert file is not None
                _place(directory, path, file)
    except tarfile.TarError as failure:
        raise CommandError(f"the board sent no tar file: {failure}") from failure
    return directory / "board.toml"


def _place(directory: Path, path: PurePosixPath, file: IO[bytes]) -> None:
    target = directory / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(directory.resolve()):
        raise CommandError(f"{target.parent} leads out of {directory}")
    target.unlink(missing_ok=True)
    target.write_bytes(file.read())

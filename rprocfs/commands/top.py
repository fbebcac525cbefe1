"""``rprocfs top``: what the processors of a mounted board are doing."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rprocfs.commands.top_files import rates, sample
from rprocfs.errors import CommandError
from rprocfs.lib.printable import printable

#: Head to the word of a row that is below it, in their order.
_COLUMNS = {
    "NAME": "name", "LABEL": "label", "STATE": "state", "ENGINE": "engine",
    "FIRMWARE": "firmware", "PID": "pid", "CPU%": "cpu", "RSS": "rss",
    "OUT/s": "messages_out_rate", "OUTB/s": "bytes_out_rate",
    "IN/s": "messages_in_rate", "INB/s": "bytes_in_rate", "HELD": "vrings",
}  # fmt: skip
_BYTES = ("RSS", "OUTB/s", "INB/s")
#: The columns that a narrow terminal loses, the first one first; --json has all of them.
_DISPENSABLE = ("PID", "ENGINE", "OUTB/s", "INB/s", "HELD")
#: The columns that are cut if that is not enough, with their width then.
_CUT = {"FIRMWARE": 12, "LABEL": 10}
_EPILOG = """\
columns:
  ENGINE, PID, RSS  what executes the firmware, its process, and the memory of that
  CPU%              of one CPU, since the last look
  OUT/s, OUTB/s     messages and bytes a second to the processor
  IN/s, INB/s       messages and bytes a second from it
  HELD              of each vring, buffers that the processor has of how many there are
Sizes: K is 1024 bytes, M is 1024 K. A narrow terminal shows fewer columns, --json all.
A strict mount, as of rprocfs run, tells names, states and firmware only.

keys:
  up, down          choose a processor; s starts it, x stops it, c crashes it
  m                 send a message by its first channel, and show the answer
  q                 quit

exit status: 0, 1 there is no mount or none any more, 2 wrong usage"""


def top(subparsers: Any) -> None:
    """Add ``rprocfs top``."""
    parser = subparsers.add_parser(
        "top",
        help="show what the processors of a mounted board are doing",
        description="Show processors, messages and bytes a second, vrings, CPU and memory:\n"
        "a screen with keys on a terminal that has textual (rprocfs[top]), else the table once.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    parser.add_argument("--json", action="store_true", help="once, for programs")
    parser.add_argument("-n", dest="count", type=_count, metavar="ITERATIONS", help="then end")
    parser.add_argument(
        "-d", dest="delay", type=_delay, default=1.0, metavar="SECONDS", help="between two (1)"
    )
    parser.add_argument("directory", nargs="?", metavar="DIR", help="the mount; the only one")
    parser.set_defaults(run=run_top)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a number from 1 on")
    return int(text)


def _delay(text: str) -> float:
    seconds = float(text)
    if not math.isfinite(seconds) or not 0.01 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("must be from 0.01 to 3600")
    return seconds


def run_top(arguments: argparse.Namespace) -> int:
    """Show the table; CommandError if there is no mount, or if it went away."""
    where = Path(arguments.directory) if arguments.directory else the_mount()
    if sys.stdout.isatty() and not arguments.json and (screen := _screen()):
        return _draw(screen, where, arguments)
    for rows in readings(where, arguments.count or 1, arguments.delay, time.sleep):
        json_text = json.dumps({"processors": rows}, indent=2) if arguments.json else None
        text = json_text or table(rows, _width())
        print(text, flush=True)
    return 0


def readings(
    where: Path, count: int, delay: float, sleep: Callable[[float], object]
) -> Iterator[list[dict[str, Any]]]:
    """Sample *count* times, *delay* seconds apart; CommandError if there is no mount."""
    before = sample(where)
    for _ in range(count):
        sleep(delay)
        after = sample(where)
        yield rates(before, after)
        before = after


def _screen() -> Any:
    """The module that draws on a terminal; None without its library."""
    try:
        importlib.import_module("textual")
    except ImportError:
        return None
    return importlib.import_module("rprocfs.commands.top_screen")


def _draw(screen: Any, where: Path, arguments: argparse.Namespace) -> int:
    ended = threading.Event()
    rows = readings(where, arguments.count or sys.maxsize, arguments.delay, ended.wait)
    shown = screen.Screen(where, rows, ended, cells)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # until there is a handler
    status: int | None = shown.run()
    if shown.failure is not None:
        raise shown.failure
    return shown.return_code or 0 if status is None else status


def the_mount(mountinfo: str | None = None) -> Path:
    """Return the board under ``rprocfs run``, else the only mount of rprocfs.

    CommandError if there is no mount, or if there are several: it names them.
    """
    if mountinfo is None:
        mountinfo = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    found: dict[str, str] = {}
    for line in mountinfo.splitlines():
        front, _, back = line.partition(" - ")
        if back.startswith("fuse.rprocfs "):
            device, _, path = front.split(" ")[2:5]
            path = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)
            of_run = path.startswith(("/sys/", "/dev"))
            found[device] = "/" if of_run else found.get(device, path)
    if not found:
        raise CommandError("no board is mounted, see rprocfs mount")
    if "/" in found.values():  # the mounts of others stay visible under run
        return Path("/")
    if len(found) > 1:
        raise CommandError(f"which DIR? There are {', '.join(sorted(found.values()))}")
    return Path(*found.values())


def _width() -> int:
    """How wide the table may be: as the terminal; 80 if there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def table(rows: Sequence[Mapping[str, Any]], width: int | None = None) -> str:
    """The rows in columns, ``-`` for what is not known; if *width* is given, no wider."""
    columns = cells(rows, width)
    widths = [max(map(len, column)) for column in columns.values()]
    lines = zip(*columns.values(), strict=True)
    return "\n".join(
        "  ".join(word.ljust(size) for word, size in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def cells(
    rows: Sequence[Mapping[str, Any]], width: int | None = None
) -> Mapping[str, Sequence[str]]:
    """Each head to its column, the head itself first; if *width* is given, no wider."""
    columns = {
        head: [head, *(_cell(head, row[word]) for row in rows)] for head, word in _COLUMNS.items()
    }
    for head in _DISPENSABLE:
        if width is not None and _wide(columns) > width:
            del columns[head]
    for head, most in _CUT.items():
        if width is not None and _wide(columns) > width:
            columns[head] = [_cut(cell, most) for cell in columns[head]]
    return columns


def _wide(columns: Mapping[str, Sequence[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in columns.values()) - 2


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "~"


def _cell(head: str, value: Any) -> str:
    if head == "HELD":
        return " ".join(f"{vring['held']}/{vring['num']}" for vring in value or ()) or "-"
    if value is None:
        return "-"
    if head in _BYTES:
        return human(value)
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    return printable(text, "?")


def human(size: float) -> str:
    """A number of bytes in at most 5 characters."""
    for unit in ("", "K", "M", "G"):
        if size < 1000:
            return f"{size:.1f}{unit}" if unit and size < 10 else f"{size:.0f}{unit}"
        size /= 1024
    return f"{size:.0f}T"

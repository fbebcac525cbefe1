"""``rprocfs top``: what the processors of a mounted board are doing."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rprocfs.commands.top_files import rates, sample
from rprocfs.errors import CommandError

_HEAD = ("NAME", "LABEL", "STATE", "ENGINE", "FIRMWARE", "PID", "CPU%", "RSS",
         "OUT/s", "B/s", "IN/s", "B/s", "HELD")  # fmt: skip
_SHOWN = ("name", "label", "state", "engine", "firmware", "pid", "cpu", "rss",
          "messages_out_rate", "bytes_out_rate", "messages_in_rate", "bytes_in_rate")  # fmt: skip


def top(subparsers: Any) -> None:
    """Add ``rprocfs top``."""
    parser = subparsers.add_parser(
        "top",
        help="show what the processors of a mounted board are doing",
        description="Show processors, messages and bytes a second, vrings, CPU and memory: "
        "again and again on a terminal that has rich (rprocfs[top]), else once.",
        epilog="a strict mount, as of rprocfs run, tells names, states and firmware only",
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
    """Show it; CommandError where there is no mount, or none any more."""
    where = Path(arguments.directory) if arguments.directory else the_mount()
    live = _live() if sys.stdout.isatty() and not arguments.json else None
    if live is not None:
        return _redraw(live, where, arguments)
    for rows in _readings(where, arguments.count or 1, arguments.delay, time.sleep):
        text = json.dumps({"processors": rows}, indent=2) if arguments.json else table(rows)
        print(text, flush=True)
    return 0


def _readings(
    where: Path, count: int, delay: float, sleep: Callable[[float], None]
) -> Iterator[list[dict[str, object]]]:
    before = sample(where)
    for _ in range(count):
        sleep(delay)
        after = sample(where)
        yield rates(before, after)
        before = after


def _redraw(live: Any, where: Path, arguments: argparse.Namespace) -> int:
    """Show it in place, and anew in a window that changes. SIGTERM restores the terminal."""

    def sleep(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if signal.sigtimedwait({signal.SIGWINCH}, left):
                live.console.clear()
                live.refresh()

    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH, *ends})
    live.start()  # cannot be undone when half done
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
        for rows in _readings(where, arguments.count or sys.maxsize, arguments.delay, sleep):
            live.update(live.text(table(rows), no_wrap=True, overflow="crop"), refresh=True)
    finally:
        live.stop()
    return 0


def _live() -> Any:
    """What redraws the terminal; None without the library."""
    try:
        rich = importlib.import_module("rich.live")
    except ImportError:
        return None
    live = rich.Live(auto_refresh=False, vertical_overflow="crop")
    live.text = importlib.import_module("rich.text").Text  # names are no markup
    return live


def the_mount(mountinfo: str | None = None) -> Path:
    """The only mount of rprocfs there is. CommandError naming them where there are several."""
    if mountinfo is None:
        mountinfo = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    found = {}
    for line in mountinfo.splitlines():
        front, _, back = line.partition(" - ")
        if back.startswith("fuse.rprocfs "):
            device, _, path = front.split(" ")[2:5]
            path = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)
            found[device] = "/" if device in found or path.startswith(("/sys/", "/dev")) else path
    if not found:
        raise CommandError("no board is mounted, see rprocfs mount")
    if len(found) > 1:
        raise CommandError(f"which DIR? There are {', '.join(sorted(found.values()))}")
    return Path(*found.values())


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows in columns; ``-`` for what is not known."""
    cells = [_HEAD, *((*(_cell(row[word]) for word in _SHOWN), _held(row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _cell(value: object) -> str:
    if value is None:
        return "-"
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    return "".join(char if char.isprintable() else "?" for char in text)


def _held(row: Mapping[str, Any]) -> str:
    return " ".join(f"{vring['held']}/{vring['num']}" for vring in row["vrings"] or ()) or "-"

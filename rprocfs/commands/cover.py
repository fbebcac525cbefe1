"""``rprocfs cover``: which lines of firmware were executed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rprocfs.coverage.lcov import tracefile
from rprocfs.coverage.report import Source, read
from rprocfs.coverage.summary import percent, table, total

_EPILOG = """\
-o coverage=DIRECTORY of rprocfs mount and run, and --rproc-cov of pytest, record
what the firmware of Cortex-M and -R processors executes, on the engine unicorn. No
instrumentation is needed: the image has to be built with -g.

exit status: 0; 1 nothing was recorded, or less is covered than --fail-under;
2 wrong usage"""


def cover(subparsers: Any) -> None:
    """Add ``rprocfs cover``."""
    parser = subparsers.add_parser(
        "cover",
        help="say which lines of firmware were executed",
        description="Add up what was recorded by -o coverage=DIRECTORY, over all boots, and say\n"
        "which lines of the sources were executed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    parser.add_argument("--lcov", metavar="FILE", type=Path, help="write a tracefile of lcov")
    parser.add_argument(
        "--map", metavar="FROM=TO", dest="maps", action="append", default=[], type=_map,
        help="replace the beginning of the sources' paths",
    )  # fmt: skip
    parser.add_argument(
        "--fail-under", metavar="PERCENT", type=_percent, default=0.0,
        help="exit status 1 if fewer lines are covered",
    )  # fmt: skip
    parser.add_argument(
        "recorded", metavar="DIRECTORY", nargs="+", type=Path, help="what was recorded"
    )
    parser.set_defaults(run=run_cover)


def _map(text: str) -> tuple[str, str]:
    begin, equals, end = text.partition("=")
    if not begin or not equals:
        raise argparse.ArgumentTypeError(f"{text}: must be FROM=TO")
    return begin, end


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text}: must be from 0 to 100")
    return value


def run_cover(arguments: argparse.Namespace) -> int:
    """Tell; the exit status as ``--help`` says. CommandError."""
    sources = mapped(read(arguments.recorded), arguments.maps)
    if arguments.lcov is not None:
        arguments.lcov.write_text(tracefile(sources), "utf-8")
    print(table(sources))
    covered = percent(*total(sources))
    if covered < arguments.fail_under:
        print(f"rprocfs: {covered:.1f}% is less than {arguments.fail_under:g}%", file=sys.stderr)
        return 1
    return 0


def mapped(sources: dict[str, Source], maps: list[tuple[str, str]]) -> dict[str, Source]:
    """With the first of *maps* applied to each path that it fits."""

    def new(path: str) -> str:
        for begin, instead in maps:
            if path.startswith(begin):
                return instead + path.removeprefix(begin)
        return path

    return {new(path): source for path, source in sources.items()}

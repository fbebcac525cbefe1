"""``rprocfs profile``: where firmware spends its time."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rprocfs.profiling.flame_graph import flame_graph
from rprocfs.profiling.stacks import folded, read, table

_EPILOG = """\
-o profile=DIRECTORY of rprocfs mount and run takes the samples: of Cortex-M and -R
processors, on the engine unicorn. Time is instructions; a core that sleeps
is not sampled. With DWARF (-g) a sample is a stack, without a function.

exit status: 0; 1 no sample was taken, 2 wrong usage"""


def profile(subparsers: Any) -> None:
    """Add ``rprocfs profile``."""
    parser = subparsers.add_parser(
        "profile",
        help="say where firmware spends its time",
        description="Add up the samples that -o profile=DIRECTORY has taken, by functions.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    parser.add_argument("--svg", metavar="OUT", type=Path, help="write a flame graph")
    parser.add_argument(
        "--folded", metavar="OUT", type=Path, help="write stacks for flamegraph.pl or speedscope"
    )
    parser.add_argument(
        "recorded", metavar="DIRECTORY", nargs="+", type=Path, help="what was recorded"
    )
    parser.set_defaults(run=run_profile)


def run_profile(arguments: argparse.Namespace) -> int:
    """Print the table, and write what is asked for. CommandError, OSError."""
    stacks = read(arguments.recorded)
    if arguments.svg is not None:
        title = f"{stacks.total()} samples"
        arguments.svg.write_text(flame_graph(stacks, title), "utf-8")
    if arguments.folded is not None:
        text = "".join(f"{line}\n" for line in folded(stacks))
        arguments.folded.write_text(text, "utf-8")
    for line in table(stacks):
        print(line)
    return 0

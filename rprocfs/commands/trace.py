"""``rprocfs trace``: what happened on a board, and when."""

from __future__ import annotations

import argparse
import sys
from importlib import resources
from pathlib import Path
from typing import Any

from rprocfs.tracing.chrome import trace_events
from rprocfs.tracing.pcapng import capture
from rprocfs.tracing.recording import read
from rprocfs.tracing.text import lines

_EPILOG = """\
-o trace=FILE of rprocfs mount and run records states, boots, doorbells, messages,
endpoints, channels, console output and the kernel log of all processors; of
those on the engine unicorn also exceptions and interrupts.

exit status: 0; 1 there is no recording, 2 wrong usage"""


def trace(subparsers: Any) -> None:
    """Add ``rprocfs trace``."""
    parser = subparsers.add_parser(
        "trace",
        help="show what happened on a board, and when",
        description="Print what -o trace=FILE has recorded, or make files of it for other tools.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--json", metavar="OUT", type=Path, help="write a timeline for https://ui.perfetto.dev"
    )
    parser.add_argument(
        "--pcapng", metavar="OUT", type=Path, help="write the rpmsg messages as a capture file"
    )
    parser.add_argument(
        "--dissector", metavar="OUT", type=Path, help="write a dissector of those for Wireshark"
    )
    parser.add_argument("--processor", metavar="NAME", help="only of this one: remoteproc0")
    parser.add_argument("recording", metavar="FILE", type=Path, help="what was recorded")
    parser.set_defaults(run=run_trace)


def run_trace(arguments: argparse.Namespace) -> int:
    """Print, or write what is asked for. CommandError, OSError."""
    recording = read(arguments.recording)
    if arguments.processor is not None:
        recording = recording.only(arguments.processor)
    if arguments.json is not None:
        arguments.json.write_text(trace_events(recording), "utf-8")
    if arguments.pcapng is not None:
        arguments.pcapng.write_bytes(capture(recording))
    if arguments.dissector is not None:
        script = resources.files("rprocfs.tracing").joinpath("rpmsg.lua")
        arguments.dissector.write_bytes(script.read_bytes())
    if not (arguments.json or arguments.pcapng or arguments.dissector):
        for line in lines(recording):
            sys.stdout.write(f"{line}\n")
    return 0

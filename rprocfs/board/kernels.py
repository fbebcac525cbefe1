"""``rprocfs board kernels``: the differences between kernel versions, from their table."""

from __future__ import annotations

import argparse
from typing import Any

from rprocfs.errors import CommandError
from rprocfs.kernel import FEATURES, KERNELS, Feature, KernelVersion, find_kernel


def kernels(actions: Any) -> None:
    """Add the action."""
    parser = actions.add_parser(
        "kernels",
        help="list what differs between the kernels that a board can answer as",
        description="List what differs between two kernels, or what came with each of them.",
        epilog="KERNEL: a line (6.12: the newest of its releases), or a release (6.12.107)",
    )
    parser.add_argument("older", metavar="KERNEL", nargs="?", help="list what this one lacks")
    parser.add_argument("newer", metavar="KERNEL", nargs="?", help="and this one has")
    parser.set_defaults(run=run_kernels)


def run_kernels(arguments: argparse.Namespace) -> int:
    """Print the table, or the difference of two; CommandError."""
    if arguments.older is None:
        print("kernels:", ", ".join(version.uname for version in KERNELS))
        rows: tuple[Feature, ...] = FEATURES
    else:
        newer = _find(arguments.newer) if arguments.newer else KERNELS[-1]
        older = _find(arguments.older)
        rows = tuple(row for row in FEATURES if older.has(row) is not newer.has(row))
    for row in rows:
        print(f"\n{row.name} (since {_since(row)})\n  {row.what}\n  {row.source}")
    return 0


def _find(text: str) -> KernelVersion:
    try:
        return find_kernel(text)
    except ValueError as failure:
        raise CommandError(str(failure)) from failure


def _since(row: Feature) -> str:
    stable = [f"{line[0]}.{line[1]}.{patch}" for line, patch in sorted(row.stable.items())]
    return ", ".join([KernelVersion(row.since, 0).release, *stable])

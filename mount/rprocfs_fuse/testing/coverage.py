"""``--rproc-cov``: the coverage of firmware over all tests."""

from __future__ import annotations

from pathlib import Path

from rprocfs.coverage.lcov import tracefile
from rprocfs.coverage.report import read
from rprocfs.coverage.summary import table
from rprocfs.errors import CommandError

LCOV = "lcov.info"


def clear(directory: Path) -> None:
    """Forget what was recorded in *directory*, which need not exist."""
    for pattern in ("*.json", "*.elf", LCOV):
        for file in directory.glob(pattern):
            file.unlink()


def report(directory: Path) -> str:
    """The table, and where the tracefile is; or why there is none."""
    try:
        sources = read([directory])
    except CommandError as problem:
        return str(problem)
    file = directory / LCOV
    file.write_text(tracefile(sources), "utf-8")
    return f"{table(sources)}\n{file}"

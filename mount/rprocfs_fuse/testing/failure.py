"""What the report of a failed test shows of its board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rprocfs_fuse.testing.heard import traces

if TYPE_CHECKING:
    from rprocfs_fuse.testing.board import RprocBoard

#: So many lines of a trace buffer are shown.
LINES = 20


def sections(board: RprocBoard) -> Iterator[tuple[str, str]]:
    """Title and text: the kernel log, crashes, and each processor that is or was up."""
    yield _section("Kernel log of the board", board.dmesg)
    if crashes := board.backtraces():
        yield "Backtraces of the board", crashes
    for name in board.processors():
        yield _section(f"Processor {name}", partial(_processor, board.path, name))


def _section(title: str, text: Callable[[], str]) -> tuple[str, str]:
    try:
        return title, text()
    except OSError as problem:
        return title, str(problem)


def _processor(root: Path, name: str) -> str:
    path = root / "sys/class/remoteproc" / name
    files = {file: (path / file).read_text().rstrip("\n") for file in ("name", "state", "firmware")}
    lines = [f"{file}: {text}" for file, text in files.items()]
    for trace, data in traces(root / "sys/kernel/debug/remoteproc" / name).items():
        said = data.decode("utf-8", "replace").splitlines()[-LINES:]
        lines += [f"{trace}: {line}" for line in said]
    return "\n".join(lines)

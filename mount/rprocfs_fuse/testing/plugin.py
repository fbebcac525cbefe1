"""The pytest plugin: a fresh board for a test, and commands inside it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess

    from rprocfs_fuse.testing.board import RprocBoard

MARKER = (
    "rproc_board(board=None, *, toml=None, firmware=None, options='', uevents=False): "
    "the board of the fixture rproc_board: a file (relative to the test's) or the name of a "
    "ready board, or the text of a board file; the directory of firmware (relative likewise); "
    "more words for -o; whether uevents are sent"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def rproc_board(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RprocBoard]:
    """A board of the test's own: the default one, or what its marker ``rproc_board`` says."""
    from rprocfs_fuse.testing.board import BoardError, RprocBoard  # noqa: PLC0415

    marker = request.node.get_closest_marker("rproc_board")
    words = _words(request.path.parent, tmp_path_factory, marker) if marker else []
    try:
        board = RprocBoard(*words)
    except BoardError as problem:
        pytest.fail(f"rproc_board: {problem}", pytrace=False)
    with board:
        yield board


@pytest.fixture
def rproc_run(rproc_board: RprocBoard) -> Callable[..., subprocess.CompletedProcess[Any]]:
    """Like ``subprocess.run``, for commands that see the test's board in ``/sys`` and ``/dev``."""
    return rproc_board.run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows its board's kernel log."""
    report = yield
    board = getattr(item, "funcargs", {}).get("rproc_board")
    if board is not None and report.when == "call" and report.failed:
        try:
            report.sections.append(("Kernel log of the board", board.dmesg()))
        except OSError as problem:
            report.sections.append(("Kernel log of the board", str(problem)))
    return report


def _words(here: Path, factory: pytest.TempPathFactory, marker: pytest.Mark) -> list[str]:
    """The arguments of ``rprocfs run`` that a marker stands for."""
    return _arguments(here, factory, *marker.args, **marker.kwargs)


def _arguments(
    here: Path,
    factory: pytest.TempPathFactory,
    board: str | Path | None = None,
    *,
    toml: str | None = None,
    firmware: str | Path | None = None,
    options: str = "",
    uevents: bool = False,
) -> list[str]:
    words = []
    if toml is not None:
        file = factory.mktemp("rproc_board") / "board.toml"
        file.write_text(toml, "utf-8")
        words += ["--board", str(file)]
    elif board is not None:
        file = here / board
        words += ["--board", str(file if file.exists() or file.suffix else board)]
    if firmware is not None:
        words += ["-o", f"firmware={here / firmware}"]
    if options:
        words += ["-o", options]
    return [*words, "--uevents"] if uevents else words

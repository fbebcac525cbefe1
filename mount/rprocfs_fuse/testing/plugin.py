"""The pytest plugin: a fresh board for a test, and commands inside it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    import subprocess

    from rprocfs_fuse.testing.board import RprocBoard
    from rprocfs_fuse.testing.processor import BoardProcessor

MARKER = (
    "rproc_board(board=None, *, toml=None, firmware=None, options='', uevents=False): "
    "the board of the fixture rproc_board: a file (relative to the test's) or the name of a "
    "ready board, or the text of a board file; the directory of firmware (relative likewise); "
    "more words for -o; whether uevents are sent"
)


#: The first test for which no board could be made, not even the default one.
NO_BOARDS = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What to record, and what to do on a machine on which there can be no board."""
    group = parser.getgroup("rprocfs")
    group.addoption(
        "--rproc-cov",
        action="store_true",
        help="say which lines of the firmware were executed on the boards of rproc_board",
    )
    group.addoption(
        "--rproc-cov-dir",
        metavar="DIR",
        default="rproc-cov",
        help="what was recorded, and a tracefile, lcov.info (default: rproc-cov)",
    )
    parser.addini(
        "rproc_board_missing",
        "a machine on which no board can be made (no /dev/fuse, no right to mount): "
        "'fail' (one error, the default) or 'skip'",
        default="fail",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; what an earlier run has recorded is not of this one."""
    config.addinivalue_line("markers", MARKER)
    if config.getoption("--rproc-cov") and not hasattr(config, "workerinput"):
        from rprocfs_fuse.testing import coverage  # noqa: PLC0415

        coverage.clear(_recorded(config))


def _recorded(config: pytest.Config) -> Path:
    """The directory of ``--rproc-cov``, the same for all processes of pytest-xdist."""
    return config.rootpath / str(config.getoption("--rproc-cov-dir"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what ``--rproc-cov`` asks for."""
    if config.getoption("--rproc-cov"):
        from rprocfs_fuse.testing import coverage  # noqa: PLC0415

        terminalreporter.section("coverage of firmware")
        terminalreporter.write_line(coverage.report(_recorded(config)))


@pytest.fixture
def rproc_board(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RprocBoard]:
    """A board of the test's own: the default one, or what its marker ``rproc_board`` says."""
    from rprocfs_fuse.testing.board import BoardError, RprocBoard  # noqa: PLC0415

    marker = request.node.get_closest_marker("rproc_board")
    words = _words(request.path.parent, tmp_path_factory, marker) if marker else []
    if request.config.getoption("--rproc-cov"):
        words += ["-o", f"coverage={_recorded(request.config)}"]
    if (seen := request.config.stash.get(NO_BOARDS, None)) is not None:
        pytest.skip(f"no board can be made here, see the error of {seen}")
    try:
        board = RprocBoard(*words)
    except BoardError as problem:
        _complain(request, str(problem), RprocBoard if words else None)
    with board:
        yield board


def _complain(
    request: pytest.FixtureRequest, problem: str, default: Callable[[], RprocBoard] | None
) -> NoReturn:
    """Fail the test, or skip it if no board at all can be made and the user wants that.

    *default* makes the default board, if that is another one. Where none can be made, the tests
    that follow are skipped: what is missing is one error, not one for each of them.
    """
    from rprocfs_fuse.testing.board import BoardError  # noqa: PLC0415

    try:
        if default is not None:
            default().close()
            pytest.fail(f"rproc_board: {problem}", pytrace=False)
    except BoardError as general:
        problem = str(general)
    if request.config.getini("rproc_board_missing") == "skip":
        pytest.skip(f"rproc_board: {problem}")
    request.config.stash[NO_BOARDS] = request.node.nodeid
    pytest.fail(f"rproc_board: {problem}", pytrace=False)


@pytest.fixture
def rproc(rproc_board: RprocBoard) -> BoardProcessor:
    """The first processor of the test's board; ``rproc_board.rproc("dsp")`` is another one."""
    return rproc_board.rproc()


@pytest.fixture
def rproc_run(rproc_board: RprocBoard) -> Callable[..., subprocess.CompletedProcess[Any]]:
    """Like ``subprocess.run``, for commands that see the test's board in ``/sys`` and ``/dev``."""
    return rproc_board.run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails shows its board's kernel log, and what its processors are doing."""
    report = yield
    board = getattr(item, "funcargs", {}).get("rproc_board")
    if board is not None and report.when == "call" and report.failed:
        from rprocfs_fuse.testing.failure import sections  # noqa: PLC0415

        report.sections.extend(sections(board))
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

"""Ready boards, by name: those of this package and of others."""

from __future__ import annotations

import difflib
import re
import textwrap
import tomllib
from collections.abc import Mapping
from pathlib import Path

from rprocfs.entry_point import load_entry_point
from rprocfs.errors import CommandError

#: The largest board file or devicetree.
MAX_SIZE = 2 << 20


def ready_boards() -> Mapping[str, Path]:
    """The boards of this package: name to file, in the order of the names."""
    here = Path(__file__).parents[1] / "boards"
    return {path.stem: path for path in sorted(here.glob("*.toml"))}


def other_boards() -> Mapping[str, Path]:
    """Those of other packages: what the entry points of the group ``rprocfs.boards`` name.

    Each is the path of a board file. CommandError for a broken entry point.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes as long as Python itself

    found = sorted(entry_points(group="rprocfs.boards"), key=lambda entry: entry.name)
    return {entry.name: Path(load_entry_point(entry)) for entry in found}


def images(name: str) -> tuple[str, ...]:
    """The directories of the shipped images: those for the board of that name, then the others."""
    here = Path(__file__).parents[1]
    places = (here / "boards/firmware" / name, here / "firmware")
    return tuple(str(place) for place in places if place.is_dir())


def board_names() -> str:
    """The boards that come along, for ``--help``."""
    return textwrap.fill("included boards: " + ", ".join(ready_boards()), 78)


def description(path: Path) -> str:
    """The first line of a board file, which describes it."""
    return str(tomllib.loads(path.read_text("utf-8")).get("description", ""))


def show_ready(path: Path) -> str:
    """Its text, changed so that a copy in another directory means the same."""
    tree = re.compile(r'^devicetree = "', re.MULTILINE)
    return tree.sub(f'devicetree = "{path.parent.absolute()}/', path.read_text("utf-8"))


def read_board(name: str) -> tuple[str, bytes]:
    """The path and the content of the file *name*, else of the board of that name; CommandError."""
    boards = ready_boards()
    try:
        if not Path(name).is_file() and name not in boards:
            boards = {**other_boards(), **boards}
        path = Path(name) if Path(name).is_file() else boards.get(name, Path(name))
        with path.open("rb") as file:
            content = file.read(MAX_SIZE + 1)
    except OSError as failure:
        near = difflib.get_close_matches(name, boards, 1)
        hint = f", did you mean the board {near[0]}?" if near else ""
        raise CommandError(f"{name}: {failure.strerror}{hint}") from failure
    except ValueError as failure:
        raise CommandError(f"{name!r}: no name of a file") from failure
    if len(content) > MAX_SIZE:
        raise CommandError(f"{name}: more than {MAX_SIZE} bytes describe no board")
    return str(path), content

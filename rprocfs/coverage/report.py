"""What the lines and functions of sources were executed, from a :mod:`.store` and DWARF."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from rprocfs.debuginfo.image import DebugInfo, DebugInfoError
from rprocfs.errors import CommandError


@dataclass(slots=True)
class Source:
    """A source file: how often each line of code and each function was executed.

    *functions* are by their names: the line that they begin in, and how often they did.
    """

    lines: Counter[int] = field(default_factory=Counter)
    functions: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def hit(self) -> int:
        """How many lines were executed."""
        return sum(count > 0 for count in self.lines.values())

    def missed(self) -> list[tuple[int, int]]:
        """First and last line of code of each stretch that was not executed."""
        ranges: list[tuple[int, int]] = []
        going_on = False
        for line in sorted(self.lines):
            if self.lines[line] > 0:
                going_on = False
                continue
            first = ranges.pop()[0] if going_on else line
            ranges.append((first, line))
            going_on = True
        return ranges


def read(paths: Iterable[Path]) -> dict[str, Source]:
    """The sources by their paths, over all boots in *paths*: files of a store, or directories.

    CommandError: there is none, or one is damaged.
    """
    executed: dict[Path, Counter[int]] = {}
    for path in paths:
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not files:
            raise CommandError(f"{path}: no boot was recorded here (-o coverage={path})")
        for file in files:
            image, differences = _load(file)
            executed.setdefault(image, Counter()).update(differences)
    sources: dict[str, Source] = {}
    without = [image for image, total in executed.items() if not _add(sources, image, total)]
    if not sources:
        raise CommandError(f"{without[0]}: no DWARF: build the firmware with -g")
    return sources


def _load(path: Path) -> tuple[Path, dict[int, int]]:
    try:
        about = json.loads(path.read_bytes())
        image = path.with_name(f"{about['image']}.elf")
        return image, {int(address): int(number) for address, number in about["differences"]}
    except OSError as failure:
        raise CommandError(f"{path}: {failure.strerror}") from failure
    except (ValueError, KeyError, TypeError) as problem:
        raise CommandError(f"{path}: not what -o coverage= writes") from problem


def _add(sources: dict[str, Source], image: Path, differences: Counter[int]) -> bool:
    """Whether the image has lines."""
    try:
        info = DebugInfo(image.read_bytes())
        rows = [row for row in info.rows if row.statement]
        first = {row.begin: row for row in reversed(info.rows)}
        functions = info.functions if rows else []
    except OSError as failure:
        raise CommandError(f"{image}: {failure.strerror}") from failure
    except DebugInfoError as problem:
        raise CommandError(f"{image}: {problem}") from problem
    executed = Executed(differences)
    here: dict[tuple[str, int], int] = {}
    for row in rows:
        place = row.path, row.line
        here[place] = max(here.get(place, 0), executed[row.begin])
    for (path, line), count in here.items():
        sources.setdefault(path, Source()).lines[line] += count
    for function in functions:
        begin = first.get(function.begin)
        if begin is not None:
            known = sources.setdefault(begin.path, Source()).functions
            count = known.get(function.name, (0, 0))[1] + executed[function.begin]
            known[function.name] = begin.line, count
    return bool(rows)


class Executed:
    """How often the code at an address was executed."""

    def __init__(self, differences: Counter[int]) -> None:
        self._addresses = sorted(differences)
        self._counts = list(accumulate(differences[address] for address in self._addresses))

    def __getitem__(self, address: int) -> int:
        index = bisect_right(self._addresses, address) - 1
        return max(0, self._counts[index]) if index >= 0 else 0

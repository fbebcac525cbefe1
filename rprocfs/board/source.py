"""Where in the text of a board file a key stands, so that a complaint can say so."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from rprocfs.board.schema import Key
from rprocfs.errors import CommandError

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([\w-]+|\"[^\"]*\"|'[^']*')\s*=")
_KINDS = {
    str: "a string",
    int: "a number",
    bool: "true or false",
    list: "a list of strings",
    dict: "a table, write [{name}]",
    tuple: "tables, write [[{name}]]",
}

#: ``("remoteproc", 0, "label")``: the key of the first table of that name.
Place = tuple[str | int, ...]


class Source:
    """A board file by name, and the lines of its *text*."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._lines: dict[Place, int] = {}
        self._index(text)

    def _index(self, text: str) -> None:
        table: Place = ()
        counts: dict[str, int] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                name = header[2].strip("\"'")
                table = (name,)
                self._lines.setdefault(table, number)
                if header[1] == "[[":
                    table = (name, counts.get(name, 0))
                    counts[name] = counts.get(name, 0) + 1
                self._lines.setdefault(table, number)
            elif key := _KEY.match(line):
                self._lines.setdefault((*table, key[1].strip("\"'")), number)

    def fail(self, place: Place, text: str) -> NoReturn:
        """CommandError with the file, the line and the key."""
        line = next(
            (self._lines[place[:end]] for end in range(len(place), 0, -1)
             if place[:end] in self._lines), None,
        )  # fmt: skip
        where = self.path if line is None else f"{self.path}:{line}"
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
        raise CommandError(f"{where}: {name[1:]}: {text}")

    def check_keys(self, place: Place, table: Mapping[str, Any], known: Mapping[str, Key]) -> None:
        """Are all keys known, and of their types. CommandError."""
        for name, value in table.items():
            if name not in known:
                self.fail((*place, name), "unknown key" + did_you_mean(name, known))
            kind = known[name].kind
            if not is_a(value, kind):
                self.fail((*place, name), "must be " + _KINDS[kind].format(name=name))
            if kind is str and not value.isprintable():
                self.fail((*place, name), "must be printable")


def is_a(value: object, kind: type) -> bool:
    """Is *value* of a kind that :class:`Key` names."""
    if kind is list:
        return isinstance(value, list) and all(isinstance(word, str) for word in value)
    if kind is tuple:
        return isinstance(value, list) and all(isinstance(table, dict) for table in value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`, did you mean NAME?` where there is one that is near."""
    near = difflib.get_close_matches(name, known, 1)
    return f", did you mean {near[0]}?" if near else ""

"""The line of each key in a board file, for complaints."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rprocfs.base.property import Key
from rprocfs.errors import BoardError

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
    """A board file by name, the lines of its *text*, and what is wrong there."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._complaints: list[str] = []
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

    def complain(self, place: Place, text: str) -> None:
        """Record a complaint about the key, with its line."""
        line = next(
            (self._lines[place[:end]] for end in range(len(place), 0, -1)
             if place[:end] in self._lines), None,
        )  # fmt: skip
        where = self.path if line is None else f"{self.path}:{line}"
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
        self._complaints.append(f"{where}: {name[1:]}: {text}")

    def finish(self) -> None:
        """BoardError with all complaints, if there are any."""
        if self._complaints:
            raise BoardError(self.path, tuple(self._complaints))

    def check_keys(
        self, place: Place, table: Mapping[str, Any], known: Mapping[str, Key]
    ) -> dict[str, Any]:
        """Return the keys that are known and have the right type; complain about the others."""
        good = {}
        for name, value in table.items():
            kind = known[name].kind if name in known else None
            if kind is None:
                self.complain((*place, name), "unknown key" + did_you_mean(name, known))
            elif not is_a(value, kind):
                self.complain((*place, name), "must be " + _KINDS[kind].format(name=name))
            elif kind is str and not value.isprintable():
                self.complain((*place, name), "must be printable")
            else:
                good[name] = value
        return good


def is_a(value: object, kind: type) -> bool:
    """Whether *value* has one of the types that :class:`Key` names."""
    if kind is list:
        return isinstance(value, list) and all(isinstance(word, str) for word in value)
    if kind is tuple:
        return isinstance(value, list) and all(isinstance(table, dict) for table in value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`, did you mean NAME?` if there is one that is near."""
    near = difflib.get_close_matches(name, known, 1)
    return f", did you mean {near[0]}?" if near else ""

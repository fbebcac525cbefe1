"""Owners, modes and further names of nodes, which udev sets on a board.

A rule is for nodes below ``dev`` by a pattern of their names, or for files of the devices
of a subsystem below ``sys``. It holds from the moment when the device appears.
"""

from __future__ import annotations

import grp
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rprocfs.fs.kernfs import Node


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[rule]]``; None: leave that as it is.

    *name* is a further condition: a pattern for the attribute ``name`` of the device or of
    one above it. *symlink* is another name of the node, below ``dev``; *driver* the one that
    a new device is given by ``driver_override``.
    """

    node: str | None
    subsystem: str | None
    name: str | None
    attributes: tuple[str, ...]
    uid: int | None
    gid: int | None
    mode: int | None
    symlink: str | None
    driver: str | None

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Rule:
        """Make a rule of a table whose types are valid; ValueError(key, text)."""
        if ("node" in table) == ("subsystem" in table):
            raise ValueError("node", "there must be either node or subsystem")
        if ("subsystem" in table) != bool({"attributes", "driver"} & table.keys()):
            raise ValueError("attributes", "subsystem and attributes go together, or driver")
        if "symlink" in table and "node" not in table:
            raise ValueError("symlink", "is for a node")
        return cls(
            table.get("node"),
            table.get("subsystem"),
            table.get("name"),
            tuple(table.get("attributes", ())),
            _number("owner", table.get("owner"), lambda name: pwd.getpwnam(name).pw_uid),
            _number("group", table.get("group"), lambda name: grp.getgrnam(name).gr_gid),
            _mode(table.get("mode")),
            _symlink(table.get("symlink")),
            table.get("driver"),
        )

    def apply(self, node: Node) -> None:
        """Give *node* its owner, group and mode."""
        node.setattr(self.mode, self.uid, self.gid)


def _symlink(text: str | None) -> str | None:
    if text is not None and ({"", ".", ".."} & set(text.split("/"))):
        raise ValueError("symlink", "must be a path below /dev")
    return text


def _number(key: str, name: str | None, find: Any) -> int | None:
    if name is None or name.isdecimal():
        return None if name is None else int(name)
    try:
        found: int = find(name)
    except KeyError as failure:
        raise ValueError(key, f"there is no {name}") from failure
    return found


def _mode(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        mode = int(text, 8)
    except ValueError as failure:
        raise ValueError("mode", "must be octal, such as 0660") from failure
    if not 0 <= mode <= 0o777:
        raise ValueError("mode", "must be at most 0777")
    return mode

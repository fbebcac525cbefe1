"""Whose nodes are, and what they are called besides: udev's part.

A rule is for nodes below ``dev`` by a pattern of their names, or for files of the devices
of a subsystem below ``sys``. It holds from the moment when the device appears.
"""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rprocfs.fs.kernfs import Dir, Link, Node
from rprocfs.fs.sysfs import SysfsFile

if TYPE_CHECKING:
    from rprocfs.base.model import DriverModel


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[rule]]``; None: leave that as it is."""

    node: str | None
    subsystem: str | None
    attributes: tuple[str, ...]
    uid: int | None
    gid: int | None
    mode: int | None

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Rule:
        """What a table of good types says; ValueError(key, text)."""
        if ("node" in table) == ("subsystem" in table):
            raise ValueError("node", "there must be either node or subsystem")
        if ("subsystem" in table) != ("attributes" in table):
            raise ValueError("attributes", "subsystem and attributes go together")
        return cls(
            table.get("node"),
            table.get("subsystem"),
            tuple(table.get("attributes", ())),
            _number("owner", table.get("owner"), lambda name: pwd.getpwnam(name).pw_uid),
            _number("group", table.get("group"), lambda name: grp.getgrnam(name).gr_gid),
            _mode(table.get("mode")),
        )

    def apply(self, node: Node) -> None:
        """Give *node* its owner, group and mode."""
        node.setattr(self.mode, self.uid, self.gid)


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


class Udev:
    """Listens to the events of *model*: applies *rules*, keeps the links of *aliases*.

    An alias is the name of a link below ``dev/remoteproc``, to the node of the processor
    whose label it has.
    """

    def __init__(
        self, model: DriverModel, rules: Iterable[Rule], aliases: Mapping[str, str]
    ) -> None:
        self._model = model
        self._rules = tuple(rules)
        self._aliases = aliases

    def __call__(self, action: str, devpath: str, env: Mapping[str, str]) -> None:
        """An event. See :attr:`DriverModel.uevent_listeners`."""
        if action == "add":
            self._add(devpath, env)
        elif action == "remove" and env.get("SUBSYSTEM") == "remoteproc":
            self._unlink(f"../{env.get('DEVNAME')}")

    def _add(self, devpath: str, env: Mapping[str, str]) -> None:
        name, subsystem = env.get("DEVNAME"), env.get("SUBSYSTEM")
        node = self._model.dev.children.get(name) if name is not None else None
        for rule in self._rules:
            if node is not None and rule.node is not None and fnmatchcase(node.name, rule.node):
                rule.apply(node)
            if rule.subsystem is not None and rule.subsystem == subsystem:
                for path in rule.attributes:
                    found = _find(self._model.sys, f"{devpath[1:]}/{path}")
                    if found is not None:
                        rule.apply(found)
        if subsystem == "remoteproc" and node is not None:
            self._link(node, _find(self._model.sys, f"{devpath[1:]}/name"))

    def _link(self, node: Node, name: Node | None) -> None:
        if not isinstance(name, SysfsFile) or name.attr.show is None:
            return
        label = name.attr.show(name.owner)
        for alias, target in self._aliases.items():
            if target == label:
                with suppress(FileExistsError):  # the first one has it
                    self._model.dev.mkdirs("remoteproc").add(alias, Link(f"../{node.name}"))

    def _unlink(self, target: str) -> None:
        links = self._model.dev.children.get("remoteproc")
        if not isinstance(links, Dir):
            return
        for link in links.entries():
            if isinstance(link, Link) and link.target == target:
                links.remove(link.name)


def _find(directory: Dir, path: str) -> Node | None:
    node: Node | None = directory
    for name in path.split("/"):
        node = node.children.get(name) if isinstance(node, Dir) else None
    return node

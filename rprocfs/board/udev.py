"""What udev does on a board: permissions, links to nodes, drivers for devices that have none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rprocfs.board.rules import Rule
from rprocfs.fs.kernfs import Dir, Link, Node
from rprocfs.fs.sysfs import SysfsFile

if TYPE_CHECKING:
    from rprocfs.base.model import DriverModel

#: What may stand in a ``symlink``, as in SYMLINK+= of udev(7): the number and the name of the
#: device, and an attribute of it or of one above it (here a number is decimal).
_SUBSTITUTION = re.compile(r"%n|%k|\$attr\{([\w./-]+)\}")


class Udev:
    """Listens to the events of *model*: applies *rules*, keeps their links and those of *aliases*.

    An alias is the name of a link below ``dev/remoteproc``, to the node of the processor
    whose label it has; to its directory in ``sys/class/remoteproc``, if a slash is behind
    the label.
    """

    def __init__(
        self, model: DriverModel, rules: Iterable[Rule], aliases: Mapping[str, str]
    ) -> None:
        self._model = model
        self._rules = tuple(rules)
        self._aliases = aliases
        #: The links that were made for a device, by its path.
        self._links: dict[str, list[Link]] = {}

    def __call__(self, action: str, devpath: str, env: Mapping[str, str]) -> None:
        """An event. See :attr:`DriverModel.uevent_listeners`."""
        if action == "add":
            self._add(devpath, env)
        elif action == "remove":
            for link in self._links.pop(devpath, ()):
                if link.parent is not None and link.alive:
                    link.parent.remove(link.name)

    def _add(self, devpath: str, env: Mapping[str, str]) -> None:
        subsystem = env.get("SUBSYSTEM")
        device = _find(self._model.sys, devpath[1:])
        if not isinstance(device, Dir):
            return
        node = self._model.dev.children.get(env.get("DEVNAME", ""))
        for rule in self._rules:
            if rule.name is None or fnmatchcase(_attribute(device, "name"), rule.name):
                if node is not None and rule.node and fnmatchcase(node.name, rule.node):
                    self._apply_to_node(rule, node, device)
                if rule.subsystem is not None and rule.subsystem == subsystem:
                    _apply_to_files(rule, device)
        if subsystem == "remoteproc" and node is not None:
            self._add_aliases(device, node)

    def _apply_to_node(self, rule: Rule, node: Node, device: Dir) -> None:
        rule.apply(node)
        if rule.symlink is not None:
            self._link(device, _substitute(rule.symlink, device), node.name)

    def _add_aliases(self, device: Dir, node: Node) -> None:
        label = _attribute(device, "name")
        for alias, target in self._aliases.items():
            if target == label:
                self._link(device, f"remoteproc/{alias}", node.name)
            elif target == label + "/":
                where = f"../sys/class/remoteproc/{device.name}"
                self._link(device, f"remoteproc/{alias}", where)

    def _link(self, device: Dir, path: str, target: str) -> None:
        """The link *path* below ``dev`` to *target*, seen from there; the first one has a name."""
        above, _, name = path.rpartition("/")
        dev = self._model.dev
        with suppress(OSError):
            directory = dev.mkdirs(above) if above else dev
            link = directory.add(name, Link(os.path.relpath(f"/dev/{target}", f"/dev/{above}")))
            devpath = device.path.removeprefix("/sys")
            self._links.setdefault(devpath, []).append(link)


def _apply_to_files(rule: Rule, device: Dir) -> None:
    for path in rule.attributes:
        found = _find(device, path)
        if found is not None:
            rule.apply(found)
    override = device.children.get("driver_override")
    if rule.driver is not None and isinstance(override, SysfsFile) and override.attr.on_store:
        override.attr.on_store(override.owner, rule.driver)


def _substitute(text: str, device: Dir) -> str:
    def replace(found: re.Match[str]) -> str:
        if found[1]:
            value = _attribute(device, found[1]).replace("/", "_")
            return str(int(value, 16)) if re.fullmatch(r"0x[0-9a-f]+", value) else value
        number = re.search(r"\d*$", device.name)
        return device.name if found[0] == "%k" else number[0] if number else ""

    return _SUBSTITUTION.sub(replace, text)


def _attribute(device: Dir, name: str) -> str:
    """What the file *name* of the nearest device that has it says; empty if there is none."""
    for directory in [device, *_parents(device)]:
        node = _find(directory, name)
        if isinstance(node, SysfsFile) and node.attr.show is not None:
            with suppress(OSError):
                return node.attr.show(node.owner).rstrip("\n")
    return ""


def _parents(device: Dir) -> Iterator[Dir]:
    """The devices above: those directories that tell their events."""
    return (above for above in device.ancestors() if "uevent" in above.children)


def _find(directory: Dir, path: str) -> Node | None:
    node: Node | None = directory
    for name in path.split("/"):
        node = node.children.get(name) if isinstance(node, Dir) else None
    return node

"""The board file of a board as it is now: ``sys/kernel/debug/rprocfs/board.toml``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rprocfs.board.embedded import encode
from rprocfs.board.keys import processor_keys
from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.system import find_driver

if TYPE_CHECKING:
    from rprocfs.board.description import Board
    from rprocfs.board.devicetree import Devicetree
    from rprocfs.system import System

#: Its path below the mount.
PATH = "sys/kernel/debug/rprocfs/board.toml"


def show_board(system: System, board: Board) -> str:
    """A board file: *board*, with the processors that *system* has at the moment."""
    tree = board.devicetree if any(map(_reads_node, board.processors)) else None
    processors = [
        device.properties
        for device in list(system.platform.devices.values())
        if "compatible" in device.properties and (tree is None or device.of_node is None)
    ]
    regions = dict(board.regions)
    for processor in processors:
        regions |= {region["label"]: region for region in processor.get("memory-region", ())}
    lines = [
        f"firmware-directory = {_value(str(system.loader.directory))}",
        f"kernel = {_value(system.model.version.uname)}",
        *([f"devicetree = {_value(_place(tree))}"] if tree is not None else ()),
        *([f"modules = {_value(list(board.modules))}"] if board.modules else ()),
    ]
    for processor in tree.processors if tree is not None else ():
        lines += _table("[[remoteproc]]", _added(processor))
    for processor in processors:
        lines += _table("[[remoteproc]]", _properties(processor))
    for region in regions.values():
        lines += _table("[[reserved-memory]]", region)
    lines += _table("[aliases]", board.aliases) if board.aliases else ()
    lines += _table("[soc]", board.soc) if board.soc else ()
    for rule in board.rules:
        lines += _table("[[rule]]", dict(_rule(asdict(rule))))
    return "\n".join([*lines, ""])


def show_init(system: System, board: Board) -> None:
    """Make the file. Not for ``strict``: a real board has no such file."""
    directory = system.model.debug.mkdirs("rprocfs")
    directory.add("board.toml", DebugfsFile(lambda: show_board(system, board).encode()))


def _place(tree: Devicetree) -> str:
    """What leads to it from anywhere: its file, or itself if it has none."""
    return encode(tree.blob) if tree.path is None else str(Path(tree.path).absolute())


def _table(header: str, entries: Mapping[str, Any]) -> list[str]:
    rows = [f"{_key(key)} = {_value(value)}" for key, value in entries.items()]
    return ["", header, *rows]


def _properties(processor: Mapping[str, Any]) -> dict[str, Any]:
    keys = processor_keys(processor["compatible"])
    found = {key: value for key, value in processor.items() if key in keys}
    if "memory-region" in found:
        found["memory-region"] = [region["label"] for region in found["memory-region"]]
    return found


def _reads_node(processor: Mapping[str, Any]) -> bool:
    """Whether only its devicetree node describes it, which a board file cannot do."""
    return getattr(find_driver(processor["compatible"]), "of_keys", None) is not None


def _added(processor: Mapping[str, Any]) -> dict[str, Any]:
    """What a board file says of a processor that its devicetree describes."""
    compatible = processor["compatible"]
    keys = getattr(find_driver(compatible), "of_keys", None) or processor_keys(compatible)
    mine = {key: value for key, value in processor.items() if key in keys and key != "phandle"}
    return {"label": processor["label"], **mine}


def _rule(rule: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in rule.items():
        name = {"uid": "owner", "gid": "group"}.get(key, key)
        if value is None or value == ():
            continue
        if key == "mode":
            yield name, f"{value:04o}"
        else:
            yield name, list(value) if isinstance(value, tuple) else str(value)


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() else _value(key)


def _value(value: Any) -> str:
    """TOML writes these as JSON does."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

"""``extends``: a board file that contains only the differences from another one."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rprocfs.board.devicetree import is_dtb
from rprocfs.board.embedded import is_embedded
from rprocfs.board.ready import read_board, ready_boards
from rprocfs.errors import CommandError

#: The longest chain of files that extend one another.
_MAX_DEPTH = 8
#: Paths relative to the file.
_PATHS = ("devicetree", "firmware-directory")
#: Lists of tables that have a label each.
_LABELLED = ("remoteproc", "reserved-memory")
_TABLES = ("aliases", "soc")


def read_document(path: str, content: bytes) -> tuple[str, dict[str, Any]]:
    """The text of a board file and what TOML makes of it; CommandError."""
    try:
        text = content.decode("utf-8")
        return text, tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise CommandError(f"{path}: {failure}") from failure


def base_of(path: str, document: Mapping[str, Any]) -> tuple[str, bytes] | None:
    """The path and the content of the board that *document*, the file *path*, extends.

    That is a file, seen from there, or the name of an included board. CommandError.
    """
    name = document.get("extends")
    if not isinstance(name, str):
        return None
    beside = Path(path).parent / name
    base, content = read_board(str(beside) if beside.is_file() else name)
    if is_dtb(content):
        raise CommandError(f"{path}: extends: {name} is a devicetree, write devicetree = {name!r}")
    return base, content


def extended(path: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """*document*, completed by what it extends; CommandError.

    Tables with the label of one of the base's change that one, others are added; rules are
    added behind those of the base.
    """
    chain = [dict(document)]
    where, base = path, base_of(path, document)
    while base is not None:
        if len(chain) == _MAX_DEPTH:
            raise CommandError(f"{path}: extends: more than {_MAX_DEPTH} files, or a circle")
        where, content = base
        _, found = read_document(where, content)
        here = Path(where).parent.absolute()
        seen = {
            k: str(here / v) if k in _PATHS and isinstance(v, str) and not is_embedded(v) else v
            for k, v in found.items()
        }
        if isinstance(seen.get("remoteproc"), list):
            seen["remoteproc"] = [absolute_devices(here, one) for one in seen["remoteproc"]]
        chain.append(seen)
        base = base_of(where, found)
    merged: dict[str, Any] = {}
    for layer in reversed(chain):
        merged = _merge(merged, layer)
    merged.pop("extends", None)
    return merged


def absolute_devices(here: Path, table: Any) -> Any:
    """A processor's *table* whose ``devices`` (PLACE=FILE:CLASS) are files seen from *here*.

    What is none of all this is as it was: it is complained of elsewhere.
    """
    devices = table.get("devices") if isinstance(table, dict) else None
    if not isinstance(devices, list) or not all(isinstance(one, str) for one in devices):
        return table
    pairs = [one.partition("=") for one in devices]
    found = [f"{place}={here / file.strip()}" if eq else place for place, eq, file in pairs]
    return {**table, "devices": found}


def ready_base(path: str, content: bytes) -> str | None:
    """The name of the included board that a file is, or extends, directly or not."""
    names = {str(file): name for name, file in ready_boards().items()}
    base: tuple[str, bytes] | None = (path, content)
    for _ in range(_MAX_DEPTH):
        if base is None or base[0] in names:
            break
        base = base_of(base[0], read_document(*base)[1])
    return names.get(base[0]) if base else None


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**base, **own}
    for key in _LABELLED:
        if key in base and key in own:
            merged[key] = _merge_labelled(base[key], own[key])
    for key in _TABLES:
        if key in base and key in own:
            merged[key] = {**base[key], **own[key]}
    if "rule" in base and "rule" in own:
        merged["rule"] = [*base["rule"], *own["rule"]]
    return merged


def _merge_labelled(
    base: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    merged = [dict(table) for table in base]
    for table in own:
        same = [known for known in merged if known.get("label") == table.get("label", "")]
        if same:
            same[0].update(table)
        else:
            merged.append(dict(table))
    return merged

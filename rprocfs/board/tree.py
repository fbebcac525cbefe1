"""The devicetree that a board file is about, and what the file says beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rprocfs.board.devicetree import Devicetree, is_dtb, read_dtb
from rprocfs.board.embedded import decode, is_embedded
from rprocfs.board.keys import kinds, processor_keys
from rprocfs.board.ready import MAX_SIZE
from rprocfs.board.source import Source, did_you_mean
from rprocfs.devicetree.fdt import flatten
from rprocfs.devicetree.make import make_value
from rprocfs.devicetree.node import OfNode
from rprocfs.devicetree.processors import Match
from rprocfs.system import find_driver, known_compatibles


def load_tree(path: str, blob: bytes) -> Devicetree:
    """The devicetree in *blob*, and what the drivers take of it; CommandError."""
    known = known_compatibles()

    def match(node: OfNode) -> Match | None:
        compatible = next((text for text in node.strings("compatible") if text in known), None)
        if compatible is None:
            return None
        driver = find_driver(compatible)
        of_label = getattr(driver, "of_label", lambda node: node.base_name)
        label = of_label(node)
        if label is None:
            return None
        keys = kinds(processor_keys(compatible))
        return Match(compatible, label, keys, getattr(driver, "of_keys", None))

    return read_dtb(path, blob, match)


def board_tree(
    source: Source, name: str | None, processors: Sequence[Mapping[str, Any]]
) -> Devicetree | None:
    """The tree of the key ``devicetree``, with the properties that the file adds to its nodes.

    Those are the *processors* without a ``compatible``, found by their labels. None, and a
    complaint, for what is no tree; CommandError for a damaged one.
    """
    if name is None:
        return None
    embedded = is_embedded(name)
    path = f"{source.path}: devicetree" if embedded else str(Path(source.path).parent / name)
    try:
        blob = decode(name) if embedded else _read(path)
    except (OSError, ValueError) as failure:
        why = f"{name}: {failure.strerror}" if isinstance(failure, OSError) else str(failure)
        source.complain(("devicetree",), why)
        return None
    if not is_dtb(blob):
        what = "the data" if embedded else name
        hint = ": dtc makes one of a source" if name.endswith((".dts", ".dtsi")) else ""
        source.complain(("devicetree",), f"{what} is no flattened devicetree{hint}")
        return None
    tree = load_tree(path, blob)
    added = [number for number, known in enumerate(processors) if "compatible" not in known]
    for number in added:
        _add(source, tree, number, processors[number])
    tree = load_tree(path, flatten(tree.root)) if added else tree
    return replace(tree, path=None) if embedded else tree


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(MAX_SIZE + 1)


def _add(source: Source, tree: Devicetree, number: int, table: Mapping[str, Any]) -> None:
    place = ("remoteproc", number)
    labels = [found["label"] for found in tree.processors]
    label = table.get("label")
    if label not in labels:
        hint = did_you_mean(str(label), labels) or f", there are {', '.join(labels) or 'none'}"
        source.complain((*place, "label"), f"the devicetree has no processor {label}{hint}")
        return
    index = labels.index(label)
    compatible = tree.processors[index]["compatible"]
    keys = getattr(find_driver(compatible), "of_keys", None)
    for key, value in table.items():
        if keys is not None and key not in keys and key != "label":
            source.complain((*place, key), f"not for {compatible}, which its devicetree describes")
        elif key != "label" and value is not False:
            tree.nodes[index].properties[key] = make_value(value)

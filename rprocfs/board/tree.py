"""The devicetree that a board file is about, and what the file says beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rprocfs.board.devicetree import Devicetree, is_dtb, read_dtb
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
    path = Path(source.path).parent / name
    try:
        with path.open("rb") as file:
            blob = file.read(MAX_SIZE + 1)
    except OSError as failure:
        source.complain(("devicetree",), f"{name}: {failure.strerror}")
        return None
    if not is_dtb(blob):
        hint = ": dtc makes one of a source" if name.endswith((".dts", ".dtsi")) else ""
        source.complain(("devicetree",), f"{name} is no flattened devicetree{hint}")
        return None
    tree = load_tree(str(path), blob)
    added = [number for number, known in enumerate(processors) if "compatible" not in known]
    for number in added:
        _add(source, tree, number, processors[number])
    return load_tree(str(path), flatten(tree.root)) if added else tree


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

"""A tree that describes given processors: the inverse of :mod:`processors`."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

from rprocfs.devicetree.fdt import FdtError
from rprocfs.devicetree.node import OfNode

_ADDRESS = re.compile(r"([0-9a-f]+)\.(.+)")
#: What a name of a node may not have in it.
_NO_NAME = re.compile(r"[^0-9A-Za-z,._+\-]+")


class _Maker:
    def __init__(self, taken: Iterable[int]) -> None:
        self.root = OfNode()
        self.taken = set(taken)
        self.next = 1

    def phandle(self) -> int:
        """One that no node has."""
        while self.next in self.taken:
            self.next += 1
        self.taken.add(self.next)
        return self.next

    def node(self, parent: OfNode, name: str) -> OfNode:
        """The child called *name*, which is made if it is missing."""
        return parent.children.get(name) or OfNode(name, parent)


def make_tree(processors: Iterable[Mapping[str, Any]]) -> OfNode:
    """The root of a tree with those *processors*, each as :func:`of_processors` gives it back.

    A processor stands where its ``device-name`` says. FdtError for a value that a property
    cannot have.
    """
    processors = list(processors)
    maker = _Maker(known["phandle"] for known in processors if "phandle" in known)
    root = maker.root
    _bus(root)
    root.properties |= {"compatible": _strings("rprocfs,board"), "model": _strings("rprocfs")}
    regions = _reserved(maker, processors)
    for number, properties in enumerate(processors):
        node = _place(maker, properties, number)
        for key, value in properties.items():
            if key == "memory-region":
                node.properties[key] = _cells(*(regions[region["label"]] for region in value))
            elif key != "device-name" and value is not False:
                node.properties[key] = make_value(value)
    return root


def _bus(node: OfNode) -> None:
    node.properties |= {"#address-cells": _cells(2), "#size-cells": _cells(2)}


def _reserved(maker: _Maker, processors: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The phandle of each region by its label."""
    found: dict[str, int] = {}
    for properties in processors:
        for region in properties.get("memory-region", ()):
            label, da, size = region["label"], region["da"], region["size"]
            if label in found:
                continue
            holder = maker.node(maker.root, "reserved-memory")
            _bus(holder)
            holder.properties["ranges"] = b""
            pa = region.get("pa", da)
            name = f"{_name(label.partition('@')[0])}@{pa:x}"
            while name in holder.children:
                name = f"again-{name}"
            node = OfNode(name, holder)
            found[label] = maker.phandle()
            node.properties |= {"reg": _wide(pa) + _wide(size), "no-map": b"",
                                "phandle": _cells(found[label])}  # fmt: skip
            if name != label:
                node.properties["label"] = _strings(label)
            if pa != da:
                node.properties["da"] = _cells(da)
    return found


def _place(maker: _Maker, properties: Mapping[str, Any], number: int) -> OfNode:
    """The node of a processor, with the buses above it."""
    label = _name(str(properties.get("label") or "remoteproc"))
    path = properties.get("device-name") or f"{label}-{number}"
    node = maker.root
    *above, last = path.split("/")
    for part in above:
        node = _part(maker, node, part)
        _bus(node)
        node.properties |= {"compatible": _strings("rprocfs,bus"), "ranges": _ranges(node)}
    return _part(maker, node, last)


def _ranges(node: OfNode) -> bytes:
    """All addresses as they are; said at length where a unit address has to come from it."""
    if "@" in node.name and "reg" not in node.properties:
        return _wide(0) + _wide(0) + _wide((1 << 64) - 1)
    return b""


def _part(maker: _Maker, parent: OfNode, part: str) -> OfNode:
    """of_device_make_bus_id() backwards."""
    address = _ADDRESS.fullmatch(part)
    if address is None:
        return maker.node(parent, part.rpartition(":")[2])
    node = maker.node(parent, f"{address[2]}@{address[1]}")
    node.properties["reg"] = _wide(int(address[1], 16)) + _wide(0)
    return node


def _name(text: str) -> str:
    return _NO_NAME.sub("-", text).strip("-") or "unnamed"


def make_value(value: Any) -> bytes:
    """The bytes of a property; FdtError for what none can have."""
    if isinstance(value, bool):
        return b""
    if isinstance(value, int):
        return _cells(value)
    if isinstance(value, str):
        return _strings(value)
    return _strings(*value)


def _strings(*texts: str) -> bytes:
    if any("\0" in text for text in texts):
        raise FdtError("a string with a NUL in it")
    return b"".join(text.encode() + b"\0" for text in texts)


def _cells(*numbers: int) -> bytes:
    if any(not 0 <= number < 1 << 32 for number in numbers):
        raise FdtError("a number of more than 32 bits, or a negative one")
    return struct.pack(f">{len(numbers)}I", *numbers)


def _wide(number: int) -> bytes:
    return struct.pack(">Q", number)

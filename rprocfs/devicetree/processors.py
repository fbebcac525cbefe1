"""The processors that a tree describes, as the properties that their drivers read.

Of a node: its properties of the names that :func:`of_processors` is told, a boolean by being
there, a number as one cell; ``label``, its name without its address if there is none;
``VENDOR,auto-boot`` for ``auto-boot``; and ``memory-region``, which leads to nodes below
``/reserved-memory``. What is disabled, or below something that is, is not there.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from rprocfs.devicetree.address import bus_cells, read_number, reg
from rprocfs.devicetree.device import of_device_make_bus_id
from rprocfs.devicetree.node import OfNode, PropertyError

_STATUS = ("okay", "ok", "disabled", "reserved", "fail")
#: Names that resemble ours and mean something else.
_STANDARD = ("memory-region-names", "labels", "phandles")


class Match(NamedTuple):
    """What a driver says of a node that it takes: by which *compatible*, and the name of its
    processor. *keys* are the properties to read and their types: str, int, bool, or list for
    strings. *only* are those that it wants read, None: any.
    """

    compatible: str
    label: str
    keys: Mapping[str, type]
    only: tuple[str, ...] | None = None


def of_processors(
    root: OfNode, match: Callable[[OfNode], Match | None]
) -> Iterator[tuple[OfNode, dict[str, Any]]]:
    """Every available node that *match* finds a driver for, and its properties.

    PropertyError names node and property.
    """
    nodes = root.by_phandle()
    for node in _available(root):
        found = match(node)
        if found is not None:
            properties: dict[str, Any] = {"label": found.label, "compatible": found.compatible}
            properties["device-name"] = _device_name(node)
            if found.only is None:
                properties |= dict(_properties(node, found.keys)) | _regions(node, nodes)
            else:
                wanted = {key: found.keys[key] for key in found.only if key in found.keys}
                properties |= _values(node, wanted)
            yield node, properties


def _available(node: OfNode) -> Iterator[OfNode]:
    status = node.string("status")
    if status is not None and not status.startswith(_STATUS):
        raise PropertyError(node, "status", f"unknown{_hint(status, _STATUS)}")
    if node.available:
        yield node
        for child in node.children.values():
            yield from _available(child)


def _properties(node: OfNode, keys: Mapping[str, type]) -> Iterator[tuple[str, Any]]:
    yield from _values(node, keys).items()
    for name in node.properties:
        key = _key(name)
        if key not in keys and key not in _STANDARD:
            near = difflib.get_close_matches(key, keys, 1, 0.8)
            if near:
                raise PropertyError(node, name, f"unknown property, did you mean {near[0]}?")


def _values(node: OfNode, keys: Mapping[str, type]) -> dict[str, Any]:
    read: Mapping[type, Callable[[str], Any]] = {
        str: node.string,
        int: node.u32,
        bool: node.flag,
        list: lambda name: list(node.strings(name)),
    }
    return {
        _key(name): read[keys[_key(name)]](name)
        for name in node.properties
        if _key(name) in keys and name not in ("compatible", "memory-region")
    }


def _key(name: str) -> str:
    return "auto-boot" if name.endswith(",auto-boot") else name


def _device_name(node: OfNode) -> str:
    """Where its platform device is."""
    above = [bus for bus in node.ancestors() if bus.parent and "compatible" in bus.properties]
    return "/".join(of_device_make_bus_id(bus) for bus in [*above, node])


def _regions(node: OfNode, nodes: Mapping[int, OfNode]) -> dict[str, Any]:
    if "memory-region" not in node.properties:
        return {}
    regions = []
    for phandle in node.cells("memory-region"):
        target = nodes.get(phandle)
        if target is None:
            raise PropertyError(node, "memory-region", f"no node has the phandle {phandle}")
        if target.parent is None or target.parent.path != "/reserved-memory":
            what = f"{target.path} is not below /reserved-memory"
            raise PropertyError(node, "memory-region", what)
        regions.append(reserved_memory(node, target))
    return {"memory-region": tuple(regions)}


def reserved_memory(node: OfNode, region: OfNode) -> dict[str, Any]:
    """``label``, ``pa``, ``da`` as *node* sees it, and ``size``, of a child of /reserved-memory."""
    ranges = reg(region)
    if len(ranges) != 1:
        raise PropertyError(region, "reg", "must be one range, fixed by the board")
    pa, size = ranges[0]
    da = region.u32("da")
    label = region.string("label") or region.name
    return {"label": label, "pa": pa, "da": _da(node, pa) if da is None else da, "size": size}


def _da(node: OfNode, pa: int) -> int:
    """Where a device below the bus of *node* sees *pa*: by its ``dma-ranges``."""
    bus = node.parent
    cells = bus.cells("dma-ranges") if bus is not None else ()
    if bus is None or bus.parent is None or not cells:
        return pa
    na, ns = bus_cells(bus)
    pna, _ = bus_cells(bus.parent)
    step = na + pna + ns
    if not 0 < step <= len(cells) or len(cells) % step:
        raise PropertyError(bus, "dma-ranges", f"{len(cells)} cells are no ranges of {step}")
    for at in range(0, len(cells), step):
        base = read_number(cells[at + na : at + na + pna])
        if base <= pa < base + read_number(cells[at + na + pna : at + step]):
            return read_number(cells[at : at + na]) + pa - base
    return pa


def _hint(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f", did you mean {near[0]}?" if near else ""

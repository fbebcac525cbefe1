"""Properties that refer to other nodes -- of_parse_phandle() and others of drivers/of/base.c."""

from __future__ import annotations

from typing import NamedTuple

from rprocfs.devicetree.node import OfNode


class PhandleArgs(NamedTuple):
    """``struct of_phandle_args``: a node, and what the reference says to it."""

    node: OfNode
    args: tuple[int, ...]


def parse_phandles(node: OfNode, name: str) -> list[OfNode | None]:
    """``of_parse_phandle`` of each cell of the property *name*; None: no node has that number."""
    cells = node.cells(name)
    nodes = node.by_phandle() if cells else {}
    return [nodes.get(phandle) for phandle in cells]


def parse_phandles_with_args(node: OfNode, name: str, cells_name: str) -> list[PhandleArgs]:
    """``of_parse_phandle_with_args`` of each entry; ends at the first that leads nowhere.

    *cells_name* is the property of the other node that says how many arguments follow.
    """
    cells, found = node.cells(name), []
    nodes = node.by_phandle() if cells else {}
    at = 0
    while at < len(cells):
        target = nodes.get(cells[at])
        count = target.u32(cells_name) if target is not None else None
        if target is None or count is None or at + 1 + count > len(cells):
            break
        found.append(PhandleArgs(target, cells[at + 1 : at + 1 + count]))
        at += 1 + count
    return found

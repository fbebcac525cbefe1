"""Reserved memory, and the devices that it is for -- drivers/of/of_reserved_mem.c."""

from __future__ import annotations

from typing import NamedTuple

from rprocfs.devicetree.address import reg
from rprocfs.devicetree.node import OfNode, PropertyError


class ReservedMem(NamedTuple):
    """``struct reserved_mem``: *name* is that of the node, with its unit address.

    *pool*: a ``shared-dma-pool``, which devices can be given to allocate from.
    """

    name: str
    base: int
    size: int
    pool: bool

    @property
    def base_name(self) -> str:
        """``of_node->name``: without the unit address."""
        return self.name.partition("@")[0]


def of_reserved_mem_lookup(region: OfNode | None) -> ReservedMem | None:
    """The memory of a child of ``/reserved-memory``.

    None for what is none: another node, a disabled one, or one without a fixed address.
    """
    if region is None or region.parent is None or region.parent.path != "/reserved-memory":
        return None
    if not region.available:
        return None
    try:
        ranges = reg(region)
    except PropertyError:
        return None  # __reserved_mem_check_root(), __reserved_mem_reserve_reg(): left out
    if not ranges or not ranges[0][1]:
        return None
    base, size = ranges[0]
    return ReservedMem(region.name, base, size, "shared-dma-pool" in region.strings("compatible"))

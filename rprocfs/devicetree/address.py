"""Addresses of a bus, as the processor of the system sees them -- drivers/of/address.c."""

from __future__ import annotations

from collections.abc import Sequence

from rprocfs.devicetree.node import OfNode, PropertyError

#: ``OF_MAX_ADDR_CELLS``.
MAX_ADDR_CELLS = 4


def bus_cells(bus: OfNode) -> tuple[int, int]:
    """``of_bus_n_addr_cells``, ``of_bus_n_size_cells`` for the children of *bus*."""
    return _inherited(bus, "#address-cells"), _inherited(bus, "#size-cells")


def _inherited(bus: OfNode, name: str) -> int:
    node: OfNode | None = bus
    while node is not None:
        value = node.u32(name)
        if value is not None:
            return value
        node = node.parent
    return 1


def read_number(cells: Sequence[int]) -> int:
    """``of_read_number``: cells, the most significant one first."""
    value = 0
    for cell in cells:
        value = value << 32 | cell
    return value


def reg(node: OfNode) -> list[tuple[int, int]]:
    """The (address, size) pairs of ``reg``, in the addresses of its own bus; PropertyError."""
    cells = node.cells("reg")
    assert node.parent is not None, "the root has no bus"
    na, ns = bus_cells(node.parent)
    if not 0 < na <= MAX_ADDR_CELLS or not 0 <= ns <= MAX_ADDR_CELLS or len(cells) % (na + ns):
        what = (
            f"{len(cells)} cells, but addresses have {na} and sizes {ns} (see {node.parent.path})"
        )
        raise PropertyError(node, "reg", what)
    return [
        (read_number(cells[at : at + na]), read_number(cells[at + na : at + na + ns]))
        for at in range(0, len(cells), na + ns)
    ]


def translate_address(node: OfNode, index: int = 0) -> int | None:
    """``of_translate_address`` of a ``reg``: through the ``ranges`` of every bus above.

    None (OF_BAD_ADDR) if there is none, or a bus that leads nowhere. PropertyError.
    """
    bus = node.parent
    if bus is None or "reg" not in node.properties:
        return None
    na, ns = bus_cells(bus)
    cells = node.cells("reg")
    start = index * (na + ns)
    if not 0 < na <= MAX_ADDR_CELLS or not ns or len(cells) < start + na:
        return None
    address: int | None = read_number(cells[start : start + na])
    while (above := bus.parent) is not None and address is not None:
        pna, pns = bus_cells(above)
        address = _translate_one(bus, address, (na, pna, ns))
        bus, na, ns = above, pna, pns
    return address


def address_to_resource(node: OfNode, index: int = 0) -> tuple[int, int] | None:
    """``of_address_to_resource``: (start, size) on the system's bus; None if there is none."""
    start = translate_address(node, index)
    if start is None:
        return None
    ranges = reg(node)
    return (start, ranges[index][1]) if index < len(ranges) else None


def resource_byname(node: OfNode, name: str) -> tuple[int, int] | None:
    """``platform_get_resource_byname(pdev, IORESOURCE_MEM, name)``: by ``reg-names``."""
    names = node.strings("reg-names")
    return address_to_resource(node, names.index(name)) if name in names else None


def _translate_one(bus: OfNode, address: int, widths: tuple[int, int, int]) -> int | None:
    """``of_translate_one``: *widths* are those of child address, parent address and size."""
    if "ranges" not in bus.properties:
        return None
    ranges = bus.cells("ranges")
    na, pna, ns = widths
    step = sum(widths)
    if not ranges:
        return address
    if not 0 < pna <= MAX_ADDR_CELLS or not 0 < ns <= MAX_ADDR_CELLS or len(ranges) % step:
        return None
    for at in range(0, len(ranges), step):
        child = read_number(ranges[at : at + na])
        parent = read_number(ranges[at + na : at + na + pna])
        size = read_number(ranges[at + na + pna : at + step])
        if child <= address < child + size:
            return parent + address - child
    return None

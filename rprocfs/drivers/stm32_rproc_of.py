"""What a devicetree says of the Cortex-M4 of an STM32MP1 -- drivers/remoteproc/stm32_rproc.c.

The binding is st,stm32-rproc.yaml, Linux 6.12. Resets and registers of the system configuration
are not looked at: the machine has none of them.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, NamedTuple

from rprocfs.base.dd import EPROBE_DEFER
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.devicetree.reserved import of_reserved_mem_lookup
from rprocfs.drivers.model.driver import dev_err_probe
from rprocfs.drivers.model.resources import mbox_request_channel_byname
from rprocfs.fs.kernfs import error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Rproc

#: The bus of trees that were made from a board file: their regions say ``da`` themselves.
OUR_BUS = "rprocfs,bus"


class MemRange(NamedTuple):
    """``struct stm32_rproc_mem_ranges``."""

    dev_addr: int
    bus_addr: int
    size: int


def memory_regions(device: PlatformDevice, node: OfNode) -> list[Mapping[str, Any]]:
    """Its reserved memories, an empty one for what is none, ``da`` None for what it cannot see.

    EINVAL without ``dma-ranges``, which say what it sees.
    """
    assert node.parent is not None
    ours = OUR_BUS in node.parent.strings("compatible")
    ranges = None if ours else _of_memory_translations(device, node.parent)
    found: list[Mapping[str, Any]] = []
    for region in parse_phandles(node, "memory-region"):
        rmem = of_reserved_mem_lookup(region)
        if region is None or rmem is None:
            found.append({})
            continue
        da = region.u32("da")
        if da is None:
            da = rmem.base if ranges is None else _pa_to_da(ranges, rmem.base)
        found.append({"label": rmem.name, "pa": rmem.base, "da": da, "size": rmem.size})
    return found


def _of_memory_translations(device: PlatformDevice, bus: OfNode) -> list[MemRange]:
    """stm32_rproc_of_memory_translations(): addresses and sizes have one cell each. EINVAL."""
    cells = bus.cells("dma-ranges")
    width = len(MemRange._fields)
    if not cells or len(cells) % width:
        device.err("stm32_rproc_of_memory_translations: dma-ranges property not defined")
        raise error(errno.EINVAL)
    return [MemRange(*cells[at : at + width]) for at in range(0, len(cells), width)]


def _pa_to_da(ranges: Sequence[MemRange], pa: int) -> int | None:
    """stm32_rproc_pa_to_da(): by the first range that *pa* is in."""
    for part in ranges:
        if part.bus_addr <= pa < part.bus_addr + part.size:
            return pa - part.bus_addr + part.dev_addr
    return None


def request_mbox(
    device: PlatformDevice, rproc: Rproc, node: OfNode, names: Sequence[str]
) -> Sequence[str]:
    """stm32_rproc_request_mbox(): those of *names* that the node has. EPROBE_DEFER."""
    assert node.parent is not None
    if OUR_BUS in node.parent.strings("compatible"):
        return names
    found = []
    for name in names:
        code = mbox_request_channel_byname(device, node, name)
        if code == EPROBE_DEFER:
            dev_err_probe(device, EPROBE_DEFER, f"failed to request mailbox {name}")
        if code:
            rproc.warn(f"cannot get {name} mbox")
        else:
            found.append(name)
    return found

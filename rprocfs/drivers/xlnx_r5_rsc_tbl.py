"""Where firmware that runs already says that its resource table is -- xlnx_r5_remoteproc.c.

The first memory of ``memory-region`` begins with a ``struct rsc_tbl_data``, which has the address
and the size of the table, and a magic number that tells it from code.
"""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.devicetree.address import address_to_resource
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.kernel import XLNX_R5_REGION_RESOURCE

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode

log = logging.getLogger(__name__)

RSC_TBL_XLNX_MAGIC = int.from_bytes(b"xamp", "big")
_LAYOUT = struct.Struct("<iIIIQ")


class RscTblData(NamedTuple):
    """``struct rsc_tbl_data``: the table of *rsc_tbl_size* bytes is at *rsc_tbl* of the bus."""

    version: int
    magic_num: int
    comp_magic_num: int
    rsc_tbl_size: int
    rsc_tbl: int

    @property
    def valid(self) -> bool:
        """Whether it is one."""
        magic = RSC_TBL_XLNX_MAGIC
        return self.magic_num == magic and self.comp_magic_num == ~magic & 0xFFFF_FFFF


def rsc_tbl_data(device: PlatformDevice, node: OfNode) -> RscTblData | None:
    """What is there of the core at *node*, valid or not; None: there is no such memory. ENOMEM."""
    region = next(iter(parse_phandles(node, "memory-region")), None)
    resource = None if region is None else address_to_resource(region)
    if resource is None:
        return None
    return RscTblData(*_LAYOUT.unpack(device.model.iomem.ioremap(resource[0], _LAYOUT.size)))


def get_rsc_table_va(device: PlatformDevice, node: OfNode) -> memoryview | None:
    """zynqmp_r5_get_rsc_table_va(): the table; None: there is none, the log says why."""
    try:
        data = rsc_tbl_data(device, node)
    except OSError:
        device.err("failed to map resource table data address")
        return None
    if data is None:
        _no_region(device, node)
        return None
    if not data.valid:
        log.debug("%s: invalid magic number, won't attach", device.name)
        return None
    try:
        table = device.model.iomem.ioremap(data.rsc_tbl, data.rsc_tbl_size)
    except OSError:
        device.err("failed to get resource table va")
        return None
    version = int.from_bytes(table[:4], "little", signed=True)
    if version != 1:
        device.warn(f"unexpected resource table version {version}")
    return table


def _no_region(device: PlatformDevice, node: OfNode) -> None:
    """By phandle and by address; later kernels look both up at once."""
    named = any(parse_phandles(node, "memory-region")[:1])
    if named or device.model.version.has(XLNX_R5_REGION_RESOURCE):
        device.err("failed to get memory-region resource addr")
    else:
        device.err("failed to get memory region dev node")

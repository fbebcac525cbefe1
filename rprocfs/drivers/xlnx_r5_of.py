"""What a devicetree says of the RPU of Xilinx -- drivers/remoteproc/xlnx_r5_remoteproc.c.

The binding is xlnx,zynqmp-r5fss.yaml, Linux 6.12.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from rprocfs.devicetree.address import address_to_resource, reg
from rprocfs.devicetree.phandle import parse_phandles, parse_phandles_with_args
from rprocfs.drivers.model.driver import dev_err_probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode

#: ``enum zynqmp_r5_cluster_mode``, the values of ``xlnx,cluster-mode``.
SPLIT, LOCKSTEP = 0, 1
#: Core -> what is in a cluster of them.
CLUSTERS = {
    "xlnx,zynqmp-r5f": "xlnx,zynqmp-r5fss",
    "xlnx,versal-r5f": "xlnx,versal-r5fss",
    "xlnx,versal-net-r52f": "xlnx,versal-net-r52fss",
}
#: That of the devicetrees from before there was ``reg`` in the cores.
ZYNQMP = "xlnx,zynqmp-r5fss"


class Bank(NamedTuple):
    """``struct mem_bank_data``, ``struct zynqmp_sram_bank``: a memory.

    It is at *addr* of the bus and at *da* of the core, and has *size* bytes.
    """

    name: str
    addr: int
    da: int
    size: int


#: ``zynqmp_tcm_banks_split``, by the number of the core.
TCM_SPLIT = (
    (Bank("atcm0", 0xFFE00000, 0x0, 0x10000), Bank("btcm0", 0xFFE20000, 0x20000, 0x10000)),
    (Bank("atcm1", 0xFFE90000, 0x0, 0x10000), Bank("btcm1", 0xFFEB0000, 0x20000, 0x10000)),
)
#: ``zynqmp_tcm_banks_lockstep``: those of both cores follow one another.
TCM_LOCKSTEP = (
    Bank("atcm0", 0xFFE00000, 0x0, 0x10000),
    Bank("btcm0", 0xFFE20000, 0x20000, 0x10000),
    Bank("atcm1", 0xFFE10000, 0x10000, 0x10000),
    Bank("btcm1", 0xFFE30000, 0x30000, 0x10000),
)


def is_cluster(node: OfNode) -> bool:
    """Whether the driver binds to it."""
    return any(text in CLUSTERS.values() for text in node.strings("compatible"))


def cores(cluster: OfNode) -> list[OfNode]:
    """Those that are not disabled."""
    return [child for child in cluster.children.values() if child.available]


def mode(cluster: OfNode) -> int:
    """``xlnx,cluster-mode``."""
    given = cluster.u32("xlnx,cluster-mode")
    return LOCKSTEP if given is None else given


def check_cluster(device: PlatformDevice, cluster: OfNode) -> None:
    """EINVAL for a mode that there is not, or another number of cores."""
    given, count = mode(cluster), len(cores(cluster))
    if given not in (SPLIT, LOCKSTEP):
        device.err(f"driver does not support cluster mode {given}")
        _refuse(device)
    if given == SPLIT and count != len(TCM_SPLIT):
        device.err("Invalid number of r5 cores for split mode")
        _refuse(device)
    if given == LOCKSTEP and count == len(TCM_SPLIT):
        device.warn("Only r5 core0 will be used")


def _refuse(device: PlatformDevice) -> NoReturn:
    dev_err_probe(device, errno.EINVAL, "Invalid r5f subsystem device tree")


def _refuse_tcm(device: PlatformDevice, *why: str) -> NoReturn:
    _refuse_core(device, *why, f"can't get tcm, err {-errno.EINVAL}")


def _refuse_core(device: PlatformDevice, *why: str) -> NoReturn:
    for line in why:
        device.err(line)
    device.err(f"failed to init r5 core err {-errno.EINVAL}")
    _refuse(device)


def tcm_banks(device: PlatformDevice, node: OfNode, cluster: OfNode) -> Iterator[Bank]:
    """zynqmp_r5_get_tcm_node_from_dt(), zynqmp_r5_get_tcm_node(). EINVAL."""
    if not cores(cluster)[0].flag("reg"):
        if ZYNQMP not in cluster.strings("compatible"):
            _refuse_tcm(device)
        core = cores(cluster).index(node)
        yield from TCM_SPLIT[core] if mode(cluster) == SPLIT else TCM_LOCKSTEP
        return
    domains = parse_phandles_with_args(node, "power-domains", "#power-domain-cells")
    if not domains:
        _refuse_tcm(device, f"invalid power-domains property, {-errno.ENOENT}")
    if len(domains) == 1:
        _refuse_tcm(device, "invalid TCM count 0")
    addresses, names = reg(node), node.strings("reg-names")
    for number in range(len(domains) - 1):
        if number >= len(addresses):
            _refuse_tcm(device, "failed to get reg property")
        resource = address_to_resource(node, number)
        if resource is None:
            _refuse_tcm(device, "failed to get tcm resource")
        da, size = addresses[number]
        name = names[number] if number < len(names) else node.name
        yield Bank(name, resource[0] & 0xFFFFFFFF, da & 0xFFFFFFFF, size & 0xFFFFFFFF)


def sram_banks(device: PlatformDevice, node: OfNode) -> Iterator[Bank]:
    """zynqmp_r5_get_sram_banks(): on-chip memories, of which there may be none. EINVAL."""
    if not node.flag("sram"):
        return
    targets = parse_phandles(node, "sram")
    if not targets:
        _refuse_core(device, "Invalid sram property, ret = 0")
    for number, target in enumerate(targets):
        if target is None:
            _refuse_core(device, f"failed to get sram {number} phandle")
        if not target.available:
            _refuse_core(device, "sram device not available")
        resource = address_to_resource(target)
        if resource is None:
            _refuse_core(device, "addr to res failed")
        yield Bank(target.name, resource[0], reg(target)[0][0] & 0xFFFFFFFF, resource[1])

"""The Cortex-R5F and R52 of Zynq UltraScale+ and Versal -- drivers/remoteproc/xlnx_r5_remoteproc.c.

Of Linux 6.12. Clusters and cores are those of the binding xlnx,zynqmp-r5fss.yaml. In the kernel the
driver binds to the cluster, and makes the processors of its cores; here it binds to each core.
"""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from rprocfs.devicetree.address import address_to_resource, reg
from rprocfs.devicetree.device import of_device_make_bus_id
from rprocfs.devicetree.phandle import parse_phandles, parse_phandles_with_args
from rprocfs.devicetree.reserved import of_reserved_mem_lookup
from rprocfs.drivers.model.driver import ModelDriver, dev_err_probe
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.model.resources import mbox_request_channel_byname
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.coredump import (
    ELFCLASS32,
    rproc_coredump_add_segment,
    rproc_coredump_set_elf_info,
)
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.memory import rproc_mem_entry_init
from rprocfs.remoteproc.rproc import RprocMemEntry, RprocOps, rproc_add_carveout
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Rproc

EM_ARM = 40
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
    """``struct mem_bank_data``: a TCM, at *addr* of the bus and *da* of the core."""

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


class ZynqmpR5Ops(ModelOps):
    """``zynqmp_r5_rproc_ops``: all memory is carveouts."""

    def __init__(self, node: OfNode, banks: tuple[Bank, ...]) -> None:
        super().__init__()
        self._node = node
        self._banks = banks
        self.ipi = False
        self.rsc_table: memoryview | None = None

    def prepare(self, rproc: Rproc) -> None:
        """zynqmp_r5_rproc_prepare(): TCMs, empty at a cold boot, then reserved memories.

        EINVAL for one that cannot be found.
        """
        super().prepare(rproc)
        for bank in self._banks:
            alloc = partial(_map, clear=rproc.state is not State.DETACHED)
            _add(rproc, bank.name, bank.size, bank.da, bank.addr).alloc = alloc
        for region in parse_phandles(self._node, "memory-region"):
            rmem = of_reserved_mem_lookup(region)
            if rmem is None:
                rproc.err("unable to acquire memory-region")
                rproc.err(f"failed to get reserve mem regions {-errno.EINVAL}")
                raise error(errno.EINVAL)
            mem = _add(rproc, rmem.base_name, rmem.size, rmem.base, rmem.base)
            if rmem.base_name == "vdev0buffer":
                mem.rmem = rmem.name

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """zynqmp_r5_parse_fw(): an image without resource table, or with a bad one, runs, too."""
        try:
            RprocOps.parse_fw(self, rproc, fw)
        except FirmwareError as refusal:
            if refusal.strerror:
                rproc.err(refusal.strerror)
            if refusal.errno != errno.EINVAL:
                raise
            rproc.info("no resource table found.")

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """zynqmp_r5_rproc_kick(): a message to the mailbox, if the node has one."""
        del rproc, notifyid
        if self.ipi:
            self.ring()

    def detach(self, rproc: Rproc) -> None:
        """zynqmp_r5_detach()."""
        del rproc
        self.leave()

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """zynqmp_r5_get_loaded_rsc_table(): where what runs has said that it is."""
        del rproc
        return self.rsc_table

    def load_before(self, rproc: Rproc) -> None:
        """What a boot loader does: load the default firmware, without any carveout. OSError."""
        places = [(bank.da, bank.addr, bank.size) for bank in self._banks]
        for region in parse_phandles(self._node, "memory-region"):
            rmem = of_reserved_mem_lookup(region)
            if rmem is not None:
                places.append((rmem.base, rmem.base, rmem.size))

        def find(da: int, length: int) -> memoryview | None:
            for start, addr, size in places:
                if start <= da and da + length <= start + size:
                    return rproc.model.iomem.ioremap(addr + da - start, length)
            return None

        fw = rproc.subsystem.loader.request_firmware(rproc.firmware, rproc)
        self.sanity_check(rproc, fw)
        elf_loader.rproc_elf_load_segments(find, fw)
        self.rsc_table = find(*elf_loader.rproc_elf_find_loaded_rsc_table(fw))


def _add(rproc: Rproc, name: str, size: int, da: int, addr: int) -> RprocMemEntry:
    """A carveout, which is dumped."""
    mem = rproc_mem_entry_init(name, size, da, dma=addr, alloc=_map)
    rproc_add_carveout(rproc, mem)
    rproc_coredump_add_segment(rproc, da, size)
    return mem


def _map(rproc: Rproc, mem: RprocMemEntry, *, clear: bool = False) -> None:
    """zynqmp_r5_mem_region_map(), tcm_mem_map()."""
    mem.va = rproc.model.iomem.ioremap(mem.dma, mem.len)
    if clear:
        mem.va[:] = bytes(mem.len)


class ZynqmpR5Driver(ModelDriver):
    """``zynqmp_r5_remoteproc_driver``."""

    name = "zynqmp_r5_remoteproc"
    compatible = tuple(CLUSTERS)
    elf_machine = EM_ARM

    @classmethod
    def of_label(cls, node: OfNode) -> str | None:
        """``dev_name``; core 1 is no processor of its own unless in split mode."""
        cluster = node.parent
        if cluster is None or not _is_cluster(cluster):
            return None
        if _cores(cluster).index(node) and _mode(cluster) == LOCKSTEP:
            return None
        return of_device_make_bus_id(node)

    def probe(self, device: PlatformDevice) -> None:
        """zynqmp_r5_cluster_init(), for one core. EINVAL, ENOMEM."""
        node = self.node(device)
        assert node.parent is not None
        _check_cluster(device, node.parent)
        ops = ZynqmpR5Ops(node, tuple(_tcm_banks(device, node, node.parent)))
        rproc = self.alloc(device, device.name, ops)
        rproc_coredump_set_elf_info(rproc, ELFCLASS32, EM_ARM)
        rproc.auto_boot = False
        rproc.reserved = self.reserved(device)
        ops.ipi = _setup_mbox(device, node)
        if device.properties.get("detached"):
            self._boot_loader(device, rproc, ops)
        self.add(device, rproc, ops)

    @staticmethod
    def _boot_loader(device: PlatformDevice, rproc: Rproc, ops: ZynqmpR5Ops) -> None:
        """A firmware that says where its resource table is can be attached to."""
        try:
            ops.load_before(rproc)
        except OSError as failure:
            device.warn(f"boot loader: {rproc.firmware}: {failure.strerror}")
        else:
            rproc.state = State.DETACHED


def _is_cluster(node: OfNode) -> bool:
    return any(text in CLUSTERS.values() for text in node.strings("compatible"))


def _cores(cluster: OfNode) -> list[OfNode]:
    return [child for child in cluster.children.values() if child.available]


def _mode(cluster: OfNode) -> int:
    mode = cluster.u32("xlnx,cluster-mode")
    return LOCKSTEP if mode is None else mode


def _check_cluster(device: PlatformDevice, cluster: OfNode) -> None:
    """EINVAL for a mode that there is not, or another number of cores."""
    mode, count = _mode(cluster), len(_cores(cluster))
    if mode not in (SPLIT, LOCKSTEP):
        device.err(f"driver does not support cluster mode {mode}")
        _refuse(device)
    if mode == SPLIT and count != len(TCM_SPLIT):
        device.err("Invalid number of r5 cores for split mode")
        _refuse(device)
    if mode == LOCKSTEP and count == len(TCM_SPLIT):
        device.warn("Only r5 core0 will be used")


def _refuse(device: PlatformDevice) -> NoReturn:
    dev_err_probe(device, errno.EINVAL, "Invalid r5f subsystem device tree")


def _refuse_tcm(device: PlatformDevice, why: str) -> NoReturn:
    if why:
        device.err(why)
    device.err(f"can't get tcm, err {-errno.EINVAL}")
    device.err(f"failed to init r5 core err {-errno.EINVAL}")
    _refuse(device)


def _tcm_banks(device: PlatformDevice, node: OfNode, cluster: OfNode) -> Iterator[Bank]:
    """zynqmp_r5_get_tcm_node_from_dt(), zynqmp_r5_get_tcm_node(). EINVAL."""
    if not _cores(cluster)[0].flag("reg"):
        if ZYNQMP not in cluster.strings("compatible"):
            _refuse_tcm(device, "")
        core = _cores(cluster).index(node)
        yield from TCM_SPLIT[core] if _mode(cluster) == SPLIT else TCM_LOCKSTEP
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


def _setup_mbox(device: PlatformDevice, node: OfNode) -> bool:
    """zynqmp_r5_setup_mbox(): without mailboxes there is no doorbell, and no error."""
    for name in ("tx", "rx"):
        if mbox_request_channel_byname(device, node, name):
            device.warn(f"mbox {name} channel request failed")
            return False
    return True

"""The Cortex-R5F and R52 of Zynq UltraScale+ and Versal -- drivers/remoteproc/xlnx_r5_remoteproc.c.

Of Linux 6.12. Clusters and cores are those of the binding xlnx,zynqmp-r5fss.yaml. In the kernel the
driver binds to the cluster, and makes the processors of its cores; here it binds to each core.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from rprocfs.devicetree.device import of_device_make_bus_id
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.devicetree.reserved import of_reserved_mem_lookup
from rprocfs.drivers.model.driver import ModelDriver
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.model.resources import mbox_request_channel_byname
from rprocfs.drivers.xlnx_r5_of import (
    CLUSTERS,
    LOCKSTEP,
    Bank,
    check_cluster,
    cores,
    is_cluster,
    mode,
    sram_banks,
    tcm_banks,
)
from rprocfs.fs.kernfs import error
from rprocfs.kernel import XLNX_R5_NO_RECOVERY
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.coredump import (
    ELFCLASS32,
    rproc_coredump_add_segment,
    rproc_coredump_set_elf_info,
)
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.memory import rproc_mem_entry_init
from rprocfs.remoteproc.rproc import RprocMemEntry, RprocOps, refusal_logged, rproc_add_carveout
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Rproc

EM_ARM = 40


class ZynqmpR5Ops(ModelOps):
    """``zynqmp_r5_rproc_ops``: all memory is carveouts."""

    def __init__(self, node: OfNode) -> None:
        super().__init__()
        self._node = node
        self.tcm: tuple[Bank, ...] = ()
        self.sram: tuple[Bank, ...] = ()
        self.ipi = False
        self.rsc_table: memoryview | None = None

    def prepare(self, rproc: Rproc) -> None:
        """zynqmp_r5_rproc_prepare(): TCMs, then reserved memories, then on-chip ones.

        TCMs are emptied, and are no carveouts of a core that runs already. EINVAL for a reserved
        memory that cannot be found.
        """
        super().prepare(rproc)
        for bank in self.tcm if rproc.state is not State.DETACHED else ():
            alloc = partial(_map, clear=True)
            _add(rproc, bank.name, bank.size, bank.da, bank.addr).alloc = alloc
        self._add_reserved(rproc)
        for bank in self.sram:
            _add(rproc, bank.name, bank.size, bank.da, bank.addr)

    def _add_reserved(self, rproc: Rproc) -> None:
        """add_mem_regions_carveout(). EINVAL."""
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
            with refusal_logged(rproc):
                RprocOps.parse_fw(self, rproc, fw)
        except FirmwareError as refusal:
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
        places = [(bank.da, bank.addr, bank.size) for bank in (*self.tcm, *self.sram)]
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
        with suppress(FirmwareError):
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
        if cluster is None or not is_cluster(cluster):
            return None
        if cores(cluster).index(node) and mode(cluster) == LOCKSTEP:
            return None
        return of_device_make_bus_id(node)

    def probe(self, device: PlatformDevice) -> None:
        """zynqmp_r5_cluster_init(), for one core. EINVAL, ENOMEM."""
        node = self.node(device)
        assert node.parent is not None
        check_cluster(device, node.parent)
        ops = ZynqmpR5Ops(node)
        rproc = self.alloc(device, device.name, ops)
        rproc_coredump_set_elf_info(rproc, ELFCLASS32, EM_ARM)
        rproc.recovery_disabled = rproc.model.version.has(XLNX_R5_NO_RECOVERY)
        rproc.auto_boot = False
        rproc.reserved = self.reserved(device)
        # As in the kernel, it is there before it is known whether it can be.
        self.add(device, rproc, ops)
        ops.ipi = _setup_mbox(device, node)
        ops.tcm = tuple(tcm_banks(device, node, node.parent))
        ops.sram = tuple(sram_banks(device, node))
        if device.properties.get("detached"):
            self._boot_loader(device, rproc, ops)

    @staticmethod
    def _boot_loader(device: PlatformDevice, rproc: Rproc, ops: ZynqmpR5Ops) -> None:
        """What runs can be attached to, with a resource table or without."""
        try:
            ops.load_before(rproc)
        except OSError as failure:
            device.warn(f"boot loader: {rproc.firmware}: {failure.strerror}")
        else:
            rproc.state = State.DETACHED


def _setup_mbox(device: PlatformDevice, node: OfNode) -> bool:
    """zynqmp_r5_setup_mbox(): without mailboxes there is no doorbell, and no error."""
    for name in ("tx", "rx"):
        if mbox_request_channel_byname(device, node, name):
            device.warn(f"mbox {name} channel request failed")
            return False
    return True

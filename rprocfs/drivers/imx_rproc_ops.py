"""What the driver of i.MX processors does to a Cortex-M -- drivers/remoteproc/imx_rproc.c, 6.12.

The devicetree's node is that of the binding fsl,imx-rproc.yaml. What a core sees of the system
stands in :mod:`rprocfs.drivers.imx_rproc_att`.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.devicetree.address import address_to_resource
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.devicetree.reserved import of_reserved_mem_lookup
from rprocfs.drivers.imx_rproc_dcfg import Method
from rprocfs.drivers.model.driver import dev_err_probe
from rprocfs.drivers.model.resources import mbox_request_channel_byname
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.coredump import rproc_coredump_add_segment
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.memory import rproc_mem_entry_init
from rprocfs.remoteproc.regions import Memory
from rprocfs.remoteproc.rproc import RprocMemEntry, RprocOps, refusal_logged, rproc_add_carveout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.drivers.imx_rproc_dcfg import Dcfg
    from rprocfs.remoteproc.rproc import Rproc

#: ``IMX_RPROC_MEM_MAX``.
MEM_MAX = 32
#: How much is taken for the resource table of a core that runs already.
RSC_TBL_SIZE = 1024


class Mem(NamedTuple):
    """``struct imx_rproc_mem``: what the driver has mapped, by its address on the bus."""

    name: str
    sys_addr: int
    data: memoryview


class ImxRprocOps(RprocOps):
    """``imx_rproc_ops``, whatever the core is: a model of one, or a machine."""

    def describe(self, device: PlatformDevice, node: OfNode, dcfg: Dcfg) -> None:
        """What the probe knows: to be called before anything else."""
        self._device = device
        self._node = node
        self._dcfg = dcfg
        self.core_index = 0
        self.owned = True  # by the partition that Linux runs in (SCU)
        self._mem: list[Mem] = []
        self.rsc_table: memoryview | None = None
        self._mbox = False

    # The processor's life.

    def prepare(self, rproc: Rproc) -> None:
        """imx_rproc_prepare(): reserved memories become carveouts, where the bus has them.

        EINVAL for one that cannot be found.
        """
        super().prepare(rproc)
        for region in parse_phandles(self._node, "memory-region"):
            if region is not None and region.base_name in ("vdev0buffer", "rsc-table"):
                continue
            rmem = of_reserved_mem_lookup(region)
            if rmem is None:
                self._device.err("unable to acquire memory-region")
                raise error(errno.EINVAL)
            rproc_add_carveout(
                rproc,
                rproc_mem_entry_init(
                    rmem.base_name, rmem.size, rmem.base, dma=rmem.base, alloc=_mem_alloc
                ),
            )
            rproc_coredump_add_segment(rproc, rmem.base, rmem.size)

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """imx_rproc_parse_fw(): an image without resource table, or with a bad one, runs, too."""
        try:
            with refusal_logged(rproc):
                RprocOps.parse_fw(self, rproc, fw)
        except FirmwareError:
            rproc.info("No resource table in elf")

    def start(self, rproc: Rproc) -> None:
        """imx_rproc_start(). EOPNOTSUPP if Linux does not control the core."""
        self.xtr_mbox_init()
        if self._dcfg.method is Method.NONE:
            raise error(errno.EOPNOTSUPP)
        try:
            self.power_up(rproc)
        except OSError:
            self._device.err("Failed to enable remote core!")
            raise

    def stop(self, rproc: Rproc) -> None:
        """imx_rproc_stop(). EOPNOTSUPP as :meth:`start`."""
        if self._dcfg.method is Method.NONE:
            raise error(errno.EOPNOTSUPP)
        try:
            self.power_down(rproc)
        except OSError:
            self._device.err("Failed to stop remote core")
            raise
        self._mbox = False

    def power_up(self, rproc: Rproc) -> None:
        """Release the core, by registers or the secure monitor."""
        raise NotImplementedError(rproc)

    def power_down(self, rproc: Rproc) -> None:
        """Stop the core, by registers or the secure monitor."""
        raise NotImplementedError(rproc)

    def attach(self, rproc: Rproc) -> None:
        """imx_rproc_attach()."""
        self.xtr_mbox_init()
        super().attach(rproc)

    def detach(self, rproc: Rproc) -> None:
        """imx_rproc_detach(). EOPNOTSUPP unless the core is in a partition of its own (SCU)."""
        del rproc
        if self._dcfg.method is not Method.SCU_API or self.owned:
            raise error(errno.EOPNOTSUPP)
        self.leave()
        self._mbox = False

    def leave(self) -> None:
        """The core runs on without Linux."""

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """imx_rproc_kick(): a message to the mailbox ``tx``, if the node has one."""
        if self._mbox:
            self.mbox_send_message(rproc, notifyid)
        else:
            self._device.err("No initialized mbox tx channel")

    def mbox_send_message(self, rproc: Rproc, notifyid: int) -> None:
        """Send the message of a kick."""
        raise NotImplementedError

    # Memory.

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """imx_rproc_da_to_va(): the address of the bus, and what is mapped there.

        The last byte of a memory cannot be had: both look for ``end < limit``.
        """
        del rproc
        sys = self._da_to_sys(da, length) if length else None
        if sys is None:
            return None
        for mem in self._mem:
            offset = sys - mem.sys_addr
            if offset >= 0 and offset + length < len(mem.data):
                return mem.data[offset : offset + length]
        return None

    def _da_to_sys(self, da: int, length: int) -> int | None:
        """imx_rproc_da_to_sys()."""
        for att in self._dcfg.att:
            if att.core not in (None, self.core_index):
                continue
            if da >= att.da and da + length < att.da + att.size:
                return att.sa + da - att.da
        self._device.warn(f"Translation failed: da = {da:#x} len = {length:#x}")
        return None

    def memories(self, rproc: Rproc) -> Iterator[Memory]:
        """The mapped memories, each without its last byte, see :meth:`da_to_va`."""
        del rproc
        for att in self._dcfg.att:
            for mem in self._mem if att.core in (None, self.core_index) else ():
                start = max(att.sa, mem.sys_addr)
                end = min(att.sa + att.size, mem.sys_addr + len(mem.data))
                if start < end:
                    yield Memory(mem.name, att.da + start - att.sa, end - start, spare=1)

    def vector_table(self, rproc: Rproc) -> int | None:
        """At 0, unless the table has nothing there: then firmware of the secure side says it."""
        del rproc
        return 0 if any(att.da == 0 for att in self._dcfg.att) else None

    def find_loaded_rsc_table(self, rproc: Rproc, fw: bytes) -> memoryview | None:
        """imx_rproc_elf_find_loaded_rsc_table(): the memory ``rsc-table``, if the node has one.

        None for an image without a table. EINVAL if the table is larger than the memory; the kernel
        would write past its end.
        """
        if rproc.cached_table is None:
            return None
        if self.rsc_table is None:
            return super().find_loaded_rsc_table(rproc, fw)
        length = len(rproc.cached_table)
        if length > len(self.rsc_table):
            rproc.err(f"resource table of {length} bytes, rsc-table has {len(self.rsc_table)}")
            raise error(errno.EINVAL)
        return self.rsc_table[:length]

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """imx_rproc_get_loaded_rsc_table()."""
        del rproc
        return None if self.rsc_table is None else self.rsc_table[:RSC_TBL_SIZE]

    # For the probe.

    def xtr_mbox_init(self) -> None:
        """imx_rproc_xtr_mbox_init(): a node without ``mbox-names`` has no mailboxes."""
        if self._mbox or not self._node.flag("mbox-names"):
            return
        for name in ("tx", "rx"):
            code = mbox_request_channel_byname(self._device, self._node, name)
            if code:
                dev_err_probe(self._device, code, f"failed to request {name} mailbox channel")
        self._mbox = True

    def addr_init(self) -> None:
        """imx_rproc_addr_init(): map what is the core's own, and the reserved memories.

        Those for virtio are not. EINVAL, ENOMEM.
        """
        ioremap = self._device.model.iomem.ioremap
        own = [att for att in self._dcfg.att if att.own]
        self._mem = [Mem(att.name, att.sa, ioremap(att.sa, att.size)) for att in own]
        for name, start, size in list(self._regions())[: MEM_MAX - len(own)]:
            try:
                self._mem.append(Mem(f"{name}@{start:x}", start, ioremap(start, size)))
            except OSError:
                self._device.err(f"failed to remap [mem {start:#010x}-{start + size - 1:#010x}]")
                raise
            if name == "rsc-table":
                self.rsc_table = self._mem[-1].data

    def _regions(self) -> Iterator[tuple[str, int, int]]:
        for region in parse_phandles(self._node, "memory-region"):
            if region is None or region.base_name.startswith("vdev"):
                continue
            resource = address_to_resource(region)
            if resource is None:
                self._device.err("unable to resolve memory region")
                raise error(errno.EINVAL)
            yield region.base_name, *resource


def _mem_alloc(rproc: Rproc, mem: RprocMemEntry) -> None:
    """imx_rproc_mem_alloc()."""
    try:
        mem.va = rproc.model.iomem.ioremap(mem.dma, mem.len)
    except OSError:
        rproc.parent_dev.err(f"Unable to map memory region: {mem.dma:#x}+{mem.len:x}")
        raise

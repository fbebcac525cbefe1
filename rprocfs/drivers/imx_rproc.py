"""The Cortex-M of i.MX processors -- drivers/remoteproc/imx_rproc.c of Linux 6.12.

The devicetree's node is that of the binding fsl,imx-rproc.yaml. What a core sees of the system
stands in :mod:`rprocfs.drivers.imx_rproc_att`.
"""

from __future__ import annotations

import errno
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.base.dd import EPROBE_DEFER
from rprocfs.devicetree.address import address_to_resource
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.devicetree.reserved import of_reserved_mem_lookup
from rprocfs.drivers import imx_rproc_att
from rprocfs.drivers.model.driver import ModelDriver, dev_err_probe
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.model.resources import clk_get, mbox_request_channel_byname
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.coredump import rproc_coredump_add_segment
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.memory import rproc_mem_entry_init
from rprocfs.remoteproc.regions import Memory
from rprocfs.remoteproc.rproc import RprocMemEntry, RprocOps, refusal_logged, rproc_add_carveout
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.drivers.imx_rproc_att import Att
    from rprocfs.remoteproc.rproc import Rproc

EM_ARM = 40
#: ``IMX_RPROC_MEM_MAX``.
MEM_MAX = 32
#: How much is taken for the resource table of a core that runs already.
RSC_TBL_SIZE = 1024
#: ``IMX_SC_R_M4_1_PID0`` of dt-bindings/firmware/imx/rsrc.h.
M4_1_PID0 = 298


class Method(Enum):
    """``enum imx_rproc_method``: by what Linux starts and stops the core."""

    NONE = "it does not: the core is the master of Linux"
    MMIO = "registers, the nodes `syscon` and `fsl,iomuxc-gpr`"
    SMC = "the secure monitor"
    SCU_API = "the system controller"


class Dcfg(NamedTuple):
    """``struct imx_rproc_dcfg``."""

    att: tuple[Att, ...]
    method: Method


class Mem(NamedTuple):
    """``struct imx_rproc_mem``: what the driver has mapped, by its address on the bus."""

    name: str
    sys_addr: int
    data: memoryview


DCFG = {
    "fsl,imx7ulp-cm4": Dcfg(imx_rproc_att.IMX7ULP, Method.NONE),
    "fsl,imx7d-cm4": Dcfg(imx_rproc_att.IMX7D, Method.MMIO),
    "fsl,imx6sx-cm4": Dcfg(imx_rproc_att.IMX6SX, Method.MMIO),
    "fsl,imx8mq-cm4": Dcfg(imx_rproc_att.IMX8MQ, Method.MMIO),
    "fsl,imx8mm-cm4": Dcfg(imx_rproc_att.IMX8MQ, Method.MMIO),
    "fsl,imx8mn-cm7": Dcfg(imx_rproc_att.IMX8MN, Method.SMC),
    "fsl,imx8mp-cm7": Dcfg(imx_rproc_att.IMX8MN, Method.SMC),
    "fsl,imx8mn-cm7-mmio": Dcfg(imx_rproc_att.IMX8MN, Method.MMIO),
    "fsl,imx8mp-cm7-mmio": Dcfg(imx_rproc_att.IMX8MN, Method.MMIO),
    "fsl,imx8qxp-cm4": Dcfg(imx_rproc_att.IMX8QXP, Method.SCU_API),
    "fsl,imx8qm-cm4": Dcfg(imx_rproc_att.IMX8QM, Method.SCU_API),
    "fsl,imx8ulp-cm33": Dcfg(imx_rproc_att.IMX8ULP, Method.NONE),
    "fsl,imx93-cm33": Dcfg(imx_rproc_att.IMX93, Method.SMC),
}


class ImxRprocOps(ModelOps):
    """``imx_rproc_ops``."""

    def __init__(self, device: PlatformDevice, node: OfNode, dcfg: Dcfg) -> None:
        super().__init__()
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
            super().start(rproc)
        except OSError:
            self._device.err("Failed to enable remote core!")
            raise

    def stop(self, rproc: Rproc) -> None:
        """imx_rproc_stop(). EOPNOTSUPP as :meth:`start`."""
        if self._dcfg.method is Method.NONE:
            raise error(errno.EOPNOTSUPP)
        try:
            super().stop(rproc)
        except OSError:
            self._device.err("Failed to stop remote core")
            raise
        self._mbox = False

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

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """imx_rproc_kick(): a message to the mailbox ``tx``, if the node has one."""
        del rproc, notifyid
        if not self._mbox:
            self._device.err("No initialized mbox tx channel")
            return
        self.ring()

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


class ImxRprocDriver(ModelDriver):
    """``imx_rproc_driver``."""

    name = "imx-rproc"
    compatible = tuple(DCFG)
    elf_machine = EM_ARM

    @classmethod
    def of_label(cls, node: OfNode) -> str:
        """All of them have the same name."""
        del node
        return "imx-rproc"

    def probe(self, device: PlatformDevice) -> None:
        """imx_rproc_probe(). EINVAL, ENODEV, ENOENT, EPROBE_DEFER."""
        node = self.node(device)
        dcfg = DCFG[device.properties["compatible"]]
        ops = ImxRprocOps(device, node, dcfg)
        rproc = self.alloc(device, "imx-rproc", ops)
        ops.xtr_mbox_init()
        try:
            ops.addr_init()
        except OSError:
            device.err("failed on imx_rproc_addr_init")
            raise
        _detect_mode(device, rproc, ops, dcfg)
        if dcfg.method in (Method.MMIO, Method.SMC) and (code := clk_get(node)):
            device.err("Failed to get clock")
            raise error(code)
        if device.properties.get("detached"):
            self.boot_loader(device, rproc, ops, ops.rsc_table)
        if rproc.state is not State.DETACHED:
            rproc.auto_boot = bool(device.properties.get("auto-boot"))
        rproc.reserved = self.reserved(device)
        self.add(device, rproc, ops)


def _detect_mode(device: PlatformDevice, rproc: Rproc, ops: ImxRprocOps, dcfg: Dcfg) -> None:
    """imx_rproc_detect_mode(): does it run, and whose is it. EINVAL, ENODEV, EPROBE_DEFER."""
    node = device.of_node
    assert node is not None
    if dcfg.method is Method.MMIO and not any(parse_phandles(node, "syscon")):
        device.err("failed to find syscon")
        raise error(errno.ENODEV)
    if dcfg.method is Method.SCU_API:
        _detect_owner(device, node, ops)
        if not ops.owned:
            rproc.attach_on_recovery = True
    if dcfg.method is Method.NONE or not ops.owned or device.properties.get("detached"):
        rproc.state = State.DETACHED


def _detect_owner(device: PlatformDevice, node: OfNode, ops: ImxRprocOps) -> None:
    """Whose a core is that the system controller starts.

    One with an entry address is taken for one that Linux may start, any other for one that
    the ROM has started in a partition of its own: the devicetree does not say it otherwise.
    """
    if not any("fsl,imx-scu" in other.strings("compatible") for other in node.root.walk()):
        raise error(EPROBE_DEFER)  # imx_scu_get_handle()
    resource = node.u32("fsl,resource-id")
    if resource is None:
        device.err("No fsl,resource-id property")
        raise error(errno.EINVAL)
    ops.core_index = int(resource == M4_1_PID0)
    ops.owned = node.u32("fsl,entry-address") is not None

"""The SCP of MediaTek SoCs -- drivers/remoteproc/mtk_scp.c of Linux 6.12.

The devicetree's nodes are those of the binding mtk,scp.yaml. A firmware tells the driver that it
is there, and talks to the kernel, by messages in the SRAM; the model of the remote side says that
it is there, and nothing else: there is no virtio on these processors.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.devicetree.address import resource_byname
from rprocfs.drivers.model.driver import ModelDriver, dev_err_probe
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.model.resources import clk_get
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.regions import Memory
from rprocfs.remoteproc.rproc import rproc_da_to_va

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.base.dma import DmaBuffer
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Rproc

#: The section that says where messages are: ``SECTION_NAME_IPI_BUFFER``.
IPI_SECTION = ".ipi_buffer"
#: ``sizeof(struct mtk_share_obj)``, twice: one to receive, one to send.
IPI_BUFFERS = 2 * 16
CORE = "mediatek,scp-core"


class ScpData(NamedTuple):
    """``struct mtk_scp_of_data``.

    *sram_at_0*: the core sees the SRAM at 0, not where the bus does. *max_dram*: how much of the
    reserved memory is code's. *ipi_offset*: where messages are in the SRAM; None: the image says
    it. *needs_clock*: its node has the clock ``main``.
    """

    sram_at_0: bool
    max_dram: int = 0x500000
    ipi_offset: int | None = None
    needs_clock: bool = False


DATA = {
    "mediatek,mt8183-scp": ScpData(sram_at_0=True, ipi_offset=0x7BDB0, needs_clock=True),
    "mediatek,mt8186-scp": ScpData(sram_at_0=True, ipi_offset=0x3BDB0),
    "mediatek,mt8188-scp": ScpData(sram_at_0=False, max_dram=0x800000),
    "mediatek,mt8192-scp": ScpData(sram_at_0=False, needs_clock=True),
    "mediatek,mt8195-scp": ScpData(sram_at_0=False, max_dram=0x800000),
}
#: Of clusters, by the number of the core.
DUAL = {
    "mediatek,mt8188-scp-dual": (
        DATA["mediatek,mt8188-scp"], ScpData(sram_at_0=False, max_dram=0xA00000),
    ),
    "mediatek,mt8195-scp-dual": (DATA["mediatek,mt8195-scp"], ScpData(sram_at_0=False)),
}  # fmt: skip


class ScpMem(NamedTuple):
    """A memory of the core, where it sees it."""

    name: str
    da: int
    data: memoryview


class ScpOps(ModelOps):
    """``scp_ops``: there is no doorbell."""

    def __init__(self, device: PlatformDevice, data: ScpData, mems: list[ScpMem]) -> None:
        super().__init__()
        self._device = device
        self._data = data
        self.mems = mems

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """scp_ipi_init(): where messages are. A resource table is not looked for.

        ENOENT if the image has to say it and does not; EOVERFLOW for what is not in the SRAM.
        """
        del rproc
        section = elf_loader.find_section(fw, IPI_SECTION)
        offset = self._data.ipi_offset if section is None else section.addr
        if offset is None:
            raise FirmwareError(number=errno.ENOENT)
        self._device.info(f"IPI buf addr {offset:#010x}")
        if offset + IPI_BUFFERS > len(self.mems[0].data):
            self._device.err("IPI buffer does not fit in SRAM.")
            raise FirmwareError(number=errno.EOVERFLOW)

    def load(self, rproc: Rproc, fw: bytes) -> None:
        """scp_elf_load_segments(): memory that the file does not fill is not cleared."""
        for phdr in elf_loader.iter_phdrs(fw):
            segment = elf_loader.LoadSegment.of(phdr)
            da, memsz, filesz, offset = segment
            if phdr["p_type"] != "PT_LOAD" or not filesz:
                continue
            segment.check(len(fw))
            va = rproc_da_to_va(rproc, da, memsz)
            if va is None:
                raise segment.bad_da()
            va[:filesz] = fw[offset : offset + filesz]

    def find_loaded_rsc_table(self, rproc: Rproc, fw: bytes) -> memoryview | None:
        """None: the driver gives no such operation."""
        del rproc, fw
        return None

    def start(self, rproc: Rproc) -> None:
        """scp_start(): the firmware says at once that it is there."""
        super().start(rproc)
        self._device.info("SCP is ready. FW version model")

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """mt8183_scp_da_to_va(), mt8192_scp_da_to_va()."""
        del rproc
        for mem in self.mems:
            offset = da - mem.da
            if offset >= 0 and offset + length <= len(mem.data):
                return mem.data[offset : offset + length]
        return None

    def memories(self, rproc: Rproc) -> Iterator[Memory]:
        """All of them."""
        del rproc
        for mem in self.mems:
            yield Memory(mem.name, mem.da, len(mem.data))


class ScpDriver(ModelDriver):
    """``mtk_scp_driver``."""

    name = "mtk-scp"
    compatible = (*DATA, CORE)

    @classmethod
    def of_label(cls, node: OfNode) -> str | None:
        """``np->name``; a core of a cluster that is not known is none."""
        return None if _data(node) is None else node.base_name

    def probe(self, device: PlatformDevice) -> None:
        """scp_probe(), for one core. EINVAL, ENOENT, ENOMEM, EPROBE_DEFER."""
        node = self.node(device)
        data = _data(node)
        assert data is not None
        cluster = node if node.flag("reg-names") and "cfg" in node.strings("reg-names") else None
        cluster = cluster or node.parent
        assert cluster is not None
        if resource_byname(cluster, "cfg") is None:
            dev_err_probe(device, errno.EINVAL, "Failed to parse and map cfg memory")
        mems = [_sram(device, node, data), *_l1tcm(device, cluster, data)]
        if data.needs_clock and (code := clk_get(node)):
            device.err("Failed to get clock")
            raise error(code)
        code_memory = self._map_memory_region(device, data)
        if code_memory is not None:
            mems.append(ScpMem("dram", code_memory.da, code_memory.va))
        ops = ScpOps(device, data, mems)
        firmware = node.strings("firmware-name") or ("scp.img",)
        rproc = self.alloc(device, node.base_name, ops, firmware[0])
        rproc.auto_boot = bool(device.properties.get("auto-boot", True))
        self.add(device, rproc, ops)

    def _map_memory_region(self, device: PlatformDevice, data: ScpData) -> DmaBuffer | None:
        """scp_map_memory_region(): code, in the reserved memory; None: it has none. ENOMEM."""
        try:
            pool = self.reserved_mem_device_init_by_idx(device, 0)
        except OSError as failure:
            if failure.errno == errno.ENODEV:
                device.info("skipping reserved memory initialization.")
                return None
            device.err(f"failed to assign memory-region: {-(failure.errno or 0)}")
            raise error(errno.ENOMEM) from failure
        buffer = pool.alloc(data.max_dram)
        device.devm_add_action(lambda: pool.free(buffer))
        return buffer


def _data(node: OfNode) -> ScpData | None:
    """What the driver knows of the SoC; None for a core whose cluster it does not know."""
    for text in node.strings("compatible"):
        if text in DATA:
            return DATA[text]
    cluster = node.parent
    for text in cluster.strings("compatible") if cluster is not None else ():
        if cluster is not None and text in DUAL:
            number = [core for core in cluster.children.values() if core.available].index(node)
            return DUAL[text][number] if number < len(DUAL[text]) else None
    return None


def _sram(device: PlatformDevice, node: OfNode, data: ScpData) -> ScpMem:
    resource = resource_byname(node, "sram")
    if resource is None:
        device.err("invalid resource (null)")
        device.err("Failed to parse and map sram memory")
        raise error(errno.EINVAL)
    start, size = resource
    da = 0 if data.sram_at_0 else start
    return ScpMem("sram", da, device.model.iomem.ioremap(start, size))


def _l1tcm(device: PlatformDevice, cluster: OfNode, data: ScpData) -> Iterator[ScpMem]:
    """Map the L1TCM if there is one; the driver does not look for it if the SRAM is at 0."""
    resource = resource_byname(cluster, "l1tcm")
    if resource is not None and not data.sram_at_0:
        yield ScpMem("l1tcm", resource[0], device.model.iomem.ioremap(*resource))

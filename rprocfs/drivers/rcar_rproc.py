"""The Cortex-R7 of R-Car Gen3 -- drivers/remoteproc/rcar_rproc.c of Linux 6.12.

The devicetree's node is that of the binding renesas,rcar-rproc.yaml. There is no doorbell: images
with virtio devices are refused.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.devicetree.reserved import of_reserved_mem_lookup
from rprocfs.drivers.model.driver import ModelDriver, dev_err_probe
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.memory import rproc_mem_entry_init
from rprocfs.remoteproc.rproc import RprocMemEntry, RprocOps, refusal_logged, rproc_add_carveout

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Rproc

EM_ARM = 40
U32_MAX = 0xFFFFFFFF


class RcarOps(ModelOps):
    """``rcar_rproc_ops``: all memory is carveouts."""

    def __init__(self, node: OfNode) -> None:
        super().__init__()
        self._node = node

    def prepare(self, rproc: Rproc) -> None:
        """rcar_rproc_prepare(): reserved memories, where the bus has them.

        EINVAL for one that cannot be found, or is beyond 32 bits.
        """
        super().prepare(rproc)
        for region in parse_phandles(self._node, "memory-region"):
            rmem = of_reserved_mem_lookup(region)
            if rmem is None:
                rproc.err("unable to acquire memory-region")
                raise error(errno.EINVAL)
            if rmem.base > U32_MAX:
                raise error(errno.EINVAL)
            mem = rproc_mem_entry_init(
                rmem.base_name, rmem.size, rmem.base, dma=rmem.base, alloc=_mem_alloc
            )
            rproc_add_carveout(rproc, mem)

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """rcar_rproc_parse_fw(): an image without resource table, or with a bad one, runs, too."""
        try:
            with refusal_logged(rproc):
                RprocOps.parse_fw(self, rproc, fw)
        except FirmwareError:
            rproc.info("No resource table in elf")

    def start(self, rproc: Rproc) -> None:
        """rcar_rproc_start(). EINVAL for an image that begins at 0."""
        if not rproc.bootaddr:
            raise error(errno.EINVAL)
        super().start(rproc)


def _mem_alloc(rproc: Rproc, mem: RprocMemEntry) -> None:
    """rcar_rproc_mem_alloc()."""
    try:
        mem.va = rproc.model.iomem.ioremap(mem.dma, mem.len)
    except OSError:
        rproc.err(f"Unable to map memory region: {mem.dma:#018x}+{mem.len:x}")
        raise


class RcarDriver(ModelDriver):
    """``rcar_rproc_driver``."""

    name = "rcar-rproc"
    compatible = ("renesas,rcar-cr7",)
    elf_machine = EM_ARM

    def probe(self, device: PlatformDevice) -> None:
        """rcar_rproc_probe(). ENOENT without a reset."""
        node = self.node(device)
        ops = RcarOps(node)
        rproc = self.alloc(device, node.base_name, ops)
        if not node.flag("resets"):
            dev_err_probe(device, errno.ENOENT, "fail to acquire rproc reset")
        rproc.auto_boot = False
        rproc.reserved = self.reserved(device)
        self.add(device, rproc, ops)

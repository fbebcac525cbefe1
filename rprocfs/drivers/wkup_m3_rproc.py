"""The Cortex-M3 that wakes an AM335x or AM437x -- drivers/remoteproc/wkup_m3_rproc.c, Linux 6.12.

The devicetree's node is that of the binding ti,wkup-m3 (wkup_m3_rproc.txt). It belongs to the
driver of the power management: userspace can read what it does, and no more.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.devicetree.address import reg, resource_byname
from rprocfs.drivers.model.driver import ModelDriver
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.regions import Memory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Rproc

EM_ARM = 40
#: The first one is at 0 of the core.
MEM_NAMES = ("umem", "dmem")


class WkupM3Mem(NamedTuple):
    """``struct wkup_m3_mem``."""

    name: str
    dev_addr: int
    data: memoryview


class WkupM3Ops(ModelOps):
    """``wkup_m3_rproc_ops``: there is no doorbell."""

    mem: tuple[WkupM3Mem, ...] = ()

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """wkup_m3_rproc_da_to_va()."""
        del rproc
        for mem in self.mem if length else ():
            offset = da - mem.dev_addr
            if offset >= 0 and offset + length <= len(mem.data):
                return mem.data[offset : offset + length]
        return None

    def memories(self, rproc: Rproc) -> Iterable[Memory]:
        """Both of them."""
        del rproc
        return [Memory(mem.name, mem.dev_addr, len(mem.data)) for mem in self.mem]


class WkupM3Driver(ModelDriver):
    """``wkup_m3_rproc_driver``."""

    name = "wkup_m3_rproc"
    compatible = ("ti,am3352-wkup-m3", "ti,am4372-wkup-m3")
    elf_machine = EM_ARM

    @classmethod
    def of_label(cls, node: OfNode) -> str:
        """Each of them is called so."""
        del node
        return "wkup_m3"

    def probe(self, device: PlatformDevice) -> None:
        """wkup_m3_rproc_probe(). ENODEV without a firmware, EINVAL without a memory; ENOMEM."""
        node = self.node(device)
        firmware = node.strings("ti,pm-firmware")
        if not firmware:
            device.err("No firmware filename given")
            raise error(errno.ENODEV)
        ops = WkupM3Ops()
        rproc = self.alloc(device, "wkup_m3", ops, firmware[0])
        rproc.auto_boot = False
        rproc.sysfs_read_only = True
        ops.mem = tuple(_memory(device, node, number) for number in range(len(MEM_NAMES)))
        self.add(device, rproc, ops)


def _memory(device: PlatformDevice, node: OfNode, number: int) -> WkupM3Mem:
    """One of them: where the core has it is where the bus does, counted from the first one."""
    resource = resource_byname(node, MEM_NAMES[number])
    addresses = reg(node)
    if resource is None or number >= len(addresses):
        device.err("invalid resource (null)")
        device.err(f"devm_ioremap_resource failed for resource {number}")
        raise error(errno.EINVAL)
    dev_addr = addresses[number][0] - addresses[0][0]
    return WkupM3Mem(MEM_NAMES[number], dev_addr, device.model.iomem.ioremap(*resource))

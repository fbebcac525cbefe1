"""What the drivers of the K3 processors of TI have in common -- drivers/remoteproc/ti_k3_common.c.

That file came after Linux 6.12, whose ti_k3_r5_remoteproc.c, ti_k3_m4_remoteproc.c and
ti_k3_dsp_remoteproc.c say the same three times.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.base.dd import EPROBE_DEFER
from rprocfs.devicetree.address import resource_byname
from rprocfs.devicetree.device import of_device_make_bus_id
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.devicetree.reserved import of_reserved_mem_lookup
from rprocfs.drivers.model.driver import ModelDriver, dev_err_probe
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.model.resources import mbox_request_channel
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.regions import Memory, Reserved
from rprocfs.remoteproc.rproc import RprocOps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rprocfs.base.dma import DmaPool
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Rproc

#: How much is taken for the resource table of a core that runs already: k3_get_loaded_rsc_table().
RSC_TBL_SIZE = 256


class K3Mem(NamedTuple):
    """``struct k3_rproc_mem``: *data* is at *bus_addr* of the system and *dev_addr* of the core."""

    name: str
    bus_addr: int
    dev_addr: int
    data: memoryview

    def find(self, base: int, da: int, length: int) -> memoryview | None:
        """The part at *da*, where the memory is at *base*."""
        offset = da - base
        inside = offset >= 0 and offset + length <= len(self.data)
        return self.data[offset : offset + length] if inside else None


class K3Memories(RprocOps):
    """Internal memories *mem*, on-chip memories *sram* and reserved memories *rmem* of a core."""

    device: PlatformDevice
    mem: list[K3Mem]
    sram: list[K3Mem]
    rmem: list[K3Mem]

    def describe(self, device: PlatformDevice) -> None:
        """It is the core of *device*, and has no memories yet."""
        self.device = device
        self.mem, self.sram, self.rmem = [], [], []

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """Internal memories by either address, then on-chip ones, then reserved memories."""
        del rproc
        if not length:
            return None
        for mem in self.mem:
            for base in self.bases(mem, da):
                if (va := mem.find(base, da, length)) is not None:
                    return va
        for mem in (*self.sram, *self.rmem):
            if (va := mem.find(mem.dev_addr, da, length)) is not None:
                return va
        return None

    def bases(self, mem: K3Mem, da: int) -> tuple[int, ...]:
        """Where an internal memory is looked for: as the core sees it, then as the bus does."""
        del da
        return mem.dev_addr, mem.bus_addr

    def memories(self, rproc: Rproc) -> Iterator[Memory]:
        """The internal ones are there by both addresses."""
        del rproc
        for mem in self.mem:
            for base in dict.fromkeys((mem.dev_addr, mem.bus_addr)):
                if base in self.bases(mem, base):
                    yield Memory(mem.name, base, len(mem.data))
        for mem in (*self.sram, *self.rmem):
            yield Memory(mem.name, mem.dev_addr, len(mem.data))

    def loaded_rsc_table(self) -> memoryview:
        """k3_get_loaded_rsc_table(): at the start of the second ``memory-region``."""
        return self.rmem[0].data[:RSC_TBL_SIZE]


class K3Ops(K3Memories, ModelOps):
    """A core whose remote side is a model."""

    def __init__(self, device: PlatformDevice) -> None:
        super().__init__()
        self.describe(device)

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """k3_rproc_kick(): a message to the mailbox."""
        del rproc, notifyid
        self.ring()


class K3AttachOps(K3Ops):
    """Those of a core that a boot loader may have started."""

    def detach(self, rproc: Rproc) -> None:
        """k3_rproc_detach(): nothing is to be done."""
        del rproc
        self.leave()

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """k3_get_loaded_rsc_table()."""
        del rproc
        return self.loaded_rsc_table()


class K3IpcOps(K3AttachOps):
    """Those of a core that a boot loader has started (IPC-only mode): it cannot be stopped."""

    def provides(self, operation: str) -> bool:
        """``ops->start`` and ``ops->stop`` are NULL."""
        return operation not in ("start", "stop") and super().provides(operation)


class K3Driver(ModelDriver):
    """The parts of a probe."""

    #: What is said of a node without reserved memories.
    no_regions = "device does not reserved memory regions"

    @staticmethod
    def with_code(text: str, code: int) -> str:
        """*text*, and an errno as this driver writes it."""
        return f"{text} ({-code})"

    @classmethod
    def of_label(cls, node: OfNode) -> str | None:
        """``dev_name``."""
        return of_device_make_bus_id(node)

    def firmware_name(self, device: PlatformDevice) -> str:
        """rproc_of_parse_firmware(); EINVAL if the node names none."""
        names = self.node(device).strings("firmware-name")
        if not names:
            dev_err_probe(device, errno.EINVAL, "failed to parse firmware-name property")
        return names[0]

    def request_mbox(self, device: PlatformDevice) -> None:
        """k3_rproc_request_mbox(). ENODEV, EPROBE_DEFER."""
        code = mbox_request_channel(self.node(device), 0)
        if code:
            dev_err_probe(device, code, "mbox_request_channel failed")

    def control(self, device: PlatformDevice) -> None:
        """What TI-SCI is asked by: the node has to say it. EINVAL, ENODEV, ENOENT, EPROBE_DEFER."""
        node = self.node(device)
        controllers = parse_phandles(node, "ti,sci")
        if not controllers or controllers[0] is None:
            dev_err_probe(device, errno.ENODEV, "failed to get ti-sci handle")
        if not controllers[0].available:
            dev_err_probe(device, EPROBE_DEFER, "failed to get ti-sci handle")
        if node.u32("ti,sci-dev-id") is None:
            dev_err_probe(device, errno.EINVAL, "missing 'ti,sci-dev-id' property")
        if not node.flag("resets"):
            dev_err_probe(device, errno.ENOENT, "failed to get reset")
        if len(node.cells("ti,sci-proc-ids")) < len(("processor", "host")):
            dev_err_probe(device, errno.EINVAL, "failed to construct ti-sci proc control")

    def get_memories(self, device: PlatformDevice, mems: Mapping[str, int]) -> list[K3Mem]:
        """k3_rproc_of_get_memories(): *mems* are where the core sees them. EINVAL, ENOMEM."""
        node, found = self.node(device), []
        for name, dev_addr in mems.items():
            resource = resource_byname(node, name)
            if resource is None:
                device.err(f"found no memory resource for {name}")
                raise error(errno.EINVAL)
            data = device.model.iomem.ioremap(*resource)
            found.append(K3Mem(name, resource[0], dev_addr, data))
        return found

    def init_reserved(self, device: PlatformDevice) -> tuple[DmaPool, list[K3Mem]]:
        """k3_reserved_mem_init(): the pool of the device, and the other reserved memories.

        EINVAL for less than two, or for what is none; ENOMEM.
        """
        try:
            return self._pool(device), self._reserved_memories(device)
        except OSError as failure:
            code = errno.errorcode.get(failure.errno or 0, "EINVAL")
            device.err(f"error -{code}: reserved memory init failed")
            raise

    def _pool(self, device: PlatformDevice) -> DmaPool:
        """The first one: for vrings."""
        count = len(self.node(device).cells("memory-region"))
        if not count:
            device.err(self.with_code(self.no_regions, errno.EINVAL))
            raise error(errno.EINVAL)
        if count < len(("pool", "memory")):
            device.err(f"device needs at least two memory regions to be defined, num = {count}")
            raise error(errno.EINVAL)
        try:
            return self.reserved_mem_device_init_by_idx(device, 0)
        except OSError as failure:
            device.err(self.with_code("device cannot initialize DMA pool", failure.errno or 0))
            raise

    def _reserved_memories(self, device: PlatformDevice) -> list[K3Mem]:
        """The others: fixed carveouts."""
        found = []
        for number, region in enumerate(parse_phandles(self.node(device), "memory-region")):
            rmem = of_reserved_mem_lookup(region)
            if rmem is None:
                raise error(errno.EINVAL)
            if not number:
                continue
            try:
                data = device.model.iomem.ioremap(rmem.base, rmem.size)
            except OSError:
                what = f"at {rmem.base:#018x} of size {rmem.size:#018x}"
                device.err(f"failed to map reserved memory#{number} {what}")
                raise
            found.append(K3Mem(rmem.name, rmem.base, rmem.base, data))
        return found

    def finish(self, device: PlatformDevice, ops: RprocOps, name: str, pool: DmaPool) -> Rproc:
        """The processor, which recovers from no crash, and boots by itself."""
        rproc = self.alloc(device, name, ops, self.firmware_name(device), pool)
        self.configure(device, rproc, pool)
        return rproc

    def configure(self, device: PlatformDevice, rproc: Rproc, pool: DmaPool) -> None:
        """What is the same for all of them."""
        rproc.recovery_disabled = True
        rproc.auto_boot = bool(device.properties.get("auto-boot", True))
        reserved = self.reserved(device)
        rproc.reserved = None if reserved is None else Reserved(reserved.name, pool)

"""The PRU, RTU and Tx_PRU cores of TI's PRU-ICSS -- drivers/remoteproc/pru_rproc.c of Linux 6.12.

The devicetree's nodes are those of the bindings ti,pru-rproc.yaml and ti,pruss.yaml. Linux has no
doorbell for them, and refuses images with virtio devices. TI's own kernels have one, for nodes
with an interrupt called ``vring``: so do such nodes here.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.devicetree.address import resource_byname
from rprocfs.devicetree.device import of_device_make_bus_id
from rprocfs.drivers.model.driver import ModelDriver
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.pru_irq_map import find_interrupt_map, handle_intrmap
from rprocfs.drivers.pru_rproc_debugfs import (
    CTRL_EN,
    CTRL_RUNSTATE,
    PruRegisters,
    create_debug_entries,
)
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.regions import Memory
from rprocfs.remoteproc.rproc import RprocOps, refusal_logged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Rproc

#: What of an address the IRAM looks at: GNU ld puts code at 0x20000000.
IRAM_DA_MASK = 0xFFFFF
#: Where a core sees its own data RAM, the other one's, and the shared one.
PDRAM_DA, SDRAM_DA, SHRDRAM_DA = 0x0, 0x2000, 0x10000
#: ``pa & IRAM_ADDR_MASK`` of the IRAM says which core it is.
IRAM_ADDR_MASK = 0x3FFFF
IDS = {
    0x34000: 0, 0x4000: 0, 0xA000: 0,  # PRU0, RTU0, Tx_PRU0
    0x38000: 1, 0x6000: 1, 0xC000: 1,  # PRU1, RTU1, Tx_PRU1
}  # fmt: skip
EM_TI_PRU = 144
PF_X = 1

#: Those whose IRAM takes words only (``is_k3``).
K3 = frozenset(
    f"ti,{soc}-{core}"
    for soc, cores in {
        "am642": ("pru", "rtu", "tx-pru"), "am654": ("pru", "rtu", "tx-pru"),
        "j721e": ("pru", "rtu", "tx-pru"), "am625": ("pru",),
    }.items()
    for core in cores
)  # fmt: skip
OTHERS = ("ti,am3356-pru", "ti,am4376-pru", "ti,am5728-pru", "ti,k2g-pru")


class PruMem(NamedTuple):
    """A data RAM, where the core sees it."""

    name: str
    da: int
    data: memoryview


class PruOps(ModelOps):
    """``pru_rproc_ops``."""

    def __init__(self, device: PlatformDevice, node: OfNode, *, is_k3: bool) -> None:
        super().__init__()
        self._device = device
        self._node = node
        self._is_k3 = is_k3
        self.iram = memoryview(b"")
        self.data_rams: tuple[PruMem, ...] = ()
        self.registers: PruRegisters
        self._interrupt_map: bytes | None = None

    def parse_fw(self, rproc: Rproc, fw: bytes) -> None:
        """pru_rproc_parse_fw(): both the resource table and ``.pru_irq_map`` are optional."""
        with suppress(FirmwareError), refusal_logged(rproc):
            RprocOps.parse_fw(self, rproc, fw)
        self._interrupt_map = find_interrupt_map(fw)

    def load(self, rproc: Rproc, fw: bytes) -> None:
        """pru_rproc_load_elf_segments(): code into the IRAM, all else into data RAMs.

        What the file does not fill is left as it is.
        """
        del rproc
        for phdr in elf_loader.iter_phdrs(fw):
            segment = elf_loader.LoadSegment.of(phdr)
            da, memsz, filesz, offset = segment
            if phdr["p_type"] != "PT_LOAD" or not filesz:
                continue
            segment.check(len(fw))
            at = self.iram_at if phdr["p_flags"] & PF_X else self.data_at
            va = at(da, memsz)
            if va is None:
                raise segment.bad_da()
            if self._is_k3 and (da % 4 or filesz % 4):
                raise FirmwareError(f"PRU memory copy failed for da {da:#x} memsz {memsz:#x}")
            va[:filesz] = fw[offset : offset + filesz]

    def start(self, rproc: Rproc) -> None:
        """pru_rproc_start(). EINVAL for interrupts that cannot be, ENODEV without a controller."""
        mapping, self._interrupt_map = self._interrupt_map, None
        if mapping is not None:
            handle_intrmap(self._device, self._node, mapping)
        super().start(rproc)
        self.registers.ctrl = CTRL_EN | CTRL_RUNSTATE | (rproc.bootaddr >> 2 & 0xFFFF) << 16

    def stop(self, rproc: Rproc) -> None:
        """pru_rproc_stop()."""
        super().stop(rproc)
        self.registers.ctrl &= ~(CTRL_EN | CTRL_RUNSTATE)

    def da_to_va(self, rproc: Rproc, da: int, length: int) -> memoryview | None:
        """pru_rproc_da_to_va(): the data RAMs only."""
        del rproc
        return self.data_at(da, length)

    def segment_to_va(self, rproc: Rproc, da: int, length: int, flags: int) -> memoryview | None:
        """As pru_rproc_load_elf_segments(): code into the IRAM."""
        del rproc
        return self.iram_at(da, length) if flags & PF_X else self.data_at(da, length)

    def data_at(self, da: int, length: int) -> memoryview | None:
        """pru_d_da_to_va()."""
        for mem in self.data_rams if length else ():
            offset = da - mem.da
            if offset >= 0 and offset + length <= len(mem.data):
                return mem.data[offset : offset + length]
        return None

    def iram_at(self, da: int, length: int) -> memoryview | None:
        """pru_i_da_to_va(): the IRAM is at the address of the first data RAM."""
        offset = da & IRAM_DA_MASK
        inside = length and offset + length <= len(self.iram)
        return self.iram[offset : offset + length] if inside else None

    def memories(self, rproc: Rproc) -> Iterator[Memory]:
        """The data RAMs; the IRAM, which only code is loaded into, is not to be seen."""
        del rproc
        for mem in self.data_rams:
            yield Memory(mem.name, mem.da, len(mem.data))


class TiPruOps(PruOps):
    """Those of TI's kernels, ti-linux-6.1.y: system events are a doorbell."""

    def kick(self, rproc: Rproc, notifyid: int) -> None:
        """pru_rproc_kick()."""
        del rproc, notifyid
        self.ring()


class PruDriver(ModelDriver):
    """``pru_rproc_driver``."""

    name = "pru-rproc"
    compatible = (*OTHERS, *sorted(K3))
    elf_machine = EM_TI_PRU

    @classmethod
    def of_label(cls, node: OfNode) -> str:
        """``pdev->name``, which is its device's."""
        return of_device_make_bus_id(node)

    def probe(self, device: PlatformDevice) -> None:
        """pru_rproc_probe(). EINVAL, ENODEV, ENOMEM."""
        node = self.node(device)
        firmware = node.strings("firmware-name")
        if not firmware:
            device.err(f"unable to retrieve firmware-name {-errno.EINVAL}")
            raise error(errno.EINVAL)
        make = TiPruOps if "vring" in node.strings("interrupt-names") else PruOps
        ops = make(device, node, is_k3=device.properties["compatible"] in K3)
        rproc = self.alloc(device, device.name, ops, firmware[0])
        rproc.recovery_disabled = True
        rproc.auto_boot = False
        (start, ops.iram), (_, control), (_, debug) = [
            _region(device, node, number, name)
            for number, name in enumerate(("iram", "control", "debug"))
        ]
        ops.registers = PruRegisters(control, debug)
        number = IDS.get(start & IRAM_ADDR_MASK)
        if number is None:
            raise error(errno.EINVAL)
        ops.data_rams = _data_rams(device, node, number)
        self.add(device, rproc, ops)
        if rproc.debug_dir is not None:
            create_debug_entries(rproc.debug_dir, ops.registers)


def _region(device: PlatformDevice, node: OfNode, number: int, name: str) -> tuple[int, memoryview]:
    """A memory of the core: where it is on the bus, and what is there."""
    resource = resource_byname(node, name)
    if resource is None:
        device.err("invalid resource (null)")
        device.err(f"failed to parse and map memory resource {number} {name}")
        raise error(errno.EINVAL)
    return resource[0], device.model.iomem.ioremap(*resource)


def _data_rams(device: PlatformDevice, node: OfNode, number: int) -> tuple[PruMem, ...]:
    """Those of the PRUSS -- pruss_probe() of drivers/soc/ti/pruss.c. Each core's own is at 0."""
    pruss = node.parent
    memories = next(
        (child for child in (pruss.children.values() if pruss is not None else ())
         if child.base_name == "memories"), None,
    )  # fmt: skip
    if memories is None:
        device.err("the PRU-ICSS above it is missing its 'memories' node")
        raise error(errno.ENODEV)
    own, other = ("dram0", "dram1") if not number else ("dram1", "dram0")
    found = []
    for name, da in ((own, PDRAM_DA), (other, SDRAM_DA), ("shrdram2", SHRDRAM_DA)):
        resource = resource_byname(memories, name)
        if resource is not None:  # the smaller PRU-ICSS of an AM437x has no shared RAM
            found.append(PruMem(name, da, device.model.iomem.ioremap(*resource)))
    return tuple(found)

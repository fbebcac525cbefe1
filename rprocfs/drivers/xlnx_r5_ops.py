"""The operations of the RPU of Xilinx -- drivers/remoteproc/xlnx_r5_remoteproc.c, Linux 6.12.

All memory is carveouts. What lets a core go is up to a subclass.
"""

from __future__ import annotations

import errno
import os
from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.devicetree.reserved import of_reserved_mem_lookup
from rprocfs.fs.kernfs import error
from rprocfs.kernel import XLNX_R5_ATTACH_ON_RECOVERY, XLNX_R5_REGION_RESOURCE
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.coredump import rproc_coredump_add_segment
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.memory import rproc_mem_entry_init
from rprocfs.remoteproc.recovery import rproc_report_crash
from rprocfs.remoteproc.rproc import RprocMemEntry, RprocOps, refusal_logged, rproc_add_carveout
from rprocfs.remoteproc.state import CrashType, State

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.drivers.xlnx_r5_of import Bank
    from rprocfs.remoteproc.rproc import Rproc


#: ``RSC_VENDOR_START``, and the size of ``struct xlnx_rproc_crash_report``: its version, whether it
#: has crashed, a number and a text for the reason.
XLNX_RPROC_FW_CRASH_REPORT, CRASH_REPORT = 128, 19


class ZynqmpR5Ops(RprocOps):
    """``zynqmp_r5_rproc_ops``, of a core at *node* of the devicetree."""

    node: OfNode
    tcm: tuple[Bank, ...] = ()
    sram: tuple[Bank, ...] = ()
    ipi = False
    rsc_table: memoryview | None = None
    crash_report: memoryview | None = None

    def describe(self, device: PlatformDevice, node: OfNode) -> None:
        """It is the core of *device*, at *node*."""
        del device
        self.node = node

    @abstractmethod
    def mbox_send_message(self, rproc: Rproc, vqid: int) -> None:
        """Send *vqid* to the mailbox ``tx``."""

    @abstractmethod
    def leave(self) -> None:
        """The core runs on without Linux."""

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
        for region in parse_phandles(self.node, "memory-region"):
            rmem = of_reserved_mem_lookup(region)
            if rmem is None:
                if rproc.model.version.has(XLNX_R5_REGION_RESOURCE):
                    return
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
        if self.ipi:
            self.mbox_send_message(rproc, notifyid)

    def detach(self, rproc: Rproc) -> None:
        """zynqmp_r5_detach(): one more message, and the firmware sees that Linux has gone."""
        self.kick(rproc, 0)
        self.leave()

    def get_loaded_rsc_table(self, rproc: Rproc) -> memoryview | None:
        """zynqmp_r5_get_loaded_rsc_table(): the one that was found by the probe."""
        del rproc
        return self.rsc_table

    def handle_rsc(self, rproc: Rproc, kind: int, offset: int, avail: int) -> bool:
        """zynqmp_r5_handle_rsc(): the crash report of firmware that runs already.

        *offset* is that of an image's own table if the core was booted since. The kernel writes
        there, whatever is behind the table that was found; here such a report is not supported.
        """
        known = rproc.model.version.has(XLNX_R5_ATTACH_ON_RECOVERY)
        if not known or kind != XLNX_RPROC_FW_CRASH_REPORT or self.rsc_table is None:
            return False
        report = self.rsc_table[offset : offset + CRASH_REPORT]
        if avail < CRASH_REPORT or len(report) < CRASH_REPORT:
            return False
        self.crash_report = report
        report[1:4] = bytes(3)
        return True

    def report_crash(self, rproc: Rproc) -> bool:
        """Of handle_event_notified(): report what the firmware has said; False: nothing."""
        report = self.crash_report
        if report is None or not report[1]:
            return False
        text = os.fsdecode(bytes(report[3:-1]).partition(b"\0")[0])
        rproc.warn(f"crash reason id: {report[2]} {text}")
        rproc_report_crash(rproc, CrashType.FATAL_ERROR)
        report[1] = 0
        return True

    def load_before(self, rproc: Rproc, fw: bytes) -> None:
        """Load an image without any carveout. FirmwareError."""
        places = [(bank.da, bank.addr, bank.size) for bank in (*self.tcm, *self.sram)]
        for region in parse_phandles(self.node, "memory-region"):
            rmem = of_reserved_mem_lookup(region)
            if rmem is not None:
                places.append((rmem.base, rmem.base, rmem.size))

        def find(da: int, length: int) -> memoryview | None:
            for start, addr, size in places:
                if start <= da and da + length <= start + size:
                    return rproc.model.iomem.ioremap(addr + da - start, length)
            return None

        elf_loader.rproc_elf_load_segments(find, fw)


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

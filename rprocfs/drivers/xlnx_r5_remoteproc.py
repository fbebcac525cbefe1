"""The Cortex-R5F and R52 of Zynq UltraScale+ and Versal -- drivers/remoteproc/xlnx_r5_remoteproc.c.

Of Linux 6.12. Clusters and cores are those of the binding xlnx,zynqmp-r5fss.yaml. In the kernel the
driver binds to the cluster, and makes the processors of its cores; here it binds to each core.
Those of a board whose devicetree is a Zynq UltraScale+'s (``xlnx,zynqmp``) execute their firmware:
see :mod:`rprocfs.drivers.xlnx_r5_machine`. The others, and those whose description says what
the remote side announces (``services``), are models.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rprocfs.devicetree.device import of_device_make_bus_id
from rprocfs.drivers.machine import EM_ARM, MachineDriver
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.model.resources import mbox_request_channel_byname
from rprocfs.drivers.worker.driver import refused
from rprocfs.drivers.xlnx_r5_machine import ZynqmpR5MachineOps, machine_of
from rprocfs.drivers.xlnx_r5_of import (
    CLUSTERS,
    LOCKSTEP,
    check_cluster,
    cores,
    is_cluster,
    mode,
    sram_banks,
    tcm_banks,
)
from rprocfs.drivers.xlnx_r5_ops import ZynqmpR5Ops
from rprocfs.drivers.xlnx_r5_rsc_tbl import get_rsc_table_va
from rprocfs.kernel import (
    XLNX_R5_ATTACH_ON_RECOVERY,
    XLNX_R5_AUTO_BOOT,
    XLNX_R5_NO_RECOVERY,
    XLNX_R5_NODE_STATUS,
)
from rprocfs.remoteproc.coredump import ELFCLASS32, rproc_coredump_set_elf_info
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.soc.machine import Machine

log = logging.getLogger(__name__)


class ZynqmpR5ModelOps(ZynqmpR5Ops, ModelOps):
    """Those of a core whose remote side is a model."""

    def mbox_send_message(self, rproc: Rproc, vqid: int) -> None:
        """The model looks at all rings."""
        del rproc, vqid
        self.ring()

    def leave(self) -> None:
        """The model runs on."""
        ModelOps.leave(self)


class ZynqmpR5Driver(MachineDriver[ZynqmpR5MachineOps]):
    """``zynqmp_r5_remoteproc_driver``."""

    name = "zynqmp_r5_remoteproc"
    compatible = tuple(CLUSTERS)
    ops = ZynqmpR5MachineOps
    shared = True

    @classmethod
    def of_label(cls, node: OfNode) -> str | None:
        """``dev_name``; core 1 is no processor of its own unless in split mode."""
        cluster = node.parent
        if cluster is None or not is_cluster(cluster):
            return None
        if cores(cluster).index(node) and mode(cluster) == LOCKSTEP:
            return None
        return of_device_make_bus_id(node)

    def find_machine(self, device: PlatformDevice) -> Machine | None:
        """That of a Zynq UltraScale+."""
        return machine_of(self.node(device))

    def core(self, device: PlatformDevice) -> str:
        """By its place in the cluster; EINVAL for a core that there is not."""
        node = self.node(device)
        assert node.parent is not None
        name = f"r5f{cores(node.parent).index(node)}"
        if name not in self.machine_of(device).cores:
            raise refused(device, f"there is no core {name}")
        return name

    def probe(self, device: PlatformDevice) -> None:
        """zynqmp_r5_cluster_init(), for one core. EINVAL, ENOMEM."""
        node = self.node(device)
        assert node.parent is not None
        check_cluster(device, node.parent)
        ops = self.make(device) or ZynqmpR5ModelOps()
        ops.describe(device, node)
        rproc = self.alloc(device, device.name, ops)
        _describe(rproc)
        rproc.reserved = self.reserved(device)
        version = device.model.version
        if version.has(XLNX_R5_AUTO_BOOT):
            rproc.auto_boot = node.flag("firmware-name")
            self._init(device, node, rproc, ops)
            self.add(device, rproc, ops)
        else:  # it is there before it is known whether it can be
            self.add(device, rproc, ops)
            self._init(device, node, rproc, ops)

    def _init(
        self,
        device: PlatformDevice,
        node: OfNode,
        rproc: Rproc,
        ops: ZynqmpR5ModelOps | ZynqmpR5MachineOps,
    ) -> None:
        """zynqmp_r5_core_init() and what is around it, for one core."""
        assert node.parent is not None
        ops.ipi = _setup_mbox(device, node)
        ops.tcm = tuple(tcm_banks(device, node, node.parent))
        ops.sram = tuple(sram_banks(device, node))
        runs = bool(device.properties.get("detached"))
        runs = runs and self.boot_loader(device, rproc, ops, None)
        if self._found(device, node, ops, runs):
            rproc.state = State.DETACHED
            version = device.model.version
            rproc.auto_boot = version.has(XLNX_R5_AUTO_BOOT)
            rproc.attach_on_recovery = version.has(XLNX_R5_ATTACH_ON_RECOVERY)

    @staticmethod
    def _found(device: PlatformDevice, node: OfNode, ops: ZynqmpR5Ops, runs: bool) -> bool:
        """Whether the core is one to attach to, and its table if there is one."""
        if not device.model.version.has(XLNX_R5_NODE_STATUS):
            ops.rsc_table = get_rsc_table_va(device, node)
            return ops.rsc_table is not None
        if runs:
            ops.rsc_table = get_rsc_table_va(device, node)
            if ops.rsc_table is None:
                log.debug("%s: rsc tbl not found", device.name)
        return runs


def _setup_mbox(device: PlatformDevice, node: OfNode) -> bool:
    """zynqmp_r5_setup_mbox(): without mailboxes there is no doorbell, and no error."""
    for name in ("tx", "rx"):
        if mbox_request_channel_byname(device, node, name):
            device.warn(f"mbox {name} channel request failed")
            return False
    return True


def _describe(rproc: Rproc) -> None:
    """zynqmp_r5_add_rproc_core()."""
    rproc_coredump_set_elf_info(rproc, ELFCLASS32, EM_ARM)
    version = rproc.model.version
    recovers = version.has(XLNX_R5_ATTACH_ON_RECOVERY) or not version.has(XLNX_R5_NO_RECOVERY)
    rproc.recovery_disabled = not recovers
    rproc.auto_boot = False

"""The Cortex-R5F and R52 of Zynq UltraScale+ and Versal -- drivers/remoteproc/xlnx_r5_remoteproc.c.

Of Linux 6.12. Clusters and cores are those of the binding xlnx,zynqmp-r5fss.yaml. In the kernel the
driver binds to the cluster, and makes the processors of its cores; here it binds to each core.
Those of a board whose devicetree is a Zynq UltraScale+'s (``xlnx,zynqmp``) execute their firmware:
see :mod:`rprocfs.drivers.xlnx_r5_machine`. The others, and those whose description says what
the remote side announces (``services``), are models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rprocfs.devicetree.device import of_device_make_bus_id
from rprocfs.drivers.model.driver import ModelDriver
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.model.resources import mbox_request_channel_byname
from rprocfs.drivers.worker.driver import WorkerDriver
from rprocfs.drivers.xlnx_r5_machine import ZynqmpR5MachineDriver, machine_of
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
from rprocfs.kernel import XLNX_R5_NO_RECOVERY
from rprocfs.remoteproc.core import devm_rproc_add, devm_rproc_alloc
from rprocfs.remoteproc.coredump import ELFCLASS32, rproc_coredump_set_elf_info
from rprocfs.remoteproc.state import State
from rprocfs.soc.zynqmp import ZYNQMP_LOCKSTEP, ZYNQMP_SPLIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.base.property import Key
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Remoteproc, Rproc

EM_ARM = 40


class ZynqmpR5ModelOps(ZynqmpR5Ops, ModelOps):
    """Those of a core whose remote side is a model."""

    def mbox_send_message(self, rproc: Rproc, vqid: int) -> None:
        """The model looks at all rings."""
        del rproc, vqid
        self.ring()

    def leave(self) -> None:
        """The model runs on."""
        ModelOps.leave(self)


class ZynqmpR5Driver(ModelDriver):
    """``zynqmp_r5_remoteproc_driver``."""

    name = "zynqmp_r5_remoteproc"
    compatible = tuple(CLUSTERS)
    elf_machine = EM_ARM
    properties: ClassVar[Mapping[str, Key]] = {
        **WorkerDriver.properties, **ModelDriver.properties,
    }  # fmt: skip
    of_keys = (*ModelDriver.of_keys, "engine", "console-log", "gdb", "gdb-halt")

    def __init__(self, subsystem: Remoteproc) -> None:
        super().__init__(subsystem)
        self._machines = {
            machine.name: ZynqmpR5MachineDriver(subsystem, machine)
            for machine in (ZYNQMP_SPLIT, ZYNQMP_LOCKSTEP)
        }

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
        machine = machine_of(node)
        if machine is not None and device.properties.get("services") is None:
            self._probe_machine(device, node, self._machines[machine.name])
            return
        ops = ZynqmpR5ModelOps()
        ops.node = node
        rproc = self.alloc(device, device.name, ops)
        _describe(rproc)
        rproc.reserved = self.reserved(device)
        # As in the kernel, it is there before it is known whether it can be.
        self.add(device, rproc, ops)
        self._init(device, node, rproc, ops)

    def _probe_machine(
        self, device: PlatformDevice, node: OfNode, driver: ZynqmpR5MachineDriver
    ) -> None:
        ops = driver.make(device, node)
        firmware = device.properties.get("firmware-name")
        rproc = devm_rproc_alloc(self._subsystem, device, device.name, ops, firmware, ops.soc.dma)
        rproc.phandle = device.properties.get("phandle")
        _describe(rproc)
        rproc.reserved = self.reserved(device)
        driver.add_debugger(rproc, ops)
        devm_rproc_add(device, rproc)
        if not rproc.model.strict:
            driver.add_files(rproc, ops)
        driver.add_console(rproc, ops)
        self._init(device, node, rproc, ops)

    def _init(self, device: PlatformDevice, node: OfNode, rproc: Rproc, ops: ZynqmpR5Ops) -> None:
        """zynqmp_r5_core_init() and what is around it, for one core."""
        assert node.parent is not None
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


def _describe(rproc: Rproc) -> None:
    """zynqmp_r5_add_rproc_core()."""
    rproc_coredump_set_elf_info(rproc, ELFCLASS32, EM_ARM)
    rproc.recovery_disabled = rproc.model.version.has(XLNX_R5_NO_RECOVERY)
    rproc.auto_boot = False

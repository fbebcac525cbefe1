"""The Cortex-M of i.MX processors -- drivers/remoteproc/imx_rproc.c of Linux 6.12.

Those of the i.MX 8M execute their firmware: see :mod:`rprocfs.drivers.imx_rproc_machine`. The
others, and those whose description says what the remote side announces (``services``), are
models. Properties beside the devicetree's are those of both.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from rprocfs.base.dd import EPROBE_DEFER
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.drivers.imx_rproc_dcfg import DCFG, Method
from rprocfs.drivers.imx_rproc_machine import MACHINES, ImxMachineOps
from rprocfs.drivers.imx_rproc_ops import ImxRprocOps
from rprocfs.drivers.machine import MachineDriver
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.model.resources import clk_get
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.drivers.imx_rproc_dcfg import Dcfg
    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.soc.machine import Machine

#: ``IMX_SC_R_M4_1_PID0`` of dt-bindings/firmware/imx/rsrc.h.
M4_1_PID0 = 298


class ImxModelOps(ImxRprocOps, ModelOps):
    """Those of a core whose remote side is a model."""

    def power_up(self, rproc: Rproc) -> None:
        """The model runs."""
        ModelOps.start(self, rproc)

    def power_down(self, rproc: Rproc) -> None:
        """The model stops."""
        ModelOps.stop(self, rproc)

    def mbox_send_message(self, rproc: Rproc, notifyid: int) -> None:
        """The model looks at all rings."""
        del rproc, notifyid
        self.ring()

    def leave(self) -> None:
        """The model runs on."""
        ModelOps.leave(self)


class ImxRprocDriver(MachineDriver[ImxMachineOps]):
    """``imx_rproc_driver``."""

    name = "imx-rproc"
    compatible = tuple(DCFG)
    ops = ImxMachineOps

    @classmethod
    def of_label(cls, node: OfNode) -> str:
        """All of them have the same name."""
        del node
        return "imx-rproc"

    def find_machine(self, device: PlatformDevice) -> Machine | None:
        """That of an i.MX 8M."""
        return MACHINES.get(device.properties["compatible"])

    def probe(self, device: PlatformDevice) -> None:
        """imx_rproc_probe(). EINVAL, ENODEV, ENOENT, EPROBE_DEFER."""
        node, dcfg = self.node(device), DCFG[device.properties["compatible"]]
        ops = self.make(device) or ImxModelOps()
        ops.describe(device, node, dcfg)
        rproc = self.alloc(device, "imx-rproc", ops)
        _probe(device, rproc, ops, dcfg)
        if device.properties.get("detached"):
            self.boot_loader(device, rproc, ops, ops.rsc_table)
        if rproc.state is not State.DETACHED:
            rproc.auto_boot = bool(device.properties.get("auto-boot"))
        rproc.reserved = self.reserved(device)
        self.add(device, rproc, ops)


def _probe(device: PlatformDevice, rproc: Rproc, ops: ImxRprocOps, dcfg: Dcfg) -> None:
    """What the kernel's probe does between the allocation of the processor and its addition."""
    node = device.of_node
    assert node is not None
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

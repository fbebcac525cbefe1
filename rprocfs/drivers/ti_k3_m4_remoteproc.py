"""The Cortex-M4F of TI's K3 SoCs -- drivers/remoteproc/ti_k3_m4_remoteproc.c of Linux 6.12.

The devicetree's node is that of the binding ti,k3-m4f-rproc.yaml. That of an AM62x executes its
firmware: see :mod:`rprocfs.drivers.ti_k3_m4_machine`. The others, and those whose description says
what the remote side announces (``services``), are models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rprocfs.drivers.machine import MachineDriver, MachineOps
from rprocfs.drivers.ti_k3_common import K3AttachOps, K3Driver
from rprocfs.drivers.ti_k3_m4_machine import K3M4MachineOps, check_reserved, machine_of
from rprocfs.remoteproc.state import State
from rprocfs.soc.am62x import DRAM, IRAM

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.remoteproc.rproc import Rproc
    from rprocfs.soc.machine import Machine

#: ``am64_m4_mems``: where the core sees them.
MEMS = {"iram": IRAM, "dram": DRAM}


class K3M4Ops(K3AttachOps):
    """``k3_m4_rproc_ops``."""

    def vector_table(self, rproc: Rproc) -> int | None:
        """At the start of the IRAM."""
        del rproc
        return IRAM


class K3M4Driver(K3Driver, MachineDriver[K3M4MachineOps]):
    """``k3_m4_rproc_driver``."""

    name = "k3-m4-rproc"
    compatible = ("ti,am64-m4fss",)
    ops = K3M4MachineOps

    def find_machine(self, device: PlatformDevice) -> Machine | None:
        """That of an AM62x."""
        return machine_of(self.node(device))

    def probe(self, device: PlatformDevice) -> None:
        """k3_m4_rproc_probe(). EINVAL, ENODEV, ENOENT, ENOMEM, EPROBE_DEFER."""
        self.firmware_name(device)
        self.control(device)
        ops = self.make(device) or K3M4Ops(device)
        ops.describe(device)
        ops.mem = self.get_memories(device, MEMS)
        pool, ops.rmem = self.init_reserved(device)
        if isinstance(ops, MachineOps):
            check_reserved(device)
        rproc = self.finish(device, ops, device.name, pool)
        detached = self._detect_mode(device, rproc)
        self.request_mbox(device)
        if detached:
            self.boot_loader(device, rproc, ops, ops.loaded_rsc_table())
        self.add(device, rproc, ops)

    def _detect_mode(self, device: PlatformDevice, rproc: Rproc) -> bool:
        """Remoteproc mode, or IPC-only mode: True."""
        detached = bool(device.properties.get("detached"))
        if detached:
            rproc.state = State.DETACHED
        device.info(f"configured M4F for {'IPC-only' if detached else 'remoteproc'} mode")
        return detached

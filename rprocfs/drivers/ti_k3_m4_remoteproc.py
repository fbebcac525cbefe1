"""The Cortex-M4F of TI's K3 SoCs -- drivers/remoteproc/ti_k3_m4_remoteproc.c of Linux 6.12.

The devicetree's node is that of the binding ti,k3-m4f-rproc.yaml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rprocfs.drivers.ti_k3_common import K3AttachOps, K3Driver
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from rprocfs.base.platform import PlatformDevice
    from rprocfs.remoteproc.rproc import Rproc

EM_ARM = 40
#: ``am64_m4_mems``: where the core sees them.
MEMS = {"iram": 0x0, "dram": 0x30000}


class K3M4Ops(K3AttachOps):
    """``k3_m4_rproc_ops``."""

    def vector_table(self, rproc: Rproc) -> int | None:
        """At the start of the IRAM."""
        del rproc
        return MEMS["iram"]


class K3M4Driver(K3Driver):
    """``k3_m4_rproc_driver``."""

    name = "k3-m4-rproc"
    compatible = ("ti,am64-m4fss",)
    elf_machine = EM_ARM

    def probe(self, device: PlatformDevice) -> None:
        """k3_m4_rproc_probe(). EINVAL, ENODEV, ENOENT, ENOMEM, EPROBE_DEFER."""
        self.firmware_name(device)
        self.control(device)
        ops = K3M4Ops(device)
        ops.mem = self.get_memories(device, MEMS)
        pool, ops.rmem = self.init_reserved(device)
        rproc = self.finish(device, ops, device.name, pool)
        if device.properties.get("detached"):
            rproc.state = State.DETACHED
            device.info("configured M4F for IPC-only mode")
            self.boot_loader(device, rproc, ops, ops.loaded_rsc_table())
        else:
            device.info("configured M4F for remoteproc mode")
        self.request_mbox(device)
        self.add(device, rproc, ops)

"""The Cortex-M4F of TI's K3 SoCs -- drivers/remoteproc/ti_k3_m4_remoteproc.c of Linux 6.12.

The devicetree's node is that of the binding ti,k3-m4f-rproc.yaml. That of an AM62x executes its
firmware: see :mod:`rprocfs.drivers.ti_k3_m4_machine`. The others, and those whose description says
what the remote side announces (``services``), are models.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rprocfs.drivers.model.driver import ModelDriver
from rprocfs.drivers.ti_k3_common import K3AttachOps, K3Driver
from rprocfs.drivers.ti_k3_m4_machine import K3M4MachineDriver, machine_of
from rprocfs.drivers.worker.driver import WorkerDriver
from rprocfs.remoteproc.state import State
from rprocfs.soc.am62x import AM62X, DRAM, IRAM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.base.property import Key
    from rprocfs.remoteproc.rproc import Remoteproc, Rproc

EM_ARM = 40
#: ``am64_m4_mems``: where the core sees them.
MEMS = {"iram": IRAM, "dram": DRAM}


class K3M4Ops(K3AttachOps):
    """``k3_m4_rproc_ops``."""

    def vector_table(self, rproc: Rproc) -> int | None:
        """At the start of the IRAM."""
        del rproc
        return IRAM


class K3M4Driver(K3Driver):
    """``k3_m4_rproc_driver``."""

    name = "k3-m4-rproc"
    compatible = ("ti,am64-m4fss",)
    elf_machine = EM_ARM
    properties: ClassVar[Mapping[str, Key]] = {
        **WorkerDriver.properties, **ModelDriver.properties,
    }  # fmt: skip
    of_keys = (*ModelDriver.of_keys, "engine", "console-log", "devices", "gdb")

    def __init__(self, subsystem: Remoteproc) -> None:
        super().__init__(subsystem)
        self._machine = K3M4MachineDriver(subsystem, AM62X)

    def probe(self, device: PlatformDevice) -> None:
        """k3_m4_rproc_probe(). EINVAL, ENODEV, ENOENT, ENOMEM, EPROBE_DEFER."""
        firmware = self.firmware_name(device)
        self.control(device)
        if device.properties.get("services") is None and machine_of(self.node(device)):
            self._probe_machine(device, firmware)
            return
        ops = K3M4Ops(device)
        ops.mem = self.get_memories(device, MEMS)
        pool, ops.rmem = self.init_reserved(device)
        rproc = self.finish(device, ops, device.name, pool)
        if self._detect_mode(device, rproc):
            self.boot_loader(device, rproc, ops, ops.loaded_rsc_table())
        self.request_mbox(device)
        self.add(device, rproc, ops)

    def _detect_mode(self, device: PlatformDevice, rproc: Rproc) -> bool:
        """Remoteproc mode, or IPC-only mode: True."""
        detached = bool(device.properties.get("detached"))
        if detached:
            rproc.state = State.DETACHED
        device.info(f"configured M4F for {'IPC-only' if detached else 'remoteproc'} mode")
        return detached

    def _probe_machine(self, device: PlatformDevice, firmware: str) -> None:
        """The same, of a core that executes its firmware."""
        ops = self._machine.make(device)
        ops.mem = self.get_memories(device, MEMS)
        known = set(self._pools)
        pool, ops.rmem = self.init_reserved(device)
        for base in set(self._pools) - known:  # in the memory of this machine
            device.devm_add_action(partial(self._pools.pop, base))
        self._machine.check_reserved(device, ops)
        rproc = self._machine.alloc(device, ops, firmware, pool)
        self.configure(device, rproc, pool)
        self.request_mbox(device)
        if self._detect_mode(device, rproc):
            self._machine.boot_loader(device, rproc, ops)
        self._machine.add(device, rproc, ops)

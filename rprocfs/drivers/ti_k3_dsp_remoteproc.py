"""The C66x and C71x DSPs of TI's K3 SoCs -- drivers/remoteproc/ti_k3_dsp_remoteproc.c, Linux 6.12.

The devicetree's node is that of the binding ti,k3-dsp-rproc.yaml.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.drivers.ti_k3_common import K3Driver, K3IpcOps, K3Mem, K3Ops
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.remoteproc.rproc import Rproc

#: ``KEYSTONE_RPROC_LOCAL_ADDRESS_MASK``.
LOCAL_ADDRESS_MASK = (16 << 20) - 1


class DspData(NamedTuple):
    """``struct k3_dsp_dev_data``: where the DSP sees its memories, and how it begins."""

    mems: Mapping[str, int]
    boot_align_addr: int


C66 = DspData({"l2sram": 0x800000, "l1pram": 0xE00000, "l1dram": 0xF00000}, 1 << 10)
#: The C71x has a cache, and no memory, for its instructions.
C71 = DspData({"l2sram": 0x800000, "l1dram": 0xE00000}, 2 << 20)
#: As the C71x of the AM62A.
C7XV = DspData({"l2sram": 0x800000}, 2 << 20)

DATA = {
    "ti,j721e-c66-dsp": C66,
    "ti,j721e-c71-dsp": C71,
    "ti,j721s2-c71-dsp": C71,
    "ti,am62a-c7xv-dsp": C7XV,
}


class K3DspOps(K3Ops):
    """``k3_dsp_rproc_ops``."""

    def __init__(self, device: PlatformDevice, data: DspData) -> None:
        super().__init__(device)
        self._data = data

    def bases(self, mem: K3Mem, da: int) -> tuple[int, ...]:
        """k3_dsp_rproc_da_to_va(): below 16 MiB as the DSP sees them, from there as the bus."""
        return (mem.dev_addr if da < LOCAL_ADDRESS_MASK else mem.bus_addr,)

    def start(self, rproc: Rproc) -> None:
        """k3_dsp_rproc_start(). EINVAL for an entry point that is not aligned."""
        align = self._data.boot_align_addr
        boot_addr = rproc.bootaddr & 0xFFFFFFFF
        if boot_addr % align:
            self.device.err(
                f"invalid boot address {boot_addr:#x}, must be aligned on a {align:#x} boundary"
            )
            raise error(errno.EINVAL)
        super().start(rproc)


class K3DspIpcOps(K3IpcOps, K3DspOps):
    """``k3_dsp_rproc_ops`` in IPC-only mode."""


class K3DspDriver(K3Driver):
    """``k3_dsp_rproc_driver``."""

    name = "k3-dsp-rproc"
    compatible = tuple(DATA)

    @staticmethod
    def with_code(text: str, code: int) -> str:
        """``%pe``."""
        return f"{text} (-{errno.errorcode[code]})"

    def probe(self, device: PlatformDevice) -> None:
        """k3_dsp_rproc_probe(). EINVAL, ENODEV, ENOENT, ENOMEM, EPROBE_DEFER."""
        data = DATA[device.properties["compatible"]]
        self.firmware_name(device)
        self.request_mbox(device)
        self.control(device)
        detached = bool(device.properties.get("detached"))
        ops = (K3DspIpcOps if detached else K3DspOps)(device, data)
        ops.mem = self.get_memories(device, data.mems)
        pool, ops.rmem = self.init_reserved(device)
        rproc = self.finish(device, ops, device.name, pool)
        if detached:
            device.info("configured DSP for IPC-only mode")
            rproc.state = State.DETACHED
            self.boot_loader(device, rproc, ops, ops.loaded_rsc_table())
        else:
            device.info("configured DSP for remoteproc mode")
        self.add(device, rproc, ops)

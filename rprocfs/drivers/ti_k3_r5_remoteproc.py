"""The Cortex-R5F of TI's K3 SoCs -- drivers/remoteproc/ti_k3_r5_remoteproc.c of Linux 6.12.

Clusters and cores are those of the binding ti,k3-r5f-rproc.yaml. In the kernel the driver binds
to the cluster, and makes the processors of its cores; here it binds to each core.
"""

from __future__ import annotations

import errno
from enum import IntEnum
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.devicetree.address import address_to_resource
from rprocfs.devicetree.device import of_device_make_bus_id
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.drivers.model.driver import dev_err_probe
from rprocfs.drivers.ti_k3_common import K3Driver, K3IpcOps, K3Mem, K3Ops
from rprocfs.fs.kernfs import error
from rprocfs.kernel import K3_R5_SEQUENCE
from rprocfs.remoteproc.core import flush_auto_boot
from rprocfs.remoteproc.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode
    from rprocfs.remoteproc.rproc import Remoteproc, Rproc

#: ``K3_R5_TCM_DEV_ADDR``: where the TCM is that is not at 0.
TCM_DEV_ADDR = 0x41010000
#: Seconds that a core waits for the other one.
TRANSITION_TIMEOUT = 2.0


class ClusterMode(IntEnum):
    """``enum cluster_mode``, the values of ``ti,cluster-mode``."""

    SPLIT = 0
    LOCKSTEP = 1
    SINGLECPU = 2
    SINGLECORE = 3


class SocData(NamedTuple):
    """``struct k3_r5_soc_data``; *tcm_is_double*: core 1's TCMs follow those of core 0."""

    tcm_is_double: bool = False
    single_cpu_mode: bool = False
    is_single_core: bool = False


SOC_DATA = {
    "ti,am654-r5fss": SocData(),
    "ti,j721e-r5fss": SocData(),
    "ti,j7200-r5fss": SocData(tcm_is_double=True),
    "ti,am64-r5fss": SocData(tcm_is_double=True, single_cpu_mode=True),
    "ti,am62-r5fss": SocData(is_single_core=True),
    "ti,j721s2-r5fss": SocData(tcm_is_double=True),
}


class Cluster:
    """``struct k3_r5_cluster``: in which *mode* its cores are."""

    def __init__(self, node: OfNode) -> None:
        name = next((text for text in node.strings("compatible") if text in SOC_DATA), "")
        self.soc = SOC_DATA.get(name)
        self.cores = [child for child in node.children.values() if child.available]
        mode = node.u32("ti,cluster-mode")
        if mode is None and self.soc is not None:
            mode = self._default(self.soc)
        self.mode = mode
        #: ``released_from_reset`` of each core, and that it is not.
        self.released = (Event(), Event())
        self.in_reset = (Event(), Event())
        for event in self.in_reset:
            event.set()
        #: The processors of those cores that a driver has.
        self.rprocs: dict[int, Rproc] = {}

    @staticmethod
    def _default(soc: SocData) -> ClusterMode:
        if soc.is_single_core:
            return ClusterMode.SINGLECORE
        return ClusterMode.SPLIT if soc.single_cpu_mode else ClusterMode.LOCKSTEP

    def refusal(self) -> tuple[int, str] | None:
        """k3_r5_probe(): an errno and why, for a cluster that cannot be."""
        assert self.soc is not None
        number, single = len(self.cores), self.soc.is_single_core
        lacks = (
            (self.mode == ClusterMode.SINGLECPU and not self.soc.single_cpu_mode)
            or (self.mode == ClusterMode.SINGLECORE and not single)
        )  # fmt: skip
        if lacks:
            text = f"Cluster mode = {self.mode} is not supported on this SoC"
            return errno.EINVAL, text
        if number != 2 and not single:
            text = "MCU cluster requires both R5F cores to be enabled but num_cores is set to"
            return errno.ENODEV, f"{text} = {number}"
        if number != 1 and single:
            return errno.ENODEV, (
                f"SoC supports only single core R5 but num_cores is set to {number}"
            )
        return None


EM_ARM = 40


class K3R5Ops(K3Ops):
    """``k3_r5_rproc_ops``."""

    def __init__(self, device: PlatformDevice, cluster: Cluster, core: int) -> None:
        super().__init__(device)
        self._cluster = cluster
        self._core = core

    def prepare(self, rproc: Rproc) -> None:
        """k3_r5_rproc_prepare(): out of reset, the TCMs empty. EPERM for core 1 before core 0."""
        super().prepare(rproc)
        ordered, cluster = self._in_sequence(rproc), self._cluster
        if ordered and self._core and not cluster.released[0].wait(TRANSITION_TIMEOUT):
            self.device.err("can not power up core1 before core0")
            raise error(errno.EPERM)
        self.release()
        for mem in self.mem:
            mem.data[:] = bytes(len(mem.data))

    def unprepare(self, rproc: Rproc) -> None:
        """k3_r5_rproc_unprepare(): into reset, core 1 first. Nothing looks at what it returns."""
        ordered, cluster = self._in_sequence(rproc), self._cluster
        if ordered and not self._core and not cluster.in_reset[1].wait(TRANSITION_TIMEOUT):
            self.device.err("can not power down core0 before core1")
            return
        cluster.released[self._core].clear()
        cluster.in_reset[self._core].set()

    def release(self) -> None:
        """``core->released_from_reset = true``."""
        self._cluster.in_reset[self._core].clear()
        self._cluster.released[self._core].set()

    def _in_sequence(self, rproc: Rproc) -> bool:
        split = self._cluster.mode == ClusterMode.SPLIT
        return split and rproc.model.version.has(K3_R5_SEQUENCE)

    def start(self, rproc: Rproc) -> None:
        """k3_r5_rproc_start(). EPERM for core 1 before core 0, of older kernels."""
        asked = not rproc.model.version.has(K3_R5_SEQUENCE)
        if asked and self._core and self._other_is(State.OFFLINE):
            self.device.err("k3_r5_rproc_start: can not start core 1 before core 0")
            raise error(errno.EPERM)
        super().start(rproc)

    def stop(self, rproc: Rproc) -> None:
        """k3_r5_rproc_stop(). EPERM for core 0 before core 1, of older kernels."""
        asked = not rproc.model.version.has(K3_R5_SEQUENCE)
        if asked and not self._core and not self._other_is(State.OFFLINE):
            self.device.err("k3_r5_rproc_stop: can not stop core 0 before core 1")
            raise error(errno.EPERM)
        super().stop(rproc)

    def _other_is(self, state: State) -> bool:
        """In split mode; where the other core has no driver, it is off."""
        other = self._cluster.rprocs.get(1 - self._core)
        if self._cluster.mode != ClusterMode.SPLIT:
            return not self._core
        return other is None or other.state is state


class K3R5IpcOps(K3IpcOps, K3R5Ops):
    """``k3_r5_rproc_ops`` in IPC-only mode."""

    def prepare(self, rproc: Rproc) -> None:
        """Not in this mode."""

    def unprepare(self, rproc: Rproc) -> None:
        """Not in this mode."""


class K3R5Driver(K3Driver):
    """``k3_r5_rproc_driver``."""

    name = "k3_r5_rproc"
    compatible = tuple(name.removesuffix("ss") for name in SOC_DATA)
    elf_machine = EM_ARM
    no_regions = "device does not have reserved memory regions"

    @staticmethod
    def with_code(text: str, code: int) -> str:
        """``ret = %d``."""
        return f"{text}, ret = {-code}"

    def __init__(self, subsystem: Remoteproc) -> None:
        super().__init__(subsystem)
        self._clusters: dict[str, Cluster] = {}

    @classmethod
    def of_label(cls, node: OfNode) -> str | None:
        """``dev_name``; core 1 is no processor of its own unless in split mode."""
        if node.parent is None:
            return None
        cluster = Cluster(node.parent)
        if cluster.soc is None or (cluster.cores.index(node) and cluster.mode):
            return None
        return of_device_make_bus_id(node)

    def probe(self, device: PlatformDevice) -> None:
        """k3_r5_probe(), k3_r5_cluster_rproc_init(), for one core.

        EINVAL, ENODEV, ENOENT, ENOMEM, EPROBE_DEFER.
        """
        node = self.node(device)
        assert node.parent is not None
        cluster = self._clusters.setdefault(node.parent.path, Cluster(node.parent))
        if (refusal := cluster.refusal()) is not None:
            dev_err_probe(device, *refusal)
        core = cluster.cores.index(node)
        detached = bool(device.properties.get("detached"))
        ops = (K3R5IpcOps if detached else K3R5Ops)(device, cluster, core)
        ops.sram = list(_sram(device, node))
        self.firmware_name(device)
        self.control(device)
        ops.mem = self._tcms(device, node, cluster, core)
        self.request_mbox(device)
        device.info(f"configured R5F for {'IPC-only' if detached else 'remoteproc'} mode")
        pool, ops.rmem = self.init_reserved(device)
        rproc = self.finish(device, ops, device.name, pool)
        cluster.rprocs[core] = rproc
        device.devm_add_action(lambda: cluster.rprocs.pop(core))
        if detached:
            rproc.state = State.DETACHED
            ops.release()
            self.boot_loader(device, rproc, ops, ops.loaded_rsc_table())
        self.add(device, rproc, ops)
        # Core 1 must not boot first. A core 0 without firmware is no reason for failing here,
        # as it was in 6.12 only.
        flush_auto_boot(rproc, TRANSITION_TIMEOUT)

    def _tcms(
        self, device: PlatformDevice, node: OfNode, cluster: Cluster, core: int
    ) -> list[K3Mem]:
        """k3_r5_core_of_get_internal_memories(), k3_r5_adjust_tcm_sizes()."""
        loczrama = node.u32("ti,loczrama")
        at_zero = "atcm" if loczrama is None or loczrama else "btcm"
        places = {name: 0 if name == at_zero else TCM_DEV_ADDR for name in ("atcm", "btcm")}
        try:
            mems = self.get_memories(device, places)
        except OSError as failure:
            device.err(f"failed to get internal memories, ret = {-(failure.errno or 0)}")
            raise
        assert cluster.soc is not None
        if core or not cluster.soc.tcm_is_double or cluster.mode != ClusterMode.SPLIT:
            return mems
        return [mem._replace(data=mem.data[: len(mem.data) // 2]) for mem in mems]


def _sram(device: PlatformDevice, node: OfNode) -> Iterator[K3Mem]:
    """k3_r5_core_of_get_sram_memories(). EINVAL."""
    for target in parse_phandles(node, "sram"):
        resource = address_to_resource(target) if target and target.available else None
        if target is None or resource is None:
            device.err(f"failed to get sram memories, ret = {-errno.EINVAL}")
            raise error(errno.EINVAL)
        start = resource[0]
        yield K3Mem(target.name, start, start, device.model.iomem.ioremap(*resource))

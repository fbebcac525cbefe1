"""What the platform drivers of real boards have in common here: they read a devicetree."""

from __future__ import annotations

import errno
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from rprocfs.base.dd import EPROBE_DEFER
from rprocfs.base.dma import CoherentPool
from rprocfs.base.platform import PlatformDevice, PlatformDriver
from rprocfs.base.property import Key
from rprocfs.devicetree.phandle import parse_phandles
from rprocfs.devicetree.reserved import ReservedMem, of_reserved_mem_lookup
from rprocfs.drivers.model.ops import ModelOps
from rprocfs.drivers.sim.ctl import sim_create_debug_dir
from rprocfs.drivers.sim.remote import SimRemote
from rprocfs.fs.kernfs import Dir, error
from rprocfs.remoteproc.core import devm_rproc_add, devm_rproc_alloc
from rprocfs.remoteproc.regions import Reserved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rprocfs.base.dma import DmaPool
    from rprocfs.devicetree.node import OfNode
    from rprocfs.drivers.model.ops import PreloadedOps
    from rprocfs.remoteproc.rproc import Remoteproc, Rproc, RprocOps


class ModelDriver(PlatformDriver):
    """A platform driver as in the kernel, without hardware. Properties beside the devicetree's:

    ============= =================================================================
    services      ``NAME@ADDR ...``: what the remote side announces
    detached      the boot loader has started the default firmware: attach
    firmware-name the default firmware file, also of a driver that does not read it
    ============= =================================================================
    """

    properties: ClassVar[Mapping[str, Key]] = {
        "services": Key(str, "NAME@ADDR ...: what its remote side announces"),
        "detached": Key(bool, "a boot loader has started it: attach"),
    }
    of_keys: tuple[str, ...] = (
        "services", "detached", "firmware-name", "auto-boot", "phandle",
    )  # fmt: skip

    #: ``e_machine`` of the images that its cores execute; 0: any, or several.
    elf_machine = 0

    @classmethod
    def elf_machines(cls, properties: Mapping[str, Any]) -> tuple[int, ...]:
        """That one."""
        del properties
        return (cls.elf_machine,) if cls.elf_machine else ()

    def __init__(self, subsystem: Remoteproc) -> None:
        self._subsystem = subsystem
        self._pools: dict[int, tuple[CoherentPool, set[PlatformDevice]]] = {}

    def remove(self, device: PlatformDevice) -> None:
        """All of it is undone by the device's resources."""

    # For the driver's probe.

    def node(self, device: PlatformDevice) -> OfNode:
        """The node that describes the device; EINVAL if a board has none."""
        if device.of_node is None:
            device.err("is described by a devicetree: name it in the board (devicetree = ...)")
            raise error(errno.EINVAL)
        return device.of_node

    def alloc(
        self,
        device: PlatformDevice,
        name: str,
        ops: RprocOps,
        firmware: str | None = None,
        dma: DmaPool | None = None,
    ) -> Rproc:
        """``devm_rproc_alloc``, and the remote side."""
        firmware = firmware or device.properties.get("firmware-name")
        rproc = devm_rproc_alloc(self._subsystem, device, name, ops, firmware, dma)
        rproc.phandle = device.properties.get("phandle")
        if isinstance(ops, ModelOps):
            ops.remote = SimRemote(rproc, device.properties.get("services", ""))
            device.devm_add_action(ops.remote.destroy)
        return rproc

    def add(self, device: PlatformDevice, rproc: Rproc, ops: RprocOps) -> None:
        """``devm_rproc_add``, and unless strict the knobs of the remote side."""
        devm_rproc_add(device, rproc)
        if rproc.model.strict or not isinstance(ops, ModelOps):
            return
        debug = rproc.model.debug.mkdirs("rproc_sim")
        number = next(str(n) for n in count(rproc.index) if str(n) not in debug.children)
        sim_create_debug_dir(debug.add(number, Dir()), ops.remote, ops.faults)
        device.devm_add_action(lambda: debug.remove(number))

    def pool(self, device: PlatformDevice, rmem: ReservedMem) -> CoherentPool:
        """The one pool that all devices with this reserved memory allocate from; ENOMEM.

        It goes with the last of them: the memory may be that of their machine.
        """
        if rmem.base not in self._pools:
            view = device.model.iomem.ioremap(rmem.base, rmem.size)
            self._pools[rmem.base] = CoherentPool(view, rmem.base), set()
        pool, users = self._pools[rmem.base]
        if device not in users:
            users.add(device)
            device.devm_add_action(lambda: self._put_pool(rmem.base, device))
        return pool

    def _put_pool(self, base: int, device: PlatformDevice) -> None:
        users = self._pools[base][1]
        users.discard(device)
        if not users:
            del self._pools[base]

    def reserved(self, device: PlatformDevice) -> Reserved | None:
        """The first memory of the node, which its virtio devices are given; None: it is no pool."""
        regions = parse_phandles(self.node(device), "memory-region")
        rmem = of_reserved_mem_lookup(regions[0]) if regions else None
        if rmem is None or not rmem.pool:
            return None
        return Reserved(rmem.name, self.pool(device, rmem))

    def boot_loader(
        self,
        device: PlatformDevice,
        rproc: Rproc,
        ops: PreloadedOps,
        table: memoryview | None,
    ) -> bool:
        """The boot loader has started the default firmware, as far as there is one."""
        try:
            ops.boot_loader(rproc, table)
        except OSError as failure:
            device.warn(f"boot loader: {rproc.firmware}: {failure.strerror}")
            return False
        return True

    def reserved_mem_device_init_by_idx(self, device: PlatformDevice, index: int) -> CoherentPool:
        """``of_reserved_mem_device_init_by_idx``: the pool that is now the device's.

        ENODEV: there is no such region; EINVAL: it is no ``shared-dma-pool``.
        """
        regions = parse_phandles(self.node(device), "memory-region")
        region = regions[index] if index < len(regions) else None
        if region is None:
            raise error(errno.ENODEV)
        rmem = of_reserved_mem_lookup(region)
        if rmem is None or not rmem.pool:
            raise error(errno.EINVAL)
        pool = self.pool(device, rmem)
        device.info(f"assigned reserved memory node {rmem.name}")
        return pool


def dev_err_probe(device: PlatformDevice, code: int, text: str) -> NoReturn:
    """``dev_err_probe``: log *text* with the errno *code*, raise it.

    -EPROBE_DEFER is no error yet: its reason is kept for ``devices_deferred``.
    """
    if code == EPROBE_DEFER:
        device.deferred_probe_reason = text
    else:
        device.err(f"error -{errno.errorcode.get(code, str(code))}: {text}")
    raise error(code)

"""The virtio transport of a remote processor -- remoteproc_virtio.c.

A vdev of the resource table becomes a platform device ``rproc-virtio.N.auto``; its
driver allocates the vrings and, when the processor starts, registers the virtio
device. Status, features and config space live in the resource table, which is in
the remote's memory while it runs.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rprocfs.base.dma import DmaBuffer, page_align
from rprocfs.base.platform import PlatformDevice, PlatformDriver
from rprocfs.fs.chardev import Ida
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.memory import (
    RprocMemEntry,
    rproc_alloc_carveout,
    rproc_check_carveout_da,
    rproc_mem_entry_init,
    rproc_release_carveout,
)
from rprocfs.remoteproc.rsc_table import (
    RVDEV_NUM_VRINGS,
    FwRscVdev,
    FwRscVdevVring,
    rproc_parse_vring,
)
from rprocfs.remoteproc.subdev import RprocSubdev
from rprocfs.virtio.ring import vring_size
from rprocfs.virtio.virtio import VirtioConfigOps, VirtioDevice, VqInfo
from rprocfs.virtio.virtqueue import VirtioVirtqueue

if TYPE_CHECKING:
    from rprocfs.remoteproc.core import Rproc

DRIVER_NAME = "rproc-virtio"


class NotifyIds:
    """``rproc->notifyids``: the vring behind each doorbell number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = Ida()
        self._vrings: dict[int, RprocVring] = {}
        self.max_notifyid = -1

    def reset_max(self) -> None:
        """A new boot counts from the start."""
        self.max_notifyid = -1

    def alloc(self, vring: RprocVring) -> int:
        """The lowest free number."""
        with self._lock:
            notifyid = self._ids.alloc()
            self._vrings[notifyid] = vring
            self.max_notifyid = max(self.max_notifyid, notifyid)
        return notifyid

    def free(self, notifyid: int) -> None:
        """Give the number back."""
        with self._lock:
            self._ids.free(notifyid)
            self._vrings.pop(notifyid, None)

    def interrupt(self, notifyid: int) -> bool:
        """rproc_vq_interrupt(): False when nothing is behind the number."""
        vring = self._vrings.get(notifyid)
        vq = vring.vq if vring is not None else None
        if vq is None:
            return False
        vq.vring_interrupt()
        return True


class RprocVring:
    """``struct rproc_vring``: one ring of a vdev, from its table entry to its virtqueue."""

    def __init__(self, rvdev: RprocVdev, index: int, num: int, align: int) -> None:
        self.rvdev = rvdev
        self.index = index
        self.num = num
        self.align = align
        self.notifyid = -1
        self.vq: VirtioVirtqueue | None = None

    @property
    def carveout_name(self) -> str:
        """What its memory is registered as."""
        return f"vdev{self.rvdev.index}vring{self.index}"

    def rsc(self) -> FwRscVdevVring:
        """Its entry in the table in use; ENODEV when there is no table.

        Found by its number alone: the remote may have changed all else since it was checked.
        """
        if self.rvdev.rproc.table is None:
            raise error(errno.ENODEV)
        offset = self.rvdev.rsc_offset + FwRscVdev.SIZE + self.index * FwRscVdevVring.SIZE
        return FwRscVdevVring(self.rvdev.rproc.table, offset)

    def alloc(self) -> None:
        """rproc_alloc_vring(): memory and a doorbell number, told to the remote. ENOMEM."""
        rproc = self.rvdev.rproc
        rsc = self.rsc()
        size = page_align(vring_size(self.num, self.align))
        mem = rproc.carveouts.find_by_name(self.carveout_name)
        if mem is None:
            mem = rproc_mem_entry_init(
                self.carveout_name,
                size,
                rsc.da,
                alloc=rproc_alloc_carveout,
                release=rproc_release_carveout,
            )
            rproc.rproc_add_carveout(mem)
        else:
            _check_registered(rproc, mem, rsc.da, size)
        self.notifyid = rproc.notifyids.alloc(self)
        rsc.notifyid = self.notifyid

    def free(self) -> None:
        """rproc_free_vring(): forget the number, here and in the table."""
        self.rvdev.rproc.notifyids.free(self.notifyid)
        if self.rvdev.rproc.table is not None:
            rsc = self.rsc()
            rsc.da, rsc.notifyid = 0, -1

    def memory(self) -> RprocMemEntry:
        """Its allocated memory; ENOMEM when it is not there."""
        mem = self.rvdev.rproc.carveouts.find_by_name(self.carveout_name)
        if mem is None or mem.va is None:
            raise error(errno.ENOMEM)
        return mem


def _check_registered(rproc: Rproc, mem: RprocMemEntry, da: int, size: int) -> None:
    try:
        rproc_check_carveout_da(rproc, mem, da, size)
    except OSError as failure:
        raise error(errno.ENOMEM) from failure


class RprocVdev(RprocSubdev):
    """``struct rproc_vdev``: one vdev of the table; a virtio device while the processor is up."""

    def __init__(self, rproc: Rproc, index: int, rsc_offset: int, pdev: PlatformDevice) -> None:
        self.rproc = rproc
        self.index = index
        self.rsc_offset = rsc_offset
        self.pdev = pdev
        self.vrings: list[RprocVring] = []
        self.vdev: VirtioDevice | None = None

    def rsc(self) -> FwRscVdev:
        """Its entry in the table in use; ENODEV when there is no table."""
        if self.rproc.table is None:
            raise error(errno.ENODEV)
        return FwRscVdev(self.rproc.table, self.rsc_offset)

    def start(self) -> None:
        """rproc_add_virtio_dev(): register the virtio device. EINVAL without a kick."""
        rproc = self.rproc
        if not rproc.ops.provides("kick"):
            self.pdev.err(f".kick method not defined for {rproc.label}")
            raise error(errno.EINVAL)
        kind = self.rsc().id
        vdev = VirtioDevice(rproc.subsystem.virtio, self.pdev, RprocVirtioConfigOps(self), kind)
        try:
            vdev.register_virtio_device()
        except OSError as failure:
            self.pdev.err(f"failed to register vdev: {-(failure.errno or errno.EIO)}")
            raise
        self.vdev = vdev
        self.pdev.info(f"registered {vdev.name} (type {kind})")

    def stop(self, *, crashed: bool) -> None:
        """rproc_vdev_do_stop(): unregister it."""
        del crashed
        vdev, self.vdev = self.vdev, None
        if vdev is not None:
            vdev.unregister_virtio_device()

    def unregister(self) -> None:
        """``platform_device_unregister``."""
        self.pdev.platform_device_del()


class RprocVirtioConfigOps(VirtioConfigOps):
    """``rproc_virtio_config_ops``: what the virtio core asks, answered from the table."""

    def __init__(self, rvdev: RprocVdev) -> None:
        self._rvdev = rvdev

    def get(self, vdev: VirtioDevice, offset: int, length: int) -> bytes:
        """rproc_virtio_get(): config space; zeroes outside it."""
        config = self._rvdev.rsc().config
        if offset < 0 or offset + length > len(config):
            vdev.err("rproc_virtio_get: access out of bounds")
            return bytes(length)
        return bytes(config[offset : offset + length])

    def set(self, vdev: VirtioDevice, offset: int, data: bytes) -> None:
        """rproc_virtio_set()."""
        config = self._rvdev.rsc().config
        if offset < 0 or offset + len(data) > len(config):
            vdev.err("rproc_virtio_set: access out of bounds")
            return
        config[offset : offset + len(data)] = data

    def get_status(self, vdev: VirtioDevice) -> int:
        """``rsc->status``."""
        del vdev
        return self._rvdev.rsc().status

    def set_status(self, vdev: VirtioDevice, status: int) -> None:
        """``rsc->status``."""
        del vdev
        self._rvdev.rsc().status = status

    def reset(self, vdev: VirtioDevice) -> None:
        """Status 0."""
        self.set_status(vdev, 0)

    def get_features(self, vdev: VirtioDevice) -> int:
        """``rsc->dfeatures``."""
        del vdev
        return self._rvdev.rsc().dfeatures

    def finalize_features(self, vdev: VirtioDevice) -> None:
        """``rsc->gfeatures``: 32 bits, the legacy layout has no more."""
        vdev.features &= 0xFFFFFFFF
        self._rvdev.rsc().gfeatures = vdev.features

    def find_vqs(self, vdev: VirtioDevice, infos: Sequence[VqInfo]) -> list[VirtioVirtqueue]:
        """rproc_virtio_find_vqs(): all or none; EINVAL, ENOMEM."""
        vqs: list[VirtioVirtqueue] = []
        try:
            for index, info in enumerate(infos):
                vqs.append(self._find_vq(vdev, index, info))
        except OSError:
            self.del_vqs(vdev)
            raise
        return vqs

    def _find_vq(self, vdev: VirtioDevice, index: int, info: VqInfo) -> VirtioVirtqueue:
        if index >= RVDEV_NUM_VRINGS:
            raise error(errno.EINVAL)
        if index >= len(self._rvdev.vrings):
            raise error(errno.ENOMEM)
        vring = self._rvdev.vrings[index]
        mem = vring.memory()
        assert mem.va is not None
        size = vring_size(vring.num, vring.align)
        if size > len(mem.va):
            raise error(errno.ENOMEM)
        memory = mem.va[:size]
        memory[:] = bytes(size)
        rproc, notifyid = self._rvdev.rproc, vring.notifyid
        vring.vq = VirtioVirtqueue(
            vdev, index, info, memory, vring.num, vring.align,
            lambda: rproc.ops.kick(rproc, notifyid),
        )  # fmt: skip
        vring.rsc().da = mem.da
        return vring.vq

    def del_vqs(self, vdev: VirtioDevice) -> None:
        """Forget the virtqueues; the rings' memory stays."""
        del vdev
        for vring in self._rvdev.vrings:
            vring.vq = None

    def dma_alloc_coherent(self, vdev: VirtioDevice, size: int) -> DmaBuffer:
        """Buffers: from the carveout ``vdevNbuffer`` where there is one. ENOMEM."""
        del vdev
        rproc = self._rvdev.rproc
        mem = rproc.carveouts.find_by_name(f"vdev{self._rvdev.index}buffer")
        if mem is None:
            return rproc.dma.alloc(size)
        if mem.va is None or size > len(mem.va):
            raise error(errno.ENOMEM)
        return DmaBuffer(mem.da, mem.va[:size], size)

    def dma_free_coherent(self, vdev: VirtioDevice, buffer: DmaBuffer) -> None:
        """Undo :meth:`dma_alloc_coherent`."""
        del vdev
        rproc = self._rvdev.rproc
        if rproc.carveouts.find_by_name(f"vdev{self._rvdev.index}buffer") is None:
            rproc.dma.free(buffer)


def rproc_virtio_register(rproc: Rproc, index: int, rsc_offset: int) -> None:
    """Make ``rproc-virtio.N.auto``, which the driver below binds.

    When it does not, the device stays, as in Linux, until the processor is removed.
    """
    data = (rproc, index, rsc_offset)
    pdev = PlatformDevice(
        rproc.subsystem.platform, DRIVER_NAME, auto=True, parent=rproc, platform_data=data
    )
    pdev.device_add()
    if pdev.driver is None:
        rproc.dead_vdevs.append(pdev)


class RprocVirtioDriver(PlatformDriver):
    """``rproc_virtio_driver``."""

    name = DRIVER_NAME

    def probe(self, device: PlatformDevice) -> None:
        """Check and allocate the vrings; EINVAL, ENOMEM."""
        if device.platform_data is None:
            raise error(errno.EINVAL)
        rproc, index, rsc_offset = device.platform_data
        rvdev = device.driver_data = RprocVdev(rproc, index, rsc_offset, device)
        for number, entry in enumerate(rvdev.rsc().vring):
            try:
                num, align = rproc_parse_vring(entry)
            except FirmwareError as refusal:
                rproc.err(str(refusal.strerror))
                raise
            rvdev.vrings.append(RprocVring(rvdev, number, num, align))
        _alloc_vrings(rvdev)
        rproc.rvdevs.append(rvdev)
        rproc.subdevs.add(rvdev)
        rproc.rproc_get()

    def remove(self, device: PlatformDevice) -> None:
        """Give everything back."""
        rvdev = device.driver_data
        rvdev.stop(crashed=False)
        for vring in rvdev.vrings:
            vring.free()
        rvdev.rproc.subdevs.remove(rvdev)
        rvdev.rproc.rvdevs.remove(rvdev)
        rvdev.rproc.rproc_put()


def _alloc_vrings(rvdev: RprocVdev) -> None:
    done: list[RprocVring] = []
    try:
        for vring in rvdev.vrings:
            vring.alloc()
            done.append(vring)
    except OSError:
        for vring in reversed(done):
            vring.free()
        raise

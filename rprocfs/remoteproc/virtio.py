"""The virtio transport of a remote processor -- remoteproc_virtio.c.

A vdev of the resource table becomes a platform device ``rproc-virtio.N.auto``; its
driver allocates the vrings and, when the processor starts, registers the virtio
device. Status, features and config space live in the resource table, which is in
the remote's memory while it runs.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from rprocfs.base.dma import DmaBuffer, DmaPool
from rprocfs.base.platform import PlatformDevice, PlatformDriver
from rprocfs.base.trace import Kind
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.fw_rsc import FwRscVdev, FwRscVdevVring
from rprocfs.remoteproc.rproc import Rproc, rproc_find_carveout_by_name, rproc_get, rproc_put
from rprocfs.remoteproc.rsc_table import RVDEV_NUM_VRINGS, rproc_parse_vring
from rprocfs.remoteproc.subdev import RprocSubdev
from rprocfs.remoteproc.vring import RprocVring, rproc_alloc_vrings
from rprocfs.virtio.ring import vring_size
from rprocfs.virtio.virtio import VirtioConfigOps, VirtioDevice
from rprocfs.virtio.virtqueue import VirtioVirtqueue, VqInfo

DRIVER_NAME = "rproc-virtio"


class RprocVdev(RprocSubdev):
    """``struct rproc_vdev``: a vdev of the table, with a virtio device while it is running."""

    def __init__(self, rproc: Rproc, index: int, rsc_offset: int, pdev: PlatformDevice) -> None:
        self.rproc = rproc
        self.index = index
        self.rsc_offset = rsc_offset
        self.pdev = pdev
        self.vrings: list[RprocVring] = []
        self.vdev: VirtioDevice | None = None

    def rsc(self) -> FwRscVdev:
        """Its entry in the table in use; ENODEV if there is no table, or one too short for it."""
        table = self.rproc.table
        # A device that outlived its table can be bound by hand while another table is in use.
        if table is None or self.rsc_offset + FwRscVdev.SIZE > len(table):
            raise error(errno.ENODEV)
        return FwRscVdev(table, self.rsc_offset)

    def start(self) -> None:
        """rproc_add_virtio_dev(): register the virtio device. EINVAL without a kick."""
        rproc = self.rproc
        if not rproc.ops.provides("kick"):
            self.pdev.err(f".kick method not defined for {rproc.label}")
            raise error(errno.EINVAL)
        pool = rproc_find_carveout_by_name(rproc, f"vdev{self.index}buffer")
        if pool is not None and pool.rmem:
            self.pdev.info(f"assigned reserved memory node {pool.rmem}")
        elif pool is None and rproc.reserved is not None:
            self.pdev.info(f"assigned reserved memory node {rproc.reserved.name}")
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
        self.rproc.dead_vdevs.remove(self.pdev)


def rproc_vdevs(rproc: Rproc) -> list[RprocVdev]:
    """``rproc->rvdevs``: the vdevs of the resource table, in its order."""
    return [subdev for subdev in rproc.subdevs if isinstance(subdev, RprocVdev)]


def _kick(rproc: Rproc, notifyid: int) -> Callable[[], None]:
    """What rings the doorbell *notifyid*."""
    track = rproc.track
    if track is None:
        return lambda: rproc.ops.kick(rproc, notifyid)

    def traced() -> None:
        track.number(Kind.KICK, notifyid)
        rproc.ops.kick(rproc, notifyid)

    return traced


class RprocVirtioConfigOps(VirtioConfigOps):
    """``rproc_virtio_config_ops``: the virtio core's view of the vdev entry in the table."""

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
        """Set the status to 0."""
        self.set_status(vdev, 0)

    def get_features(self, vdev: VirtioDevice) -> int:
        """``rsc->dfeatures``."""
        del vdev
        return self._rvdev.rsc().dfeatures

    def finalize_features(self, vdev: VirtioDevice) -> None:
        """``rsc->gfeatures``: 32 bits; the legacy layout has no more."""
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
            _kick(rproc, notifyid),
        )  # fmt: skip
        vring.rsc().da = mem.da
        return vring.vq

    def del_vqs(self, vdev: VirtioDevice) -> None:
        """Delete the virtqueues; the memory of the rings stays allocated."""
        del vdev
        for vring in self._rvdev.vrings:
            vring.vq = None

    def dma_alloc_coherent(self, vdev: VirtioDevice, size: int) -> DmaBuffer:
        """Allocate buffers; ENOMEM.

        They come from the carveout ``vdevNbuffer`` if there is one, else from the first
        ``memory-region`` of the processor's node, else from the common pool.
        """
        del vdev
        rproc = self._rvdev.rproc
        mem = rproc_find_carveout_by_name(rproc, f"vdev{self._rvdev.index}buffer")
        if mem is None:
            return _pool(rproc).alloc(size)
        if mem.va is None or size > len(mem.va):
            raise error(errno.ENOMEM)
        return DmaBuffer(mem.da, mem.va[:size], size)

    def dma_free_coherent(self, vdev: VirtioDevice, buffer: DmaBuffer) -> None:
        """Undo :meth:`dma_alloc_coherent`."""
        del vdev
        rproc = self._rvdev.rproc
        if rproc_find_carveout_by_name(rproc, f"vdev{self._rvdev.index}buffer") is None:
            _pool(rproc).free(buffer)


def _pool(rproc: Rproc) -> DmaPool:
    return rproc.dma if rproc.reserved is None else rproc.reserved.pool


def rproc_virtio_register(rproc: Rproc, index: int, rsc_offset: int) -> None:
    """Make ``rproc-virtio.N.auto``, to which the driver below is bound.

    If the driver does not bind, or is unbound later, the device stays until the processor is
    removed, as in Linux.
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
    mod_name = "remoteproc"

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
            offset = rsc_offset + FwRscVdev.SIZE + number * FwRscVdevVring.SIZE
            vring = RprocVring(rproc, number, offset, f"vdev{index}vring{number}", num, align)
            rvdev.vrings.append(vring)
        rproc_alloc_vrings(rvdev.vrings)
        if device in rproc.dead_vdevs:  # it was unbound
            rproc.dead_vdevs.remove(device)
        rproc.subdevs.add(rvdev)
        rproc_get(rproc)

    def remove(self, device: PlatformDevice) -> None:
        """Free the vrings."""
        rvdev = device.driver_data
        rvdev.stop(crashed=False)
        for vring in rvdev.vrings:
            vring.free()
        rvdev.rproc.subdevs.remove(rvdev)
        rvdev.rproc.dead_vdevs.append(device)
        rproc_put(rvdev.rproc)

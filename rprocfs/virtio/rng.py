"""Random numbers of a device -- drivers/char/hw_random/virtio-rng.c, the module ``virtio_rng``.

One buffer is always on its way: the device fills it, readers of ``/dev/hwrng`` empty it,
and it goes back. A device that gives back an empty one gets no other.
"""

from __future__ import annotations

from rprocfs.base.hw_random import HwRandom, Hwrng
from rprocfs.base.module import Module
from rprocfs.fs.chardev import Ida
from rprocfs.kernel import VIRTIO_RNG_QUALITY
from rprocfs.locking import LockClass, new_lock
from rprocfs.virtio.virtio import VirtioDevice, VirtioDeviceId, VirtioDriver
from rprocfs.virtio.virtqueue import VirtioVirtqueue, VqInfo

VIRTIO_ID_RNG = 4
#: ``SMP_CACHE_BYTES``.
DATA_SIZE = 64


class VirtrngInfo(Hwrng):
    """``struct virtrng_info``: one device. Thread-safe."""

    def __init__(self, vdev: VirtioDevice, index: int, core: HwRandom) -> None:
        """Find the queue; OSError, nothing is left then."""
        quality = 1024 if vdev.model.version.has(VIRTIO_RNG_QUALITY) else 1000
        super().__init__(f"virtio_rng.{index}", quality)
        self.index = index
        self._vdev = vdev
        self._core = core
        self._data = b""
        self._lock = new_lock(LockClass.VIRTRNG)
        (self._vq,) = vdev.config.find_vqs(vdev, [VqInfo("input", self._recv_done)])
        try:
            self._buffer = vdev.config.dma_alloc_coherent(vdev, DATA_SIZE)
        except OSError:
            vdev.config.del_vqs(vdev)
            raise

    def _recv_done(self, vq: VirtioVirtqueue) -> None:
        """random_recv_done(): copy what came, and no more than there is room for."""
        with self._lock:
            used = vq.get_buf()
            if used is not None:
                self._data = bytes(self._buffer.va[: min(used[1], DATA_SIZE)])
        self._core.readq.wake_up()

    def request_entropy(self) -> None:
        """Give the buffer to the device."""
        self._vq.add_inbuf(self._buffer.da, DATA_SIZE, 0)
        self._vq.kick()

    def read(self, size: int) -> bytes:
        """copy_data(): the last byte taken makes the device fill the buffer again."""
        with self._lock:
            data, self._data = self._data[:size], self._data[size:]
            empty = data and not self._data
        if empty:
            self.request_entropy()
        return data

    def close(self) -> None:
        """remove_common(): no reader comes here any more."""
        self._core.unregister(self)
        self._vdev.reset_device()
        with self._lock:
            self._vq.break_device()
        self._vdev.config.del_vqs(self._vdev)
        self._vdev.config.dma_free_coherent(self._vdev, self._buffer)


class VirtioRngDriver(VirtioDriver):
    """``virtio_rng_driver``: binds virtio devices of type 4."""

    name = "virtio_rng"
    id_table = (VirtioDeviceId(VIRTIO_ID_RNG),)

    def __init__(self, core: HwRandom) -> None:
        self._core = core
        self._ida = Ida()
        self._lock = new_lock(LockClass.MINORS)

    def probe(self, device: VirtioDevice) -> None:
        """virtrng_probe() and virtrng_scan(). ENOMEM."""
        with self._lock:
            index = self._ida.alloc()
        try:
            vi = device.driver_data = VirtrngInfo(device, index, self._core)
        except OSError:
            self._free(index)
            raise
        device.device_ready()
        vi.request_entropy()
        self._core.register(vi)

    def remove(self, device: VirtioDevice) -> None:
        """virtrng_remove()."""
        device.driver_data.close()
        self._free(device.driver_data.index)

    def _free(self, index: int) -> None:
        with self._lock:
            self._ida.free(index)


def init(module: Module) -> None:
    """``module_virtio_driver``."""
    module.driver_register("virtio", VirtioRngDriver(module.use("rng_core")))

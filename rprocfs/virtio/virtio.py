"""The virtio bus, its devices and drivers -- drivers/virtio/virtio.c.

A transport (:mod:`rprocfs.remoteproc.virtio`) implements :class:`VirtioConfigOps`,
makes a :class:`VirtioDevice` and registers it; a driver subclasses
:class:`VirtioDriver` and is registered with the bus.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from rprocfs.base.bus import Bus, Driver
from rprocfs.base.device import Device
from rprocfs.base.dma import DmaBuffer
from rprocfs.base.model import DriverModel
from rprocfs.fs.chardev import Ida
from rprocfs.fs.sysfs import attribute
from rprocfs.kernel import FEATURES_OF_128_BITS
from rprocfs.locking import LockClass
from rprocfs.virtio.virtqueue import VirtioVirtqueue, VqInfo, vring_transport_features

VIRTIO_DEV_ANY_ID = 0xFFFFFFFF
VIRTIO_ID_RPMSG = 7

VIRTIO_CONFIG_S_ACKNOWLEDGE = 0x01
VIRTIO_CONFIG_S_DRIVER = 0x02
VIRTIO_CONFIG_S_DRIVER_OK = 0x04
VIRTIO_CONFIG_S_FEATURES_OK = 0x08
VIRTIO_CONFIG_S_FAILED = 0x80

VIRTIO_TRANSPORT_F_START = 28
VIRTIO_TRANSPORT_F_END = 42
VIRTIO_F_VERSION_1 = 32

_TRANSPORT_FEATURES = (1 << VIRTIO_TRANSPORT_F_END) - (1 << VIRTIO_TRANSPORT_F_START)


class VirtioDeviceId(NamedTuple):
    """``struct virtio_device_id``."""

    device: int
    vendor: int = VIRTIO_DEV_ANY_ID


class VirtioConfigOps(ABC):
    """``struct virtio_config_ops``: what a transport does for the device it carries.

    The last two stand for ``dma_alloc_coherent`` on the transport's own device.
    """

    @abstractmethod
    def get(self, vdev: VirtioDevice, offset: int, length: int) -> bytes:
        """Bytes of the config space; zeroes outside it."""

    @abstractmethod
    def set(self, vdev: VirtioDevice, offset: int, data: bytes) -> None:
        """Write to the config space; nothing happens outside it."""

    @abstractmethod
    def get_status(self, vdev: VirtioDevice) -> int:
        """The status byte."""

    @abstractmethod
    def set_status(self, vdev: VirtioDevice, status: int) -> None:
        """Write the status byte, never 0."""

    @abstractmethod
    def reset(self, vdev: VirtioDevice) -> None:
        """Status 0."""

    @abstractmethod
    def get_features(self, vdev: VirtioDevice) -> int:
        """What the device offers, bit 0 first."""

    @abstractmethod
    def finalize_features(self, vdev: VirtioDevice) -> None:
        """Tell the device ``vdev.features``, clearing what the transport cannot do. OSError."""

    @abstractmethod
    def find_vqs(self, vdev: VirtioDevice, infos: Sequence[VqInfo]) -> list[VirtioVirtqueue]:
        """The queues in order, all or none; OSError."""

    @abstractmethod
    def del_vqs(self, vdev: VirtioDevice) -> None:
        """Let go of the queues: no doorbell reaches them any more."""

    @abstractmethod
    def dma_alloc_coherent(self, vdev: VirtioDevice, size: int) -> DmaBuffer:
        """Zeroed memory that the device sees too; ENOMEM."""

    @abstractmethod
    def dma_free_coherent(self, vdev: VirtioDevice, buffer: DmaBuffer) -> None:
        """Give it back."""


class VirtioDevice(Device):
    """``struct virtio_device``: called ``virtioN`` once it is registered.

    *features* are those that were negotiated. What its driver keeps is ``driver_data``.
    """

    lock_class = LockClass.DEVICE_VIRTIO

    def __init__(
        self,
        bus: VirtioBus,
        parent: Device,
        config: VirtioConfigOps,
        id_device: int,
        id_vendor: int = 0,
    ) -> None:
        super().__init__(bus.model, "virtio", parent, bus=bus)
        self.virtio_bus = bus
        self.config = config
        self.id_device = id_device
        self.id_vendor = id_vendor
        self.index = -1
        self.features = 0

    def uevent_env(self) -> dict[str, str]:
        """virtio_uevent()."""
        return {"MODALIAS": self.modalias}

    @property
    def modalias(self) -> str:
        """``virtio:dDEVICEvVENDOR``."""
        return f"virtio:d{self.id_device:08X}v{self.id_vendor:08X}"

    def has_feature(self, bit: int) -> bool:
        """``virtio_has_feature``: whether it was negotiated."""
        return bool(self.features >> bit & 1)

    def add_status(self, status: int) -> None:
        """``virtio_add_status``."""
        self.config.set_status(self, self.config.get_status(self) | status)

    def device_ready(self) -> None:
        """``virtio_device_ready``: from here on both sides may ring."""
        self.add_status(VIRTIO_CONFIG_S_DRIVER_OK)

    def reset_device(self) -> None:
        """``virtio_reset_device``."""
        self.config.reset(self)

    def register_virtio_device(self) -> None:
        """Take the lowest free number, reset, show it and look for a driver. OSError."""
        self.index = self.virtio_bus.alloc_index()
        self.name = f"virtio{self.index}"
        try:
            self.reset_device()
            self.add_status(VIRTIO_CONFIG_S_ACKNOWLEDGE)
            self.device_add()
        except OSError:
            self.virtio_bus.free_index(self.index)
            raise

    def unregister_virtio_device(self) -> None:
        """Unbind it and take it away."""
        self.device_del()
        self.virtio_bus.free_index(self.index)


class VirtioDriver(Driver[VirtioDevice]):
    """``struct virtio_driver``: *feature_table* holds bit numbers."""

    id_table: Sequence[VirtioDeviceId] = ()
    feature_table: Sequence[int] = ()


class VirtioBus(Bus):
    """``virtio_bus``: ``sys/bus/virtio``, and the numbers of its devices."""

    def __init__(self, model: DriverModel) -> None:
        super().__init__(model, "virtio")
        self._index_ida = Ida()

    def alloc_index(self) -> int:
        """The lowest free number."""
        with self.model.lock:
            return self._index_ida.alloc()

    def free_index(self, index: int) -> None:
        """Give the number back."""
        with self.model.lock:
            self._index_ida.free(index)

    def match(self, device: Any, driver: Any) -> bool:
        """virtio_dev_match()."""
        return any(
            entry.device in (device.id_device, VIRTIO_DEV_ANY_ID)
            and entry.vendor in (device.id_vendor, VIRTIO_DEV_ANY_ID)
            for entry in driver.id_table
        )

    def probe(self, device: Any, driver: Any) -> None:
        """virtio_dev_probe(): agree on features, then the driver."""
        try:
            self._negotiate(device, driver)
            driver.probe(device)
        except OSError:
            device.add_status(VIRTIO_CONFIG_S_FAILED)
            raise
        if not device.config.get_status(device) & VIRTIO_CONFIG_S_DRIVER_OK:
            device.device_ready()

    def _negotiate(self, device: VirtioDevice, driver: VirtioDriver) -> None:
        device.add_status(VIRTIO_CONFIG_S_DRIVER)
        offered = device.config.get_features(device)
        known = sum(1 << bit for bit in set(driver.feature_table))
        # The kernel leaves the last step to the transport; there is one kind of ring here.
        device.features = vring_transport_features(offered & (known | _TRANSPORT_FEATURES))
        device.config.finalize_features(device)
        if device.has_feature(VIRTIO_F_VERSION_1):
            device.add_status(VIRTIO_CONFIG_S_FEATURES_OK)

    def remove(self, device: Any, driver: Any) -> None:
        """virtio_dev_remove(): the driver resets the device, the bus acknowledges it again."""
        driver.remove(device)
        device.add_status(VIRTIO_CONFIG_S_ACKNOWLEDGE)


@attribute(name="device")
def device_id(vdev: VirtioDevice) -> str:
    """The kind of device, hexadecimal."""
    return f"0x{vdev.id_device:04x}"


@attribute
def vendor(vdev: VirtioDevice) -> str:
    """Its maker, hexadecimal."""
    return f"0x{vdev.id_vendor:04x}"


@attribute
def status(vdev: VirtioDevice) -> str:
    """The status byte, hexadecimal."""
    return f"0x{vdev.config.get_status(vdev):08x}"


@attribute
def modalias(vdev: VirtioDevice) -> str:
    """What modprobe(8) is given."""
    return vdev.modalias


@attribute
def features(vdev: VirtioDevice) -> str:
    """The negotiated feature bits, bit 0 first."""
    bits = 128 if vdev.model.version.has(FEATURES_OF_128_BITS) else 64
    return "".join("1" if vdev.has_feature(bit) else "0" for bit in range(bits))


VirtioDevice.attributes = (device_id, vendor, status, modalias, features)

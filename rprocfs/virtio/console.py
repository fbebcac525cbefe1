"""Consoles and serial ports -- drivers/char/virtio_console.c, the module ``virtio_console``.

A device of type 3 becomes a terminal ``/dev/hvcN``, one of type 11, which exists behind
remoteproc only, a port ``/dev/vportNp0`` of plain bytes. Several ports on one device
(VIRTIO_CONSOLE_F_MULTIPORT) take more queues than remoteproc gives: such a device is refused
here with the kernel's words, as there.
"""

from __future__ import annotations

import errno
import struct

from rprocfs.base.device import Class
from rprocfs.base.model import DriverModel
from rprocfs.base.module import Module
from rprocfs.fs.kernfs import error
from rprocfs.tty.hvc_console import HvcConsole
from rprocfs.virtio.console_port import Port
from rprocfs.virtio.virtio import VirtioDevice, VirtioDeviceId, VirtioDriver
from rprocfs.virtio.virtqueue import VirtioVirtqueue, VqInfo

VIRTIO_ID_CONSOLE, VIRTIO_ID_RPROC_SERIAL = 3, 11
VIRTIO_CONSOLE_F_SIZE, VIRTIO_CONSOLE_F_MULTIPORT = 0, 1
VIRTCONS_MAX_PORTS = 0x8000
#: ``max_nr_ports`` in ``struct virtio_console_config``.
_MAX_NR_PORTS_AT = 4


class PortsDevice:
    """``struct ports_device``: one virtio device and its port."""

    def __init__(self, vdev: VirtioDevice, driver: ConsoleDriver) -> None:
        """The first half of virtcons_probe(): find the queues. OSError, logged."""
        self.vdev = vdev
        self.driver = driver
        self.is_rproc_serial = vdev.id_device == VIRTIO_ID_RPROC_SERIAL
        self.has_size = vdev.has_feature(VIRTIO_CONSOLE_F_SIZE)
        infos = [VqInfo("input", self._in_intr), VqInfo("output", self._out_intr)]
        infos += [VqInfo("control-i"), VqInfo("control-o")] * self._control_queues()
        self.chr_major = driver.alloc_major()
        self.port: Port | None = None
        try:
            self.vqs = vdev.config.find_vqs(vdev, infos)
        except OSError as failure:
            driver.majors.append(self.chr_major)
            vdev.err(f"Error {-(failure.errno or errno.EIO)} initializing vqs")
            raise

    def _control_queues(self) -> int:
        """How many pairs come behind the first: EINVAL for more ports than there can be."""
        vdev = self.vdev
        if not vdev.has_feature(VIRTIO_CONSOLE_F_MULTIPORT):
            return 0
        (ports,) = struct.unpack("<I", vdev.config.get(vdev, _MAX_NR_PORTS_AT, 4))
        if not 0 < ports <= VIRTCONS_MAX_PORTS:
            vdev.err(f"Invalidate max_nr_ports {ports - (ports >> 31 << 32)}")
            raise error(errno.EINVAL)
        return int(ports)

    def add_port(self) -> None:
        """add_port(): a device whose port cannot be made stays, without."""
        try:
            port = Port(self, 0)
        except OSError:
            self.vdev.err("Error allocating inbufs")
            return
        self.port = port
        try:
            port.plug()
        except OSError as failure:
            port.err(f"error {-(failure.errno or errno.EIO)} allocating hvc for port")
            self.port = None
            port.buffers.close()
            port.device_del()

    def _in_intr(self, vq: VirtioVirtqueue) -> None:
        if self.port is not None:
            self.port.in_intr(vq)

    def _out_intr(self, vq: VirtioVirtqueue) -> None:
        if self.port is not None:
            self.port.out_intr(vq)

    def remove(self) -> None:
        """virtcons_remove()."""
        for queue in self.vqs:
            queue.break_device()
        self.vdev.reset_device()
        if self.port is not None:
            self.port.unplug()
        self.driver.majors.append(self.chr_major)
        self.vdev.config.del_vqs(self.vdev)


class ConsoleDriver(VirtioDriver):
    """``virtio_console`` and ``virtio_rproc_serial``: the same probe, other devices."""

    def __init__(self, model: DriverModel, hvc: HvcConsole) -> None:
        self.hvc = hvc
        self.class_ = Class(model, "virtio-ports")
        #: Major numbers of devices that went.
        self.majors: list[int] = []
        self.debugfs = model.debug.mkdirs("virtio-ports")

    def alloc_major(self) -> int:
        """``register_chrdev``: one for each device."""
        return self.majors.pop() if self.majors else self.class_.model.alloc_major()

    def probe(self, device: VirtioDevice) -> None:
        """virtcons_probe()."""
        portdev = device.driver_data = PortsDevice(device, self)
        device.device_ready()
        portdev.add_port()

    def remove(self, device: VirtioDevice) -> None:
        """virtcons_remove()."""
        device.driver_data.remove()


class VirtioConsole(ConsoleDriver):
    """``virtio_console``."""

    name = "virtio_console"
    id_table = (VirtioDeviceId(VIRTIO_ID_CONSOLE),)
    feature_table = (VIRTIO_CONSOLE_F_SIZE, VIRTIO_CONSOLE_F_MULTIPORT)


class VirtioRprocSerial(ConsoleDriver):
    """``virtio_rproc_serial``."""

    name = "virtio_rproc_serial"
    id_table = (VirtioDeviceId(VIRTIO_ID_RPROC_SERIAL),)


def init(module: Module) -> None:
    """virtio_console_init()."""
    hvc = HvcConsole(module.model)
    module.driver_register("virtio", VirtioConsole(module.model, hvc))
    module.driver_register("virtio", VirtioRprocSerial(module.model, hvc))

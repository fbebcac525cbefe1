"""All of rpmsg at once: bus, classes and the kernel's drivers, in the order of its initcalls."""

from __future__ import annotations

from rprocfs.base.device import Class
from rprocfs.base.model import DriverModel
from rprocfs.rpmsg.char import RpmsgChrdevDriver
from rprocfs.rpmsg.core import RpmsgBus
from rprocfs.rpmsg.ctrl import RpmsgCtrlDriver
from rprocfs.rpmsg.endpoint_file import EndpointFile
from rprocfs.rpmsg.ns import RpmsgNsDriver
from rprocfs.rpmsg.tty import RpmsgTtyDriver
from rprocfs.rpmsg.virtio_bus import VirtioRpmsgBusDriver
from rprocfs.virtio.virtio import VirtioBus


class Rpmsg:
    """The rpmsg subsystem of one model, ready for virtio devices on *virtio_bus*."""

    def __init__(self, model: DriverModel, virtio_bus: VirtioBus) -> None:
        self.bus = RpmsgBus(model)
        self.class_ = Class(model, "rpmsg")
        if not model.strict:
            self.bus.device_files["endpoint"] = EndpointFile
        self.chrdev = RpmsgChrdevDriver(self.class_, model.version)
        for driver in (
            self.chrdev,
            RpmsgCtrlDriver(self.class_, self.chrdev),
            RpmsgNsDriver(),
            RpmsgTtyDriver(Class(model, "tty")),
        ):
            self.bus.driver_register(driver)
        virtio_bus.driver_register(VirtioRpmsgBusDriver(self.bus))

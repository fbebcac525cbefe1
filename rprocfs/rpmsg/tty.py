"""``dev/ttyRPMSGN``: a channel as a terminal -- drivers/tty/rpmsg_tty.c."""

from __future__ import annotations

from typing import Any

from rprocfs.base.device import Class, Device
from rprocfs.rpmsg.core import RpmsgDevice, RpmsgDriver
from rprocfs.rpmsg.tty_port import RpmsgTtyPort, RpmsgTtys

RPMSG_TTY_NAME = "ttyRPMSG"


class RpmsgTtyDevice(Device):
    """``tty_port_register_device``: the device of one node."""

    def __init__(self, driver: RpmsgTtyDriver, port: RpmsgTtyPort) -> None:
        name = f"{RPMSG_TTY_NAME}{port.id}"
        super().__init__(port.rpdev.model, name, port.rpdev, class_=driver.class_)
        self.port = port
        self.set_devnode((driver.major, port.id), port.device_open)


class RpmsgTtyDriver(RpmsgDriver):
    """``rpmsg_tty_rpmsg_drv``."""

    name = "rpmsg_tty"
    id_table = ("rpmsg-tty",)
    atomic = True

    def __init__(self, class_: Class) -> None:
        self.class_ = class_
        self.major = class_.model.alloc_major()
        self.ttys = RpmsgTtys()

    def probe(self, device: RpmsgDevice) -> None:
        """rpmsg_tty_probe(): a terminal for the channel."""
        port = RpmsgTtyPort(self.ttys, device)
        tty = device.driver_data = RpmsgTtyDevice(self, port)
        try:
            tty.device_add()
        except OSError:
            port.hangup()
            raise

    def callback(self, rpdev: RpmsgDevice, data: bytes, priv: Any, src: int) -> None:
        """rpmsg_tty_cb(); an empty message is none."""
        tty = rpdev.driver_data
        if data and tty is not None:
            tty.port.receive(data)

    def remove(self, device: RpmsgDevice) -> None:
        """rpmsg_tty_remove(): hang up, then the node goes."""
        device.driver_data.port.hangup()
        device.driver_data.device_del()

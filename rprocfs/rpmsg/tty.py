"""``dev/ttyRPMSGN``: a channel as a terminal -- drivers/tty/rpmsg_tty.c."""

from __future__ import annotations

import threading
from typing import Any

from rprocfs.base.device import Class, Device
from rprocfs.fs.chardev import Ida
from rprocfs.rpmsg.core import RpmsgDevice, RpmsgDriver
from rprocfs.rpmsg.tty_port import RpmsgTtyPort
from rprocfs.tty.n_tty import Termios

RPMSG_TTY_NAME = "ttyRPMSG"


class RpmsgTtyDevice(Device):
    """``tty_port_register_device``: the device of one node."""

    def __init__(self, driver: RpmsgTtyDriver, port: RpmsgTtyPort) -> None:
        name = f"{RPMSG_TTY_NAME}{port.id}"
        super().__init__(port.rpdev.model, name, port.rpdev, class_=driver.class_)
        self.port = port
        self.set_devnode((driver.major, port.id), port.device_open)


class RpmsgTtyDriver(RpmsgDriver):
    """``rpmsg_tty_rpmsg_drv``, and the numbers and settings of all terminals."""

    name = "rpmsg_tty"
    id_table = ("rpmsg-tty",)
    atomic = True

    def __init__(self, class_: Class) -> None:
        self.class_ = class_
        self.major = class_.model.alloc_major()
        #: ``driver->termios``: a number keeps its settings.
        self.termios: dict[int, Termios] = {}
        self._lock = threading.Lock()
        self._ida = Ida()

    def alloc(self) -> int:
        """The lowest free number."""
        with self._lock:
            return self._ida.alloc()

    def free(self, number: int) -> None:
        """Give it back."""
        with self._lock:
            self._ida.free(number)

    def probe(self, device: RpmsgDevice) -> None:
        """rpmsg_tty_probe(): a terminal for the channel."""
        port = RpmsgTtyPort(self, device)
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

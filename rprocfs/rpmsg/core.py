"""Channels, endpoints and drivers, independent of the transport -- drivers/rpmsg/rpmsg_core.c.

A driver of one's own::

    class Sample(RpmsgDriver):
        name = "rpmsg_client_sample"
        id_table = ("rpmsg-client-sample",)

        def probe(self, rpdev: RpmsgDevice) -> None:
            rpdev.endpoint.send(b"hello world!")

        def callback(self, rpdev: RpmsgDevice, data: bytes, priv: object, src: int) -> None:
            print(f"incoming msg {data!r} from {src:#x}")

    rpmsg.bus.driver_register(Sample())
"""

from __future__ import annotations

import errno
import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from rprocfs.base.bus import Bus, Driver, DriverOverride, driver_override
from rprocfs.base.device import Device
from rprocfs.base.model import DriverModel
from rprocfs.fs.kernfs import File, error
from rprocfs.fs.sysfs import attribute
from rprocfs.rpmsg.endpoint import ChannelInfo, Deferred, RpmsgChannel, RpmsgEndpoint, RxCallback
from rprocfs.rpmsg.hdr import RPMSG_ADDR_ANY

__all__ = [
    "ChannelInfo", "RpmsgBus", "RpmsgDevice", "RpmsgDriver", "RpmsgEndpoint", "RxCallback",
    "rpmsg_find_device", "rpmsg_register_device", "rpmsg_register_device_override",
]  # fmt: skip

logger = logging.getLogger(__name__)


class RpmsgDevice(RpmsgChannel, DriverOverride):
    """``struct rpmsg_device``: a channel. *id* is its name, *endpoint* that of its driver.

    *announce*: the remote is told when the channel is created and destroyed.
    """

    def __init__(
        self, bus: RpmsgBus, parent: Device, chinfo: ChannelInfo, *, announce: bool = False
    ) -> None:
        self.id = chinfo.name
        self.src = chinfo.src
        self.dst = chinfo.dst
        name = f"{parent.name}.{self.id}.{_s32(self.src)}.{_s32(self.dst)}"
        super().__init__(bus.model, name, parent, bus=bus)
        self.rpmsg_bus = bus
        self.announce = announce
        self.ept: RpmsgEndpoint | None = None
        #: Undone first when the channel goes.
        self.removal = ExitStack()

    @property
    def endpoint(self) -> RpmsgEndpoint:
        """The endpoint of the channel; EPIPE when it has none."""
        if self.ept is None:
            raise error(errno.EPIPE)
        return self.ept

    def uevent_env(self) -> dict[str, str]:
        """rpmsg_uevent()."""
        return {"MODALIAS": f"rpmsg:{self.id}"}

    def populate(self) -> None:
        """The files beyond the kernel's, on channels only."""
        if self.driver_override is None:
            for name, make in self.rpmsg_bus.device_files.items():
                self.dir.add(name, make(self))

    def device_del(self) -> None:
        """Close the open ``endpoint`` files of the channel, then remove it."""
        self.removal.close()
        super().device_del()

    def matches(self, chinfo: ChannelInfo) -> bool:
        """rpmsg_device_match(): ANY in *chinfo* stands for every address."""
        return (
            chinfo.src in (RPMSG_ADDR_ANY, self.src)
            and chinfo.dst in (RPMSG_ADDR_ANY, self.dst)
            and chinfo.name == self.id
        )

    # ``struct rpmsg_device_ops``.

    @abstractmethod
    def create_channel(self, chinfo: ChannelInfo) -> RpmsgDevice:
        """``rpmsg_create_channel``: another channel of the same link; OSError, logged."""

    @abstractmethod
    def release_channel(self, chinfo: ChannelInfo) -> None:
        """``rpmsg_release_channel``: EINVAL when there is none."""

    @abstractmethod
    def create_ept(
        self, cb: RxCallback, priv: Any, chinfo: ChannelInfo, *, atomic: bool = False
    ) -> RpmsgEndpoint:
        """``rpmsg_create_ept``: at ``chinfo.src``, or the lowest free address from 1024 on.

        OSError, logged: ENOSPC if the address is taken, EINVAL if it is none.
        """

    def announce_create(self) -> None:
        """Tell the remote of the channel, if it has to know. OSError, logged."""

    def announce_destroy(self) -> None:
        """Tell it that the channel goes. OSError, logged."""


def _s32(address: int) -> int:
    """An address as ``%d`` prints it."""
    return address - (1 << 32) if address >> 31 else address


class RpmsgDriver(Driver[RpmsgDevice]):
    """``struct rpmsg_driver``: *id_table* holds the names of the channels that it takes.

    A driver that overrides :meth:`callback` gets an endpoint for each channel before
    it is probed: ``rpdev.endpoint``. *atomic* is said of the callback, as of
    :class:`RpmsgEndpoint`.
    """

    id_table: Sequence[str] = ()
    atomic = False

    def probe(self, device: RpmsgDevice) -> None:
        """Take the channel; OSError when it cannot."""

    def callback(self, rpdev: RpmsgDevice, data: bytes, priv: Any, src: int) -> Deferred | None:
        """Handle one message. Work that makes or releases channels is returned and is done next."""
        raise NotImplementedError

    @property
    def has_callback(self) -> bool:
        """Whether the driver needs an endpoint."""
        return type(self).callback is not RpmsgDriver.callback


class RpmsgBus(Bus):
    """``rpmsg_bus``: ``sys/bus/rpmsg``."""

    def __init__(self, model: DriverModel) -> None:
        super().__init__(model, "rpmsg")
        #: Further files in the directory of each channel: how to make them, by name.
        self.device_files: dict[str, Callable[[RpmsgDevice], File]] = {}
        #: Whether an endpoint was requested at an address that does not fit an int.
        self.warned_idr = False

    def match(self, device: Any, driver: Any) -> bool:
        """rpmsg_dev_match(): the override, else the names that the driver takes."""
        if device.driver_override is not None:
            return bool(device.driver_override == driver.name)
        return device.id in driver.id_table

    def probe(self, device: Any, driver: Any) -> None:
        """rpmsg_dev_probe(): endpoint, driver, announcement."""
        with ExitStack() as undo:
            if driver.has_callback:
                self._create_default_ept(device, driver)
                undo.callback(_destroy_default_ept, device)
            try:
                _probe(device, driver)
            except OSError as failure:
                device.err(f"rpmsg_dev_probe: failed: {-(failure.errno or errno.EIO)}")
                raise
            undo.callback(driver.remove, device)
            try:
                device.announce_create()
            except OSError:
                device.err("failed to announce creation")
                raise
            undo.pop_all()

    def _create_default_ept(self, device: RpmsgDevice, driver: RpmsgDriver) -> None:
        try:
            device.ept = device.create_ept(
                driver.callback, None, ChannelInfo(device.id, device.src), atomic=driver.atomic
            )
        except OSError as failure:
            device.err("failed to create endpoint")
            raise error(errno.ENOMEM) from failure
        device.src = device.ept.addr

    def remove(self, device: Any, driver: Any) -> None:
        """rpmsg_dev_remove()."""
        with suppress(OSError):  # logged, and the channel goes all the same
            device.announce_destroy()
        try:
            driver.remove(device)
        except Exception:
            logger.exception("%s: remove of %s failed", driver.name, device.name)
        _destroy_default_ept(device)


def _probe(device: RpmsgDevice, driver: RpmsgDriver) -> None:
    """Probe a driver; any exception but OSError is logged with its traceback and becomes EIO."""
    try:
        driver.probe(device)
    except OSError:
        raise
    except Exception as bug:
        logger.exception("%s: probe of %s failed", driver.name, device.name)
        raise error(errno.EIO) from bug


def _destroy_default_ept(device: RpmsgDevice) -> None:
    ept, device.ept = device.ept, None
    if ept is not None:
        ept.destroy_ept()


def rpmsg_register_device(rpdev: RpmsgDevice) -> None:
    """Show the channel and look for its driver. OSError, logged."""
    try:
        rpdev.device_add()
    except OSError as failure:
        rpdev.err(f"device_add failed: {-(failure.errno or errno.EIO)}")
        raise


def rpmsg_register_device_override(rpdev: RpmsgDevice, driver: str) -> None:
    """The same for a device that only one driver may have."""
    rpdev.driver_override = driver
    rpmsg_register_device(rpdev)


def rpmsg_find_device(channels: Sequence[RpmsgDevice], chinfo: ChannelInfo) -> RpmsgDevice | None:
    """The first of *channels* that *chinfo* describes."""
    return next((rpdev for rpdev in channels if rpdev.matches(chinfo)), None)


@attribute(name="name", empty_line=True)
def channel_name(rpdev: RpmsgDevice) -> str:
    """The name that finds the driver."""
    return rpdev.id


@attribute
def modalias(rpdev: RpmsgDevice) -> str:
    """What modprobe(8) is given."""
    return f"rpmsg:{rpdev.id}"


@attribute
def dst(rpdev: RpmsgDevice) -> str:
    """The remote's address, hexadecimal."""
    return f"0x{rpdev.dst:x}"


@attribute
def src(rpdev: RpmsgDevice) -> str:
    """The local address, hexadecimal; all ones until a driver was bound."""
    return f"0x{rpdev.src:x}"


@attribute
def announce(rpdev: RpmsgDevice) -> str:
    """Whether the remote is told of the channel."""
    return "true" if rpdev.announce else "false"


RpmsgDevice.attributes = (channel_name, modalias, dst, src, driver_override, announce)

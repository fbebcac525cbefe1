"""A driver that talks -- samples/rpmsg/rpmsg_client_sample.c, the module ``rpmsg_client_sample``.

It says hello to each channel ``rpmsg-client-sample``, and again to each answer, until
the parameter ``count`` (100) is reached. Start a driver of your own from this file.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rprocfs.base.module import IntParam, Module
from rprocfs.rpmsg.core import RpmsgDevice, RpmsgDriver

MSG = b"hello world!"


@dataclass
class InstanceData:
    """``struct instance_data``."""

    rx_count: int = 0


class RpmsgSampleClient(RpmsgDriver):
    """``rpmsg_sample_client``."""

    name = "rpmsg_client_sample"
    id_table = ("rpmsg-client-sample",)

    def __init__(self, count: IntParam) -> None:
        self._count = count

    def probe(self, device: RpmsgDevice) -> None:
        """rpmsg_sample_probe()."""
        device.info(f"new channel: 0x{device.src:x} -> 0x{device.dst:x}!")
        device.driver_data = InstanceData()
        _send(device)

    def callback(self, rpdev: RpmsgDevice, data: bytes, priv: Any, src: int) -> None:
        """rpmsg_sample_cb(); what comes before the probe is dropped."""
        del data, priv
        idata = rpdev.driver_data
        if idata is None:
            return
        idata.rx_count += 1
        rpdev.info(f"incoming msg {idata.rx_count} (src: 0x{src:x})")
        if idata.rx_count >= self._count.value:
            rpdev.info("goodbye!")
            return
        with suppress(OSError):  # logged
            _send(rpdev)

    def remove(self, device: RpmsgDevice) -> None:
        """rpmsg_sample_remove()."""
        device.info("rpmsg sample client driver is removed")


def _send(rpdev: RpmsgDevice) -> None:
    try:
        rpdev.endpoint.send(MSG)
    except OSError as failure:
        rpdev.err(f"rpmsg_send failed: {-(failure.errno or 0)}")
        raise


def init(module: Module) -> None:
    """``module_rpmsg_driver``."""
    module.driver_register("rpmsg", RpmsgSampleClient(module.param_int("count", 100)))

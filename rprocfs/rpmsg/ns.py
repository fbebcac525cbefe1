"""The name service: the remote says which channels it has -- drivers/rpmsg/rpmsg_ns.c."""

from __future__ import annotations

import errno
from functools import partial
from typing import Any

from rprocfs.base.device import Device
from rprocfs.fs.kernfs import error
from rprocfs.rpmsg.core import ChannelInfo, RpmsgDevice, RpmsgDriver
from rprocfs.rpmsg.endpoint import Deferred
from rprocfs.rpmsg.hdr import RPMSG_NS_ADDR, RpmsgNsMsg


class RpmsgNsDriver(RpmsgDriver):
    """``rpmsg_ns_driver``: gets the ``rpmsg_ns`` device of each link by its override."""

    name = "rpmsg_ns"

    def probe(self, device: RpmsgDevice) -> None:
        """rpmsg_ns_probe(): listen at address 53."""
        chinfo = ChannelInfo("name_service", RPMSG_NS_ADDR, RPMSG_NS_ADDR)
        try:
            device.ept = device.create_ept(rpmsg_ns_cb, None, chinfo)
        except OSError as failure:
            device.err("failed to create the ns ept")
            raise error(errno.ENOMEM) from failure


def rpmsg_ns_cb(rpdev: RpmsgDevice, data: bytes, priv: Any, src: int) -> Deferred | None:
    """One announcement; a bad one is logged.

    The channel is made, or released, when the callback is over: both take the locks of devices,
    under which endpoints are destroyed.
    """
    del priv, src
    dev = rpdev.parent
    assert dev is not None
    try:
        msg = RpmsgNsMsg.unpack(data)
    except ValueError:
        dev.err(f"malformed ns msg ({len(data)})")
        return None
    return partial(_heed, rpdev, dev, msg)


def _heed(rpdev: RpmsgDevice, dev: Device, msg: RpmsgNsMsg) -> None:
    verb = "destroy" if msg.is_destroy else "creat"
    dev.info(f"{verb}ing channel {msg.name} addr 0x{msg.addr:x}")
    chinfo = ChannelInfo(msg.name, dst=msg.addr)
    try:
        if msg.is_destroy:
            rpdev.release_channel(chinfo)
        else:
            rpdev.create_channel(chinfo)
    except OSError as failure:
        code = f": {-(failure.errno or 0)}" if msg.is_destroy else ""
        dev.err(f"rpmsg_{verb}{'' if msg.is_destroy else 'e'}_channel failed{code}")

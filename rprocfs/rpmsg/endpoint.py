"""Endpoints: local addresses and their receivers -- struct rpmsg_endpoint."""

from __future__ import annotations

import errno
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from rprocfs.base.device import Device
from rprocfs.fs.kernfs import error
from rprocfs.fs.wait import WaitQueue, Waker
from rprocfs.locking import LockClass, new_rlock
from rprocfs.rpmsg.hdr import RPMSG_ADDR_ANY

logger = logging.getLogger(__name__)

#: The longest wait of a blocking sender, in seconds.
SEND_TIMEOUT = 15.0
#: The errno after that wait: a code that the kernel did not mean to show to userspace.
ERESTARTSYS = 512


class ChannelInfo(NamedTuple):
    """``struct rpmsg_channel_info``: what finds or makes a channel; any address may be ANY."""

    name: str
    src: int = RPMSG_ADDR_ANY
    dst: int = RPMSG_ADDR_ANY


Deferred = Callable[[], object]
"""What a callback leaves to be done without ``cb_lock``, before the next message is taken."""

RxCallback = Callable[[Any, bytes, Any, int], Deferred | None]
"""``rpmsg_rx_cb_t``: (RpmsgDevice, message, ``priv`` of the endpoint, sender's address).

It runs under ``cb_lock``, so it must not bind or unbind devices: that takes their locks and may
destroy endpoints. Such work is returned instead, see :data:`Deferred`.
"""


class RpmsgChannel(Device):
    """The part of ``struct rpmsg_device`` that an endpoint uses."""

    lock_class = LockClass.DEVICE_RPMSG
    #: The destination of :meth:`RpmsgEndpoint.send`.
    dst: int


class RpmsgEndpoint(ABC):
    """``struct rpmsg_endpoint``: a local address and the receiver of the messages to it.

    *atomic*: the callback neither sleeps nor sends, so it may run on the thread that
    handles the doorbell. Other callbacks run on the work queue of the link, in the same order.
    """

    def __init__(
        self, rpdev: RpmsgChannel, cb: RxCallback | None, priv: Any, addr: int, *, atomic: bool
    ) -> None:
        self.rpdev = rpdev
        self.cb = cb
        self.priv = priv
        self.addr = addr
        self.atomic = atomic
        #: Held while the callback runs, so that it is over once the endpoint is destroyed.
        self.cb_lock = new_rlock(LockClass.CB)

    def receive(self, data: bytes, src: int) -> None:
        """Hand one message to the callback. What that raises is logged."""
        try:
            with self.cb_lock:
                cb = self.cb
                deferred = None if cb is None else cb(self.rpdev, data, self.priv, src)
            if deferred is not None:
                deferred()
        except Exception:
            logger.exception("callback of endpoint 0x%x failed", self.addr)

    # ``struct rpmsg_endpoint_ops``.

    @abstractmethod
    def destroy_ept(self) -> None:
        """``rpmsg_destroy_ept``: no callback runs any more when this returns."""

    @abstractmethod
    def trysendto(self, data: bytes, dst: int) -> None:
        """``rpmsg_trysendto``: ENOMEM at once if there is no buffer; EINVAL, EMSGSIZE, EPIPE."""

    @abstractmethod
    def sendto(self, data: bytes, dst: int) -> None:
        """``rpmsg_sendto``: the same, waiting for a buffer; ERESTARTSYS after 15 seconds."""

    def send(self, data: bytes) -> None:
        """``rpmsg_send``: to the destination of the channel."""
        self.sendto(data, self.rpdev.dst)

    def trysend(self, data: bytes) -> None:
        """``rpmsg_trysend``: to the destination of the channel."""
        self.trysendto(data, self.rpdev.dst)

    @abstractmethod
    def send_timeout(self) -> int:
        """Say that the wait for a buffer took too long; raises ERESTARTSYS."""

    @property
    @abstractmethod
    def sendq(self) -> WaitQueue:
        """Woken when a buffer came back, so that :meth:`trysendto` is worth another try."""

    def poll(self, waker: Waker) -> int:
        """``rpmsg_poll``: what to add to the mask of poll(2).

        *waker* is called when that may have changed. A link need not say when it may send.
        """
        return 0

    def set_flow_control(self, *, pause: bool, dst: int) -> None:
        """``rpmsg_set_flow_control``: EOPNOTSUPP unless the link can."""
        raise error(errno.EOPNOTSUPP)

    @abstractmethod
    def get_mtu(self) -> int:
        """``rpmsg_get_mtu``: the longest message."""

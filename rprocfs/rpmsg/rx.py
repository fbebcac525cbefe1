"""Receiving on an rpmsg link -- virtio_rpmsg_bus.c, rpmsg_recv_done() and below.

Messages are taken off the ring in order. Those for *atomic* endpoints (character
devices, ttys) are delivered on the thread that took the doorbell. The first one for any
other endpoint (the name service, which makes devices; drivers written in Python) moves
the whole loop to the link's work queue, which goes on until the ring is empty. So the
order in which the remote sent is kept, also between an announcement and the data behind
it; a slow callback holds up the ring, as in the kernel, and not a queue without bounds;
and plain data makes no thread hop. The thread that took the doorbell delivers WEIGHT messages
at most, as it may have others to serve; what is behind them is the work queue's, too.

The remote cannot change a message after it was checked: a header is read once, and a message
is copied out of shared memory before it is delivered.
"""

from __future__ import annotations

import errno
import threading
from typing import NamedTuple

from rprocfs.base.dma import DmaBuffer
from rprocfs.base.ratelimit import RateLimit
from rprocfs.base.workqueue import Workqueue
from rprocfs.fs.kernfs import error
from rprocfs.locking import LockClass, new_condition, new_lock, running, waiting
from rprocfs.rpmsg.endpoint import RpmsgEndpoint
from rprocfs.rpmsg.hdr import (
    RPMSG_ADDR_ANY,
    RPMSG_HDR_SIZE,
    RPMSG_RESERVED_ADDRESSES,
    unpack_hdr,
)
from rprocfs.virtio.virtio import VirtioDevice
from rprocfs.virtio.virtqueue import VirtioVirtqueue

_INT_MAX = 0x7FFFFFFF
#: As NAPI_POLL_WEIGHT.
WEIGHT = 64


class Endpoints:
    """``vrp->endpoints``: the local addresses of a link."""

    def __init__(self) -> None:
        self._lock = new_lock(LockClass.ENDPOINTS)
        self._idr: dict[int, RpmsgEndpoint] = {}

    def find(self, addr: int) -> RpmsgEndpoint | None:
        """The endpoint at the address, or None."""
        return self._idr.get(addr)

    def alloc(self, ept: RpmsgEndpoint, addr: int) -> int:
        """idr_alloc() of *addr*, or of the lowest free one: ENOSPC, EINVAL beyond an int."""
        with self._lock:
            if addr == RPMSG_ADDR_ANY:
                addr = RPMSG_RESERVED_ADDRESSES
                while addr in self._idr:
                    addr += 1
            if addr > _INT_MAX:
                raise error(errno.EINVAL)
            if addr in self._idr:
                raise error(errno.ENOSPC)
            self._idr[addr] = ept
            return addr

    def remove(self, ept: RpmsgEndpoint) -> None:
        """idr_remove(), unless another endpoint has the address by now."""
        with self._lock:
            if self._idr.get(ept.addr) is ept:
                del self._idr[ept.addr]


class Message(NamedTuple):
    """One for *ept*, from the address *src*; *token* is its buffer."""

    ept: RpmsgEndpoint
    src: int
    data: bytes
    token: int


class Rx:
    """The receiving half: its *buffers* of *buf_size* each, whose tokens are their numbers."""

    def __init__(
        self,
        vdev: VirtioDevice,
        rvq: VirtioVirtqueue,
        buffers: DmaBuffer,
        buf_size: int,
        endpoints: Endpoints,
    ) -> None:
        self._vdev, self._rvq, self._endpoints = vdev, rvq, endpoints
        self._va, self._da = buffers.va, buffers.da
        self._buf_size = buf_size
        self._work = Workqueue(f"rpmsg-{vdev.name}", LockClass.RPMSG_WORK)
        self._changed = new_condition(LockClass.RX)
        #: The thread that takes messages off the ring; None while no thread does.
        self._receiver: threading.Thread | None = None
        self._again = self._closed = self._gave = False
        self._too_big, self._no_recipient = RateLimit(), RateLimit()
        for token in range(buffers.size // buf_size):
            self._give(token)

    def recv_done(self) -> None:
        """rpmsg_recv_done(): called for each doorbell, on any thread."""
        with self._changed:
            if self._receiver is not None or self._closed:
                self._again = True
                return
            self._receiver = threading.current_thread()
        self._receive(None, may_sleep=False)

    def _receive(self, message: Message | None, *, may_sleep: bool) -> None:
        """Take messages until there are none, beginning with *message*, or hand over."""
        with running(LockClass.RPMSG_RX, self):
            self._receive_all(message, may_sleep=may_sleep)

    def _receive_all(self, message: Message | None, *, may_sleep: bool) -> None:
        try:
            while True:
                message = self._drain(message, may_sleep=may_sleep)
                if self._gave:
                    self._gave = False
                    self._rvq.kick()
                if message is not None and self._hand_over(message):
                    return
                message = None
                if self._done():
                    return
        except BaseException:
            self._leave()
            raise

    def _drain(self, message: Message | None, *, may_sleep: bool) -> Message | None:
        """Deliver what is there; the first message that must be delivered elsewhere."""
        taken = 0
        while not self._closed:
            if message is None:
                used = self._rvq.get_buf()
                if used is None:
                    return None
                message = self._recv_single(*used)
            if message is not None:
                if not may_sleep and (taken >= WEIGHT or not message.ept.atomic):
                    return message
                message.ept.receive(message.data, message.src)
                self._give(message.token)
                message = None
                taken += 1
        return None

    def _hand_over(self, message: Message) -> bool:
        def work() -> None:
            with self._changed:
                self._receiver = threading.current_thread()
            self._receive(message, may_sleep=True)

        return self._work.queue_work(work)

    def _done(self) -> bool:
        """Stop being the receiver, unless the doorbell rang meanwhile."""
        with self._changed:
            if self._again and not self._closed:
                self._again = False
                return False
            self._receiver = None
            self._changed.notify_all()
            return True

    def _leave(self) -> None:
        with self._changed:
            self._receiver = None
            self._changed.notify_all()

    def _recv_single(self, token: int, length: int) -> Message | None:
        """rpmsg_recv_single() up to the callback; None: the buffer went back."""
        at = token * self._buf_size
        src, dst, _, msg_len, _ = unpack_hdr(self._va, at)
        ept = None
        if length > self._buf_size or msg_len > length - RPMSG_HDR_SIZE:
            if self._too_big():
                self._vdev.warn(f"inbound msg too big: ({length}, {msg_len})")
        else:
            ept = self._endpoints.find(dst)
            if ept is None and self._no_recipient():
                self._vdev.warn("msg received with no recipient")
        if ept is None:
            self._give(token)
            return None
        at += RPMSG_HDR_SIZE
        return Message(ept, src, bytes(self._va[at : at + msg_len]), token)

    def _give(self, token: int) -> None:
        """Make the buffer available to the remote."""
        try:
            self._rvq.add_inbuf(self._da + token * self._buf_size, self._buf_size, token)
            self._gave = True
        except OSError as failure:
            if not self._closed:
                self._vdev.err(f"failed to add a virtqueue buffer: {-(failure.errno or 0)}")

    def ready(self) -> bool:
        """The device is about to be: whether the remote has to be told of the buffers."""
        self._gave = False
        return self._rvq.kick_prepare()

    def flush(self, timeout: float | None = None) -> None:
        """Return when all that was handed to the work queue so far is delivered."""
        self._work.flush(timeout)

    def close(self) -> None:
        """No message is taken and no callback runs any more when this returns.

        Called from such a callback, it is the last one.
        """
        with self._changed:
            self._closed = True
        self._work.destroy()
        if self._receiver not in (None, threading.current_thread()):
            waiting(LockClass.RPMSG_RX, self)
        with self._changed:
            while self._receiver not in (None, threading.current_thread()):
                self._changed.wait()

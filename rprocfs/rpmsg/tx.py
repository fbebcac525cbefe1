"""Sending on an rpmsg link -- virtio_rpmsg_bus.c, rpmsg_send_offchannel_raw() and below.

No thread sleeps with a lock held. A sender without a buffer waits on ``sendq``; the first
waiter enables tx-complete interrupts. The lock of the link is held while a message is put
into the ring, with the lock of the virtqueue inside it. Neither is held while the doorbell
rings.
"""

from __future__ import annotations

import errno
import threading
import time

from rprocfs.base.device import Device
from rprocfs.base.dma import DmaBuffer
from rprocfs.fs.kernfs import error
from rprocfs.fs.wait import WaitQueue, Waker
from rprocfs.kernel import TX_CALLBACKS_ON
from rprocfs.locking import LockClass, might_sleep, new_lock
from rprocfs.rpmsg.endpoint import ERESTARTSYS, SEND_TIMEOUT
from rprocfs.rpmsg.hdr import RPMSG_ADDR_ANY, RPMSG_HDR_SIZE, pack_hdr_into
from rprocfs.virtio.virtio import VirtioDevice
from rprocfs.virtio.virtqueue import VirtioVirtqueue


class SendQueue(WaitQueue):
    """``vrp->sendq``: tx-complete interrupts are enabled while a sender waits, or *always*.

    *closing*: senders no longer wait.
    """

    __slots__ = ("_always", "_svq", "closing")

    def __init__(self, svq: VirtioVirtqueue, *, always: bool) -> None:
        super().__init__()
        self._svq, self._always = svq, always
        self.closing = False
        if not always:
            svq.disable_cb()

    def add(self, waker: Waker) -> None:
        """rpmsg_upref_sleepers(); *waker* is called at once if a buffer came back meanwhile."""
        super().add(waker)
        if not self._svq.enable_cb() or self.closing:
            self.wake_up()

    def wake_up(self) -> None:
        """rpmsg_downref_sleepers(): wake all waiters; one that still has no buffer waits again."""
        if not self._always:
            self._svq.disable_cb()
        super().wake_up()


class Tx:
    """The sending half: its *buffers* of *buf_size* each, whose tokens are their numbers."""

    def __init__(
        self, vdev: VirtioDevice, svq: VirtioVirtqueue, buffers: DmaBuffer, buf_size: int
    ) -> None:
        self._svq = svq
        self._va, self._da = buffers.va, buffers.da
        self._buf_size = buf_size
        self._num = buffers.size // buf_size
        self._last_sbuf = 0
        self._lock = new_lock(LockClass.TX)
        self._closed = False
        self.sendq = SendQueue(svq, always=vdev.model.version.has(TX_CALLBACKS_ON))

    @property
    def mtu(self) -> int:
        """The longest message."""
        return self._buf_size - RPMSG_HDR_SIZE

    def trysend(self, dev: Device, src: int, dst: int, data: bytes) -> None:
        """Send, errors in the name of *dev*.

        EINVAL without both addresses, EMSGSIZE, ENOMEM if there is no buffer, EPIPE where
        there will never be one.
        """
        if RPMSG_ADDR_ANY in (src, dst):
            dev.err(f"invalid addr (src 0x{src:x}, dst 0x{dst:x})")
            raise error(errno.EINVAL)
        if len(data) > self.mtu:
            dev.err(f"message is too big ({len(data)})")
            raise error(errno.EMSGSIZE)
        with self._lock:
            token = None if self._closed else self._get_a_tx_buf()
            if token is None:
                raise error(errno.EPIPE if self.sendq.closing else errno.ENOMEM)
            self._fill(token, src, dst, data)
        self._svq.kick()

    def send(self, dev: Device, src: int, dst: int, data: bytes) -> None:
        """The same, but this thread waits for a buffer; ERESTARTSYS after 15 seconds."""
        deadline = time.monotonic() + SEND_TIMEOUT
        woken = threading.Event()
        while True:
            woken.clear()
            try:
                self.trysend(dev, src, dst, data)
            except OSError as failure:
                if failure.errno != errno.ENOMEM:
                    raise
            else:
                return
            might_sleep("waiting for a buffer")
            self.sendq.add(woken.set)
            if not woken.wait(deadline - time.monotonic()):
                self.sendq.remove(woken.set)
                self.send_timeout(dev)

    def poll(self, waker: Waker) -> bool:
        """virtio_rpmsg_poll(): whether there is a buffer; *waker* is called when one came back."""
        self.sendq.add(waker)
        with self._lock:
            ready = self._last_sbuf < self._num or self._svq.more_used()
        if ready:
            self.sendq.remove(waker)
        return ready

    def send_timeout(self, dev: Device) -> int:
        """Log that no buffer came back in time."""
        dev.err("timeout waiting for a tx buffer")
        raise OSError(ERESTARTSYS, "Unknown error 512")

    def _get_a_tx_buf(self) -> int | None:
        """get_a_tx_buf(): the next unused one, or one that the remote has read."""
        if self._last_sbuf < self._num:
            self._last_sbuf += 1
            return self._last_sbuf - 1
        used = self._svq.get_buf()
        return used[0] if used is not None else None

    def _fill(self, token: int, src: int, dst: int, data: bytes) -> None:
        at, length = token * self._buf_size, len(data)
        size = RPMSG_HDR_SIZE + length
        pack_hdr_into(self._va, at, src, dst, 0, length, 0)
        self._va[at + RPMSG_HDR_SIZE : at + size] = data
        self._svq.add_outbuf(self._da + at, size, token)

    def xmit_done(self) -> None:
        """rpmsg_xmit_done()."""
        self.sendq.wake_up()

    def begin_close(self) -> None:
        """Begin to close: senders no longer wait, but one that finds a buffer still sends."""
        self.sendq.closing = True
        self.sendq.wake_up()

    def close(self) -> None:
        """Close; once this returns, no thread touches the buffers."""
        self.begin_close()
        with self._lock:
            self._closed = True

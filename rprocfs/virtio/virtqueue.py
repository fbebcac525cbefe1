"""A virtqueue with its lock, its callback and its doorbell -- drivers/virtio/virtio_ring.c.

:mod:`rprocfs.virtio.ring` is the ring itself. Here its bad entries become log lines
of the device, and the callback is called when the far side rings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from rprocfs.base.ratelimit import RateLimit
from rprocfs.locking import LockClass, new_lock
from rprocfs.virtio.ring import (
    IDX,
    VIRTIO_RING_F_EVENT_IDX,
    VIRTIO_RING_F_INDIRECT_DESC,
    BadRing,
    LenTooLong,
    Virtqueue,
    Vring,
)

_VERSION_1, _ACCESS_PLATFORM, _ORDER_PLATFORM = 32, 33, 36
_KEPT = sum(
    1 << bit
    for bit in (
        VIRTIO_RING_F_INDIRECT_DESC,
        VIRTIO_RING_F_EVENT_IDX,
        _VERSION_1,
        _ACCESS_PLATFORM,
        _ORDER_PLATFORM,
    )
)
_TRANSPORT = (1 << 42) - (1 << 28)


def vring_transport_features(features: int) -> int:
    """``vring_transport_features``: *features* without the transport bits that no ring here has."""
    return features & (~_TRANSPORT | _KEPT)


class Negotiated(Protocol):
    """What a queue asks of its virtio device."""

    def has_feature(self, bit: int) -> bool:
        """Whether the feature was negotiated."""

    def err(self, text: str) -> None:
        """``dev_err``."""


VqCallback = Callable[["VirtioVirtqueue"], None]


class VqInfo(NamedTuple):
    """``struct virtqueue_info``: what a driver asks a transport for."""

    name: str
    callback: VqCallback | None = None


class VirtioVirtqueue:
    """``struct virtqueue``: the driver's end of one ring. Thread-safe.

    Tokens are small integers, by which the driver knows its buffers. No callback and
    no doorbell is called with the lock held, so either may come back to the queue.
    """

    __slots__ = (
        "_bad_entries",
        "_lock",
        "_notify",
        "_ring",
        "_vdev",
        "bytes_in",
        "bytes_out",
        "callback",
        "index",
        "messages_in",
        "messages_out",
        "name",
        "num",
    )

    def __init__(
        self,
        vdev: Negotiated,
        index: int,
        info: VqInfo,
        memory: memoryview,
        num: int,
        align: int,
        notify: Callable[[], object],
    ) -> None:
        """``vring_new_virtqueue`` over *memory*; *notify* is the doorbell. EINVAL: it does not fit.

        The features of *vdev* must have been negotiated.
        """
        self._vdev = vdev
        self.index = index
        self.name = info.name
        self.num = num
        self.callback = info.callback
        #: What passed since the queue was made: buffers that were sent, and that came back filled.
        self.messages_out = self.bytes_out = self.messages_in = self.bytes_in = 0
        self._notify = notify
        self._lock = new_lock(LockClass.VIRTQUEUE)
        self._bad_entries: dict[type[BadRing], RateLimit] = {}
        event_idx = vdev.has_feature(VIRTIO_RING_F_EVENT_IDX)
        self._ring: Virtqueue[int] = Virtqueue(
            Vring(memory, num, align), info.name, event_idx=event_idx
        )

    def add_outbuf(self, addr: int, length: int, token: int) -> None:
        """``virtqueue_add_outbuf``: for the far side to read. ENOSPC; EIO when broken."""
        with self._lock:
            self._ring.add_outbuf(addr, length, token)
            self.messages_out += 1
            self.bytes_out += length

    def add_inbuf(self, addr: int, length: int, token: int) -> None:
        """``virtqueue_add_inbuf``: for the far side to fill. ENOSPC; EIO when broken."""
        with self._lock:
            self._ring.add_inbuf(addr, length, token)

    def get_buf(self) -> tuple[int, int] | None:
        """``virtqueue_get_buf``: a buffer that came back, and the length that the far side claims.

        The length is not trustworthy. Invalid entries are logged and skipped. The number of entries
        skipped in one call is limited, so a far side cannot keep its driver busy with them.
        """
        for _ in range(self.num):
            try:
                with self._lock:
                    found = self._ring.get_buf()
                    if found is not None and found[1]:
                        self.messages_in += 1
                        self.bytes_in += found[1]
                    return found
            except LenTooLong as bad:
                assert isinstance(bad.token, int)
                return bad.token, bad.len
            except BadRing as bad:
                self._report(bad)
        return None

    def _report(self, bad: BadRing) -> None:
        if self._bad_entries.setdefault(type(bad), RateLimit())():
            self._vdev.err(str(bad))

    def kick_prepare(self) -> bool:
        """``virtqueue_kick_prepare``: whether the far side wants to be told."""
        with self._lock:
            return self._ring.kick_prepare()

    def notify(self) -> None:
        """``virtqueue_notify``: ring. A doorbell that fails is logged; the buffers stay."""
        try:
            self._notify()
        except OSError as failure:
            self._vdev.err(f"{self.name}: notify failed: {-(failure.errno or 0)}")

    def kick(self) -> None:
        """``virtqueue_kick``: ring if the far side wants it."""
        if self.kick_prepare():
            self.notify()

    def indices(self) -> tuple[int, int, int]:
        """The ring's avail index, its used index, and the descriptors that hold a buffer."""
        with self._lock:
            vring = self._ring.vring
            return vring.avail[IDX], vring.used[IDX], self.num - self._ring.num_free

    def more_used(self) -> bool:
        """Whether :meth:`get_buf` has something to say."""
        with self._lock:
            return not self._ring.broken and self._ring.more_used()

    def disable_cb(self) -> None:
        """``virtqueue_disable_cb``: a hint that no interrupts are wanted."""
        with self._lock:
            if not self._ring.broken:
                self._ring.disable_cb()

    def enable_cb(self) -> bool:
        """``virtqueue_enable_cb``: False if something came back meanwhile, so look once more.

        False on a broken queue too: nothing will ever ring.
        """
        with self._lock:
            return not self._ring.broken and self._ring.enable_cb()

    def break_device(self) -> None:
        """``virtio_break_device``: nothing goes in or out any more; the memory is not touched."""
        self.callback = None
        with self._lock:
            self._ring.broken = True

    def vring_interrupt(self) -> bool:
        """Handle the doorbell: call the callback if there is a used buffer. True if it was ours."""
        callback = self.callback
        if callback is None or not self.more_used():
            return False
        callback(self)
        return True

"""The rpmsg link over two virtqueues -- drivers/rpmsg/virtio_rpmsg_bus.c."""

from __future__ import annotations

import errno
import select
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from rprocfs.base.dma import DmaBuffer
from rprocfs.base.kmsg import Level
from rprocfs.fs.kernfs import error
from rprocfs.fs.wait import WaitQueue, Waker
from rprocfs.kernel import BUFFER_SIZES, RPMSG_POLL
from rprocfs.locking import LockClass, new_rlock
from rprocfs.rpmsg.core import (
    ChannelInfo,
    RpmsgBus,
    RpmsgDevice,
    RpmsgEndpoint,
    RxCallback,
    _s32,
    rpmsg_find_device,
    rpmsg_register_device,
    rpmsg_register_device_override,
)
from rprocfs.rpmsg.hdr import (
    RPMSG_ADDR_ANY,
    RPMSG_HDR_SIZE,
    RPMSG_NS_ADDR,
    RPMSG_NS_CREATE,
    RPMSG_NS_DESTROY,
    VIRTIO_RPMSG_F_BUFSZ,
    VIRTIO_RPMSG_F_NS,
    RpmsgNsMsg,
)
from rprocfs.rpmsg.rx import Endpoints, Rx
from rprocfs.rpmsg.trace import TracedEndpoints, TracedRx, TracedTx, track_of
from rprocfs.rpmsg.tx import Tx
from rprocfs.virtio.virtio import (
    VIRTIO_ID_RPMSG,
    VirtioDevice,
    VirtioDeviceId,
    VirtioDriver,
)
from rprocfs.virtio.virtqueue import VirtioVirtqueue, VqInfo

MAX_RPMSG_NUM_BUFS = 512
DEFAULT_RPMSG_BUF_SIZE = 512
#: ``struct virtio_rpmsg_config``: version, then the sizes of the remote's tx and rx buffers.
CONFIG = struct.Struct("<HII")


class VirtprocInfo:
    """``struct virtproc_info``: one link, from the probe of its virtio device to the removal."""

    def __init__(self, vdev: VirtioDevice, bus: RpmsgBus) -> None:
        """Find the queues and fill the receiving one. OSError, nothing is left then."""
        self.vdev = vdev
        self.bus = bus
        track = track_of(vdev)
        self.endpoints = Endpoints() if track is None else TracedEndpoints(track)
        #: Held while a channel comes or goes, with the binding of its driver.
        self.channels_lock = new_rlock(LockClass.RPMSG_CHANNELS)
        self._closed = False
        self._channels: list[RpmsgDevice] = []
        self._live = False
        infos = [VqInfo("input", self._recv_done), VqInfo("output", self._xmit_done)]
        self.rvq, self.svq = vdev.config.find_vqs(vdev, infos)
        num = min(2 * self.rvq.num, MAX_RPMSG_NUM_BUFS) // 2
        try:
            rx_buf_size, tx_buf_size = _buf_sizes(vdev)
            size = num * (rx_buf_size + tx_buf_size)
            self.bufs = vdev.config.dma_alloc_coherent(vdev, size)
        except OSError:
            vdev.config.del_vqs(vdev)
            raise
        rbufs, sbufs = _split(self.bufs, num * rx_buf_size)
        make_tx = Tx if track is None else partial(TracedTx, track)
        make_rx = Rx if track is None else partial(TracedRx, track)
        self.tx = make_tx(vdev, self.svq, sbufs, tx_buf_size)
        self.rx = make_rx(vdev, self.rvq, rbufs, rx_buf_size, self.endpoints)

    def _recv_done(self, rvq: VirtioVirtqueue) -> None:
        if self._live:
            self.rx.recv_done()

    def _xmit_done(self, svq: VirtioVirtqueue) -> None:
        if self._live:
            self.tx.xmit_done()

    # Channels, oldest first.

    def add_channel(
        self, rpdev: RpmsgDevice, register: Callable[[RpmsgDevice], None] = rpmsg_register_device
    ) -> None:
        """Show the channel; OSError: ENODEV when the link is going."""
        with self.channels_lock:
            if self._closed:
                raise error(errno.ENODEV)
            self._channels.append(rpdev)
            try:
                register(rpdev)
            except OSError:
                if rpdev in self._channels:
                    self._channels.remove(rpdev)
                raise

    def remove_channels(self) -> None:
        """All of them, oldest first; there will be no other."""
        with self.channels_lock:
            self._closed = True
            while self._channels:
                self._channels.pop(0).device_del()

    def release_channel(self, chinfo: ChannelInfo) -> None:
        """``rpmsg_unregister_device``: EINVAL when there is none."""
        with self.channels_lock:
            rpdev = rpmsg_find_device(self._channels, chinfo)
            if rpdev is None:
                raise error(errno.EINVAL)
            self._channels.remove(rpdev)
            rpdev.device_del()

    def create_channel(self, chinfo: ChannelInfo) -> RpmsgDevice:
        """__rpmsg_create_channel(): OSError, logged."""
        with self.channels_lock:
            if rpmsg_find_device(self._channels, chinfo) is not None:
                name, src, dst = chinfo
                self.vdev.err(f"channel {name}:{src:x}:{dst:x} already exist")
                raise error(errno.EEXIST)
            # A channel with a local address serves: the remote has to learn of it.
            rpdev = VirtioRpmsgChannel(self, chinfo, announce=chinfo.src != RPMSG_ADDR_ANY)
            self.add_channel(rpdev)
        return rpdev

    # Coming and going.

    def ready(self) -> None:
        """The second half of rpmsg_probe(): from here on both sides may ring."""
        notify = self.rx.ready()
        self._live = True
        self.vdev.device_ready()
        if notify:
            self.rvq.notify()

    def close(self) -> None:
        """rpmsg_remove() after the reset."""
        self.tx.begin_close()
        self.rx.close()
        self.remove_channels()
        self.free()

    def free(self) -> None:
        """Let go of queues and buffers."""
        self.tx.close()
        for queue in (self.rvq, self.svq):
            queue.break_device()
        self.vdev.config.del_vqs(self.vdev)
        self.vdev.config.dma_free_coherent(self.vdev, self.bufs)


def _split(buffers: DmaBuffer, size: int) -> tuple[DmaBuffer, DmaBuffer]:
    return (
        DmaBuffer(buffers.da, buffers.va[:size], size),
        DmaBuffer(buffers.da + size, buffers.va[size : buffers.size], buffers.size - size),
    )


def _buf_sizes(vdev: VirtioDevice) -> tuple[int, int]:
    """Of one rx and one tx buffer, from the config space if it says so; EINVAL."""
    if not vdev.has_feature(VIRTIO_RPMSG_F_BUFSZ):
        return DEFAULT_RPMSG_BUF_SIZE, DEFAULT_RPMSG_BUF_SIZE
    # The remote sends what is received here.
    _, rx, tx = CONFIG.unpack(vdev.config.get(vdev, 0, CONFIG.size))
    if min(rx, tx) < RPMSG_HDR_SIZE:
        vdev.err(f"bad vdev config: rx buf sz = {_s32(rx)}, tx buf sz = {_s32(tx)}")
        raise error(errno.EINVAL)
    return rx, tx


class VirtioRpmsgEndpoint(RpmsgEndpoint):
    """``virtio_endpoint_ops``."""

    rpdev: VirtioRpmsgChannel

    def destroy_ept(self) -> None:
        """__rpmsg_destroy_ept()."""
        self.rpdev.vrp.endpoints.remove(self)
        with self.cb_lock:
            self.cb = self.priv = None

    def trysendto(self, data: bytes, dst: int) -> None:
        """Send from this address, or ENOMEM."""
        self.rpdev.vrp.tx.trysend(self.rpdev, self.addr, dst, data)

    def sendto(self, data: bytes, dst: int) -> None:
        """Send from this address; the calling thread waits."""
        self.rpdev.vrp.tx.send(self.rpdev, self.addr, dst, data)

    def send_timeout(self) -> int:
        """In the name of the channel."""
        return self.rpdev.vrp.tx.send_timeout(self.rpdev)

    @property
    def sendq(self) -> WaitQueue:
        """One for the whole link."""
        return self.rpdev.vrp.tx.sendq

    def poll(self, waker: Waker) -> int:
        """virtio_rpmsg_poll(), since Linux 7.1: POLLOUT while there is a buffer."""
        if not self.rpdev.model.version.has(RPMSG_POLL):
            return 0
        return select.POLLOUT if self.rpdev.vrp.tx.poll(waker) else 0

    def get_mtu(self) -> int:
        """A buffer without the header."""
        return self.rpdev.vrp.tx.mtu


class VirtioRpmsgChannel(RpmsgDevice):
    """``struct virtio_rpmsg_channel`` with ``virtio_rpmsg_ops``."""

    def __init__(self, vrp: VirtprocInfo, chinfo: ChannelInfo, *, announce: bool = False) -> None:
        super().__init__(vrp.bus, vrp.vdev, chinfo, announce=announce)
        self.vrp = vrp

    def create_channel(self, chinfo: ChannelInfo) -> RpmsgDevice:
        """On the same link; OSError, logged."""
        return self.vrp.create_channel(chinfo)

    def release_channel(self, chinfo: ChannelInfo) -> None:
        """``rpmsg_unregister_device``: EINVAL when there is none."""
        self.vrp.release_channel(chinfo)

    def create_ept(
        self, cb: RxCallback, priv: Any, chinfo: ChannelInfo, *, atomic: bool = False
    ) -> RpmsgEndpoint:
        """__rpmsg_create_ept(); OSError, logged."""
        ept = VirtioRpmsgEndpoint(self, cb, priv, chinfo.src, atomic=atomic)
        try:
            ept.addr = self.vrp.endpoints.alloc(ept, chinfo.src)
        except OSError as failure:
            if failure.errno == errno.EINVAL:
                _warn_idr(self.rpmsg_bus)
            self.err(f"idr_alloc failed: {-(failure.errno or 0)}")
            raise
        return ept

    def announce_create(self) -> None:
        """virtio_rpmsg_announce_create()."""
        self._announce(RPMSG_NS_CREATE)

    def announce_destroy(self) -> None:
        """virtio_rpmsg_announce_destroy()."""
        self._announce(RPMSG_NS_DESTROY)

    def _announce(self, flags: int) -> None:
        ept = self.ept
        if not self.announce or ept is None or not self.vrp.vdev.has_feature(VIRTIO_RPMSG_F_NS):
            return
        try:
            ept.sendto(RpmsgNsMsg(self.id, ept.addr, flags).pack(), RPMSG_NS_ADDR)
        except OSError as failure:
            self.err(f"failed to announce service {-(failure.errno or 0)}")
            raise


def _warn_idr(bus: RpmsgBus) -> None:
    """What is left of the kernel's WARN_ON_ONCE() of a negative address, without the registers."""
    if bus.warned_idr:
        return
    bus.warned_idr = True
    for text in (
        "------------[ cut here ]------------",
        "WARNING: CPU: 0 PID: 1 at lib/idr.c:86 idr_alloc",
        "---[ end trace 0000000000000000 ]---",
    ):
        bus.model.printk(Level.WARNING, text)


class VirtioRpmsgBusDriver(VirtioDriver):
    """``virtio_ipc_driver``: binds virtio devices of type 7."""

    name = "virtio_rpmsg_bus"
    id_table = (VirtioDeviceId(VIRTIO_ID_RPMSG),)

    def __init__(self, bus: RpmsgBus) -> None:
        self._bus = bus
        sizes = (VIRTIO_RPMSG_F_BUFSZ,) if bus.model.version.has(BUFFER_SIZES) else ()
        self.feature_table = (VIRTIO_RPMSG_F_NS, *sizes)

    def probe(self, device: VirtioDevice) -> None:
        """rpmsg_probe(): link, control device, name service, go."""
        vrp = device.driver_data = VirtprocInfo(device, self._bus)
        try:
            self._add(vrp, "rpmsg_ctrl", 0)
            if device.has_feature(VIRTIO_RPMSG_F_NS):
                self._add(vrp, "rpmsg_ns", RPMSG_NS_ADDR)
        except OSError:
            vrp.remove_channels()
            vrp.free()
            raise
        vrp.ready()
        device.info("rpmsg host is online")

    def flush(self, device: VirtioDevice, timeout: float) -> None:
        """Until the announcements so far have made their channels."""
        vrp = device.driver_data
        if vrp is not None:
            vrp.rx.flush(timeout)

    def _add(self, vrp: VirtprocInfo, name: str, addr: int) -> None:
        rpdev = VirtioRpmsgChannel(vrp, ChannelInfo(name, addr, addr))
        vrp.add_channel(rpdev, lambda rpdev: rpmsg_register_device_override(rpdev, name))

    def remove(self, device: VirtioDevice) -> None:
        """rpmsg_remove()."""
        device.reset_device()
        device.driver_data.close()


__all__ = ["VirtioRpmsgBusDriver", "VirtioVirtqueue", "VirtprocInfo"]

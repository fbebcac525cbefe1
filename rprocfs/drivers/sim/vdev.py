"""The vdevs of ``rprocfs,sim``, from the remote's side: found in the table, and their rings."""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING

from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.rproc import rproc_da_to_va, rproc_vq_interrupt
from rprocfs.remoteproc.rsc_table import RSC_VDEV, FwRscVdev, FwRscVdevVring, iter_resources
from rprocfs.rpmsg.remote import Message, RpmsgRemote
from rprocfs.virtio.device_ring import DeviceQueue
from rprocfs.virtio.ring import Vring, vring_size

if TYPE_CHECKING:
    from rprocfs.remoteproc.rproc import Rproc

VIRTIO_ID_RPMSG = 7
#: One in each direction.
RPMSG_VRINGS = 2


def find_vdevs(table: memoryview) -> list[FwRscVdev]:
    """Those of a resource table; none of one that is refused."""
    try:
        entries = [entry for entry in iter_resources(table) if entry.type == RSC_VDEV]
        return [entry.vdev(table) for entry in entries]
    except FirmwareError:
        return []


def _buffer(rproc: Rproc, address: int, size: int) -> memoryview | None:
    """Where the host has its buffers: in memory of the pool, or in a carveout."""
    reserved = rproc.reserved
    va = reserved.pool.find(address, size) if reserved is not None else None
    va = rproc.dma.find(address, size) if va is None else va
    return _carveout(rproc, address, size) if va is None else va


def _carveout(rproc: Rproc, address: int, size: int) -> memoryview | None:
    """Also in one that is the pool of virtio devices only, as ``vdev0buffer`` is."""
    for mem in rproc.carveouts:
        offset = address - mem.da
        if mem.va is not None and 0 <= offset <= mem.len - size:
            return mem.va[offset : offset + size]
    return None


class SimVdev:
    """One rpmsg vdev of the table, from the remote's side, while its driver is there.

    ENOTCONN for any other vdev, and for rings that cannot be.
    """

    def __init__(self, rproc: Rproc, vdev: FwRscVdev) -> None:
        if vdev.id != VIRTIO_ID_RPMSG or len(vdev.vring) < RPMSG_VRINGS:
            raise error(errno.ENOTCONN)
        self.rproc = rproc
        self.vdev = vdev
        tx, rx = (self._queue(vring) for vring in vdev.vring[:RPMSG_VRINGS])
        self.link = RpmsgRemote(tx, rx, partial(_buffer, rproc))
        #: The echo of this one found no buffer of the host's; nothing is taken until it does.
        self.unanswered: Message | None = None

    def echo(self, message: Message) -> bool:
        """Send it back; False if that has to wait for the host's next buffer, which it kicks."""
        self.unanswered = None
        try:
            self.link.send(message.dst, message.src, message.data)
        except OSError as failure:
            if failure.errno == errno.ENOSPC:
                self.unanswered = message
        return self.unanswered is None

    def _queue(self, vring: FwRscVdevVring) -> DeviceQueue:
        """The ring where the host put it; ENOTCONN when that is nowhere."""
        num, align = vring.num, vring.align
        memory = None
        if num and align:
            memory = rproc_da_to_va(self.rproc, vring.da, vring_size(num, align))
        if memory is None:
            raise error(errno.ENOTCONN)
        try:
            return DeviceQueue(Vring(memory, num, align))
        except ValueError as failure:
            raise error(errno.ENOTCONN) from failure

    def was_reset(self) -> bool:
        """Whether the host's driver cleared the rings, which a new binding of it does."""
        return self.link.tx.was_reset() or self.link.rx.was_reset()

    def interrupt(self) -> None:
        """Ring the host's doorbell for whatever was pushed."""
        for queue, vring in zip((self.link.tx, self.link.rx), self.vdev.vring, strict=False):
            if queue.needs_interrupt():
                rproc_vq_interrupt(self.rproc, vring.notifyid)

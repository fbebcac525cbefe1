"""The vrings of a remote processor, and the doorbell numbers -- remoteproc_core.c.

A vring's memory is a carveout; its address and its number are told to the remote in the
resource table.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rprocfs.base.dma import page_align
from rprocfs.fs.chardev import Ida
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.memory import (
    RprocMemEntry,
    rproc_alloc_carveout,
    rproc_check_carveout_da,
    rproc_mem_entry_init,
    rproc_release_carveout,
)
from rprocfs.remoteproc.rsc_table import FwRscVdev, FwRscVdevVring
from rprocfs.virtio.ring import vring_size
from rprocfs.virtio.virtqueue import VirtioVirtqueue

if TYPE_CHECKING:
    from rprocfs.remoteproc.core import Rproc
    from rprocfs.remoteproc.virtio import RprocVdev


class NotifyIds:
    """``rproc->notifyids``: the vring behind each doorbell number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = Ida()
        self._vrings: dict[int, RprocVring] = {}
        self.max_notifyid = -1

    def reset_max(self) -> None:
        """A new boot counts from the start."""
        self.max_notifyid = -1

    def alloc(self, vring: RprocVring) -> int:
        """The lowest free number."""
        with self._lock:
            notifyid = self._ids.alloc()
            self._vrings[notifyid] = vring
            self.max_notifyid = max(self.max_notifyid, notifyid)
        return notifyid

    def free(self, notifyid: int) -> None:
        """Give the number back."""
        with self._lock:
            self._ids.free(notifyid)
            self._vrings.pop(notifyid, None)

    def interrupt(self, notifyid: int) -> bool:
        """rproc_vq_interrupt(): False when nothing is behind the number."""
        vring = self._vrings.get(notifyid)
        vq = vring.vq if vring is not None else None
        if vq is None:
            return False
        vq.vring_interrupt()
        return True


class RprocVring:
    """``struct rproc_vring``: one ring of a vdev, from its table entry to its virtqueue."""

    def __init__(self, rvdev: RprocVdev, index: int, num: int, align: int) -> None:
        self.rvdev = rvdev
        self.index = index
        self.num = num
        self.align = align
        self.notifyid = -1
        self.vq: VirtioVirtqueue | None = None

    @property
    def carveout_name(self) -> str:
        """What its memory is registered as."""
        return f"vdev{self.rvdev.index}vring{self.index}"

    def rsc(self) -> FwRscVdevVring:
        """Its entry in the table in use; ENODEV when there is no table.

        Found by its number alone: the remote may have changed all else since it was checked.
        """
        if self.rvdev.rproc.table is None:
            raise error(errno.ENODEV)
        offset = self.rvdev.rsc_offset + FwRscVdev.SIZE + self.index * FwRscVdevVring.SIZE
        return FwRscVdevVring(self.rvdev.rproc.table, offset)

    def alloc(self) -> None:
        """rproc_alloc_vring(): memory and a doorbell number, told to the remote. ENOMEM."""
        rproc = self.rvdev.rproc
        rsc = self.rsc()
        size = page_align(vring_size(self.num, self.align))
        mem = rproc.carveouts.find_by_name(self.carveout_name)
        if mem is None:
            mem = rproc_mem_entry_init(
                self.carveout_name,
                size,
                rsc.da,
                alloc=rproc_alloc_carveout,
                release=rproc_release_carveout,
            )
            rproc.rproc_add_carveout(mem)
        else:
            _check_registered(rproc, mem, rsc.da, size)
        self.notifyid = rproc.notifyids.alloc(self)
        rsc.notifyid = self.notifyid

    def free(self) -> None:
        """rproc_free_vring(): forget the number, here and in the table."""
        self.rvdev.rproc.notifyids.free(self.notifyid)
        if self.rvdev.rproc.table is not None:
            rsc = self.rsc()
            rsc.da, rsc.notifyid = 0, -1

    def memory(self) -> RprocMemEntry:
        """Its allocated memory; ENOMEM when it is not there."""
        mem = self.rvdev.rproc.carveouts.find_by_name(self.carveout_name)
        if mem is None or mem.va is None:
            raise error(errno.ENOMEM)
        return mem


def _check_registered(rproc: Rproc, mem: RprocMemEntry, da: int, size: int) -> None:
    try:
        rproc_check_carveout_da(rproc, mem, da, size)
    except OSError as failure:
        raise error(errno.ENOMEM) from failure


def rproc_alloc_vrings(vrings: Sequence[RprocVring]) -> None:
    """All or none; ENOMEM."""
    done: list[RprocVring] = []
    try:
        for vring in vrings:
            vring.alloc()
            done.append(vring)
    except OSError:
        for vring in reversed(done):
            vring.free()
        raise

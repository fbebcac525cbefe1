"""The vrings of a remote processor -- remoteproc_core.c.

A vring's memory is a carveout; its address and its number are told to the remote in the
resource table.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

from rprocfs.base.dma import page_align
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.fw_rsc import FwRscVdevVring
from rprocfs.remoteproc.memory import (
    rproc_alloc_carveout,
    rproc_check_carveout_da,
    rproc_mem_entry_init,
    rproc_release_carveout,
)
from rprocfs.remoteproc.rproc import (
    Rproc,
    RprocMemEntry,
    rproc_add_carveout,
    rproc_find_carveout_by_name,
)
from rprocfs.virtio.ring import vring_size
from rprocfs.virtio.virtqueue import VirtioVirtqueue


class RprocVring:
    """``struct rproc_vring``: one ring of a vdev, from its table entry to its virtqueue.

    *index* is its place in the vdev, *rsc_offset* that of its entry in the table, *name* what
    its memory is registered as.
    """

    def __init__(
        self, rproc: Rproc, index: int, rsc_offset: int, name: str, num: int, align: int
    ) -> None:
        self.rproc = rproc
        self.index = index
        self.rsc_offset = rsc_offset
        self.name = name
        self.num = num
        self.align = align
        self.notifyid = -1
        self.vq: VirtioVirtqueue | None = None

    def rsc(self) -> FwRscVdevVring:
        """Its entry in the table in use; ENODEV when there is no table.

        Found by its number alone: the remote may have changed all else since it was checked.
        """
        if self.rproc.table is None:
            raise error(errno.ENODEV)
        return FwRscVdevVring(self.rproc.table, self.rsc_offset)

    def alloc(self) -> None:
        """rproc_alloc_vring(): memory and a doorbell number, told to the remote. ENOMEM."""
        rproc = self.rproc
        rsc = self.rsc()
        size = page_align(vring_size(self.num, self.align))
        mem = rproc_find_carveout_by_name(rproc, self.name)
        if mem is None:
            mem = rproc_mem_entry_init(
                self.name,
                size,
                rsc.da,
                alloc=rproc_alloc_carveout,
                release=rproc_release_carveout,
            )
            rproc_add_carveout(rproc, mem)
        else:
            _check_registered(rproc, mem, rsc.da, size)
        self.notifyid = rproc.notifyids.alloc(self)
        rsc.notifyid = self.notifyid

    def free(self) -> None:
        """rproc_free_vring(): forget the number, here and in the table."""
        self.rproc.notifyids.free(self.notifyid)
        if self.rproc.table is not None:
            rsc = self.rsc()
            rsc.da, rsc.notifyid = 0, -1

    def interrupt(self) -> bool:
        """The remote rang its doorbell: false if it has no virtqueue now."""
        vq = self.vq
        if vq is None:
            return False
        vq.vring_interrupt()
        return True

    def memory(self) -> RprocMemEntry:
        """Its allocated memory; ENOMEM when it is not there."""
        mem = rproc_find_carveout_by_name(self.rproc, self.name)
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

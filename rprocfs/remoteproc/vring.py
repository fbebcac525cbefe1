"""The vrings of a remote processor -- remoteproc_core.c.

The memory of a vring is a carveout. Its address and its notify ID are written into the resource
table for the remote.
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

    *index* is its position in the vdev, *rsc_offset* the offset of its entry in the table, *name*
    the name of its carveout.
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
        """Its entry in the table in use; ENODEV if there is no table.

        It is found by its index alone: the remote may have changed the rest since the check.
        """
        if self.rproc.table is None:
            raise error(errno.ENODEV)
        return FwRscVdevVring(self.rproc.table, self.rsc_offset)

    def alloc(self) -> None:
        """rproc_alloc_vring(): allocate memory and a notify ID, and tell the remote. ENOMEM."""
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
        """rproc_free_vring(): clear the notify ID, here and in the table."""
        self.rproc.notifyids.free(self.notifyid)
        if self.rproc.table is not None:
            rsc = self.rsc()
            rsc.da, rsc.notifyid = 0, -1

    def interrupt(self) -> bool:
        """Handle the remote's doorbell; False if there is no virtqueue now."""
        vq = self.vq
        if vq is None:
            return False
        vq.vring_interrupt()
        return True

    def memory(self) -> RprocMemEntry:
        """Its allocated memory; ENOMEM if it is not allocated."""
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
    """Allocate all rings or none; ENOMEM."""
    done: list[RprocVring] = []
    try:
        for vring in vrings:
            vring.alloc()
            done.append(vring)
    except OSError:
        for vring in reversed(done):
            vring.free()
        raise

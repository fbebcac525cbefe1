"""Carveouts and the addresses of a processor -- remoteproc_core.c, remoteproc_internal.h."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rprocfs.base.dma import DmaBuffer, DmaPool
from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.rsc_table import FW_RSC_ADDR_ANY, FwRscCarveout

if TYPE_CHECKING:
    from rprocfs.remoteproc.core import Rproc

#: ``char name[32]`` of struct rproc_mem_entry, with its NUL.
MEM_NAME_LEN = 31

AllocOp = Callable[["Rproc", "RprocMemEntry"], None]


@dataclass(eq=False, slots=True)
class RprocMemEntry:
    """``struct rproc_mem_entry``: a memory that the processor has besides its own.

    *da* is the address the processor uses, ``FW_RSC_ADDR_ANY`` until one is chosen;
    *dma* the one the bus uses; *va* is None until it is allocated. *rsc_offset* is
    that of its entry in the resource table, ``FW_RSC_ADDR_ANY`` for none. *rmem* is the node
    of a reserved memory that becomes a vdev's own pool (``of_resm_idx``): nobody else maps it.
    """

    name: str
    len: int
    da: int
    va: memoryview | None = None
    dma: int = 0
    alloc: AllocOp | None = None
    release: AllocOp | None = None
    rsc_offset: int = FW_RSC_ADDR_ANY
    flags: int = 0
    buffer: DmaBuffer | None = None
    rmem: str = ""


@dataclass(frozen=True, slots=True)
class Reserved:
    """The reserved memory that a processor's virtio devices allocate from, its node's *name*."""

    name: str
    pool: DmaPool


def rproc_mem_entry_init(
    name: str,
    length: int,
    da: int,
    *,
    va: memoryview | None = None,
    dma: int = 0,
    alloc: AllocOp | None = None,
    release: AllocOp | None = None,
) -> RprocMemEntry:
    """A carveout that is not registered yet; the name is cut to 31 bytes as the kernel's."""
    cut = name.encode("utf-8", "surrogateescape")[:MEM_NAME_LEN]
    text = cut.decode("utf-8", "surrogateescape")
    return RprocMemEntry(text, length, da, va=va, dma=dma, alloc=alloc, release=release)


def rproc_alloc_carveout(rproc: Rproc, mem: RprocMemEntry) -> None:
    """Allocate the memory of *mem*; ENOMEM."""
    wanted = None if mem.da == FW_RSC_ADDR_ANY else mem.da
    try:
        mem.buffer = rproc.dma.alloc(mem.len, wanted)
    except OSError:
        rproc.parent_dev.err(f"failed to allocate dma memory: len {mem.len:#x}")
        raise
    mem.dma, mem.va = mem.buffer.da, mem.buffer.va
    if wanted is None:
        mem.da = mem.dma
    elif wanted != mem.dma:
        rproc.parent_dev.warn("Allocated carveout doesn't fit device address request")


def rproc_release_carveout(rproc: Rproc, mem: RprocMemEntry) -> None:
    """Free what :func:`rproc_alloc_carveout` allocated."""
    if mem.buffer is not None:
        rproc.dma.free(mem.buffer)
        mem.buffer = mem.va = None


def rproc_check_carveout_da(rproc: Rproc, mem: RprocMemEntry, da: int, length: int) -> None:
    """Does a registered carveout serve a request for *da* and *length*; EINVAL."""
    if length > mem.len:
        rproc.err("Registered carveout doesn't fit len request")
        raise error(errno.EINVAL)
    if da == FW_RSC_ADDR_ANY:
        return
    if mem.da == FW_RSC_ADDR_ANY:
        raise error(errno.EINVAL)
    if da < mem.da:
        rproc.err("Registered carveout doesn't fit da request")
        raise error(errno.EINVAL)
    if da - mem.da + length > mem.len:
        rproc.err("Registered carveout doesn't fit len request")
        raise error(errno.EINVAL)


class Carveouts:
    """``rproc->carveouts``: in the order in which they were registered."""

    def __init__(self) -> None:
        self.entries: list[RprocMemEntry] = []

    def find_by_name(self, name: str) -> RprocMemEntry | None:
        """``rproc_find_carveout_by_name``."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def da_to_va(self, da: int, length: int) -> memoryview | None:
        """The part of the carveout that holds all of ``[da, da + length)``."""
        for entry in self.entries:
            offset = da - entry.da
            if entry.va is None or entry.rmem:
                continue
            if offset >= 0 and offset + length <= entry.len:
                return entry.va[offset : offset + length]
        return None

    def alloc_registered(self, rproc: Rproc) -> None:
        """rproc_alloc_registered_carveouts(): allocate, tell the table; ENOMEM."""
        for entry in self.entries:
            if entry.alloc is not None:
                try:
                    entry.alloc(rproc, entry)
                except OSError as failure:
                    code = failure.errno or errno.ENOMEM
                    rproc.err(f"Unable to allocate carveout {entry.name}: -{code}")
                    raise error(errno.ENOMEM) from failure
            if entry.rsc_offset != FW_RSC_ADDR_ANY and rproc.table is not None:
                rsc = FwRscCarveout(rproc.table, entry.rsc_offset)
                rsc.pa, rsc.da, rsc.len = entry.dma, entry.da, entry.len

    def release(self, rproc: Rproc) -> None:
        """Release and forget them all."""
        for entry in self.entries:
            if entry.release is not None:
                entry.release(rproc, entry)
        self.entries.clear()

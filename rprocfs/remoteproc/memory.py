"""Carveouts and the addresses of a processor -- remoteproc_core.c, remoteproc_internal.h."""

from __future__ import annotations

import errno

from rprocfs.fs.kernfs import error
from rprocfs.remoteproc.fw_rsc import FW_RSC_ADDR_ANY, FwRscCarveout
from rprocfs.remoteproc.rproc import AllocOp, Rproc, RprocMemEntry

#: ``char name[32]`` of struct rproc_mem_entry, with its NUL.
MEM_NAME_LEN = 31


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
    """Make a carveout without registering it; the name is cut to 31 bytes, as in the kernel."""
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
    """Check that a registered carveout covers *da* and *length*; EINVAL if it does not."""
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


def rproc_alloc_registered_carveouts(rproc: Rproc) -> None:
    """Allocate all carveouts and write their addresses into the table; ENOMEM."""
    for entry in rproc.carveouts:
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


def rproc_release_carveouts(rproc: Rproc) -> None:
    """Release and forget them all."""
    for entry in rproc.carveouts:
        if entry.release is not None:
            entry.release(rproc, entry)
    rproc.carveouts.clear()

"""Handlers for the entries of a resource table -- remoteproc_core.c."""

from __future__ import annotations

import errno
from collections.abc import Callable

from rprocfs.fs.kernfs import error
from rprocfs.kernel import ENTRY_OFFSETS_CHECKED
from rprocfs.remoteproc.memory import (
    rproc_alloc_carveout,
    rproc_check_carveout_da,
    rproc_mem_entry_init,
    rproc_release_carveout,
    rproc_release_carveouts,
)
from rprocfs.remoteproc.rproc import Rproc, rproc_add_carveout, rproc_find_carveout_by_name
from rprocfs.remoteproc.rsc_table import (
    FW_RSC_ADDR_ANY,
    RESOURCE_TABLE_SIZE,
    RSC_CARVEOUT,
    RSC_DEVMEM,
    RSC_TRACE,
    RSC_VDEV,
    Resource,
    iter_resources,
)
from rprocfs.remoteproc.trace import rproc_create_trace_file, rproc_remove_trace_file
from rprocfs.remoteproc.virtio import rproc_vdevs, rproc_virtio_register


def rproc_handle_resources(rproc: Rproc) -> None:
    """Handle the entries in order; OSError at the first one that is refused."""
    if rproc.table is None:
        return
    checked = rproc.model.version.has(ENTRY_OFFSETS_CHECKED)
    for entry in iter_resources(rproc.table, RESOURCE_TABLE_SIZE if checked else 0):
        if entry.is_vendor and rproc.ops.handle_rsc(rproc, entry.type, entry.offset, entry.avail):
            continue
        handler = _HANDLERS.get(entry.type)
        if handler is None:
            rproc.warn(entry.unsupported())
        else:
            handler(rproc, entry)


def rproc_handle_carveout(rproc: Rproc, entry: Resource) -> None:
    """Register a carveout to allocate, or match the entry with a registered one.

    EINVAL if the entry is invalid, ENOMEM if it cannot be satisfied.
    """
    assert rproc.table is not None
    rsc = entry.carveout(rproc.table)
    known = rproc_find_carveout_by_name(rproc, rsc.printed_name)
    if known is not None:
        if known.rsc_offset != FW_RSC_ADDR_ANY:
            rproc.err("Carveout already associated to resource table")
            raise error(errno.ENOMEM)
        try:
            rproc_check_carveout_da(rproc, known, rsc.da, rsc.len)
        except OSError as failure:
            raise error(errno.ENOMEM) from failure
        known.rsc_offset, known.flags = entry.offset, rsc.flags
        return
    carveout = rproc_mem_entry_init(
        rsc.printed_name,
        rsc.len,
        rsc.da,
        alloc=rproc_alloc_carveout,
        release=rproc_release_carveout,
    )
    carveout.rsc_offset, carveout.flags = entry.offset, rsc.flags
    rproc_add_carveout(rproc, carveout)


def rproc_handle_devmem(rproc: Rproc, entry: Resource) -> None:
    """Always EINVAL: it asks for an IOMMU mapping, and no board here has an IOMMU."""
    del rproc, entry
    raise error(errno.EINVAL)


def rproc_handle_trace(rproc: Rproc, entry: Resource) -> None:
    """Show a trace buffer in debugfs; EINVAL."""
    assert rproc.table is not None
    rsc = entry.trace(rproc.table)
    trace = rproc_mem_entry_init(f"trace{len(rproc.traces)}", rsc.len, rsc.da)
    rproc_create_trace_file(rproc, trace)
    rproc.traces.append(trace)


def rproc_handle_vdev(rproc: Rproc, entry: Resource) -> None:
    """Make the platform device of a virtio device; EINVAL."""
    assert rproc.table is not None
    entry.vdev(rproc.table)
    index, rproc.nb_vdev = rproc.nb_vdev, rproc.nb_vdev + 1
    rproc_virtio_register(rproc, index, entry.offset)


def rproc_resource_cleanup(rproc: Rproc) -> None:
    """Undo all that the table made: trace files, carveouts, virtio devices, dump segments."""
    for trace in rproc.traces:
        rproc_remove_trace_file(rproc, trace)
    rproc.traces.clear()
    rproc_release_carveouts(rproc)
    for rvdev in rproc_vdevs(rproc):
        rvdev.unregister()
    rproc.dump_segments.clear()


_HANDLERS: dict[int, Callable[[Rproc, Resource], None]] = {
    RSC_CARVEOUT: rproc_handle_carveout,
    RSC_DEVMEM: rproc_handle_devmem,
    RSC_TRACE: rproc_handle_trace,
    RSC_VDEV: rproc_handle_vdev,
}

"""The files of ``/sys/kernel/debug/remoteproc/remoteprocN`` -- remoteproc_debugfs.c."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator

from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.fs.kernfs import Dir, error
from rprocfs.lib.kstrtox import kstrtouint
from rprocfs.lib.string import strncmp_prefix
from rprocfs.remoteproc.dump_segment import DumpMode
from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.fw_rsc import FwRscCarveout, FwRscDevmem, FwRscTrace, FwRscVdev
from rprocfs.remoteproc.recovery import rproc_report_crash, rproc_trigger_recovery
from rprocfs.remoteproc.rproc import Rproc, RprocMemEntry
from rprocfs.remoteproc.rsc_table import (
    Resource,
    as_int,
    iter_resources,
)
from rprocfs.remoteproc.state import State
from rprocfs.remoteproc.virtio import rproc_vdevs


def rproc_create_debug_dir(rproc: Rproc) -> Dir:
    """Make the directory and its files."""
    files = {
        "name": DebugfsFile(_line(lambda: rproc.label[:100]), fresh=True),
        "recovery": DebugfsFile(
            _line(lambda: "disabled" if rproc.recovery_disabled else "enabled"),
            lambda data: _recovery_write(rproc, data),
            sleeps=True,
        ),
        "crash": DebugfsFile(None, lambda data: _crash_write(rproc, data)),
        "resource_table": DebugfsFile(lambda: _text(rproc_rsc_table_show(rproc))),
        "carveout_memories": DebugfsFile(lambda: _text(rproc_carveouts_show(rproc))),
        "coredump": DebugfsFile(
            _line(lambda: rproc.dump_conf), lambda data: _coredump_write(rproc, data)
        ),
    }
    if not rproc.model.strict:
        files["vrings"] = DebugfsFile(lambda: _text(rproc_vrings_show(rproc)), fresh=True)
    where = rproc.subsystem.debug.add(rproc.name, Dir())
    for name, file in files.items():
        where.add(name, file)
    return where


def _line(text: Callable[[], str]) -> Callable[[], bytes]:
    def show() -> bytes:
        return f"{text()}\n".encode()

    return show


def _text(lines: Iterator[str]) -> bytes:
    return "".join(lines).encode("utf-8", "surrogateescape")


def _command(data: bytes, limit: int) -> bytes:
    """The word that was written; its newline becomes a NUL, as in the kernel. EINVAL."""
    if not 1 <= len(data) <= limit:
        raise error(errno.EINVAL)
    return data[:-1] + b"\0" if data.endswith(b"\n") else data


def _recovery_write(rproc: Rproc, data: bytes) -> None:
    word = _command(data, 10)
    if strncmp_prefix(word, "enabled"):
        rproc.recovery_disabled = False
        rproc_trigger_recovery(rproc)
    elif strncmp_prefix(word, "disabled"):
        rproc.recovery_disabled = True
    elif strncmp_prefix(word, "recover"):
        rproc_trigger_recovery(rproc)
    else:
        raise error(errno.EINVAL)


def _coredump_write(rproc: Rproc, data: bytes) -> None:
    word = _command(data, 20)
    if rproc.state is State.CRASHED:
        rproc.err("can't change coredump configuration")
        raise error(errno.EBUSY)
    for mode in DumpMode:
        if strncmp_prefix(word, mode):
            rproc.dump_conf = mode
            return
    rproc.err("Invalid coredump configuration")
    raise error(errno.EINVAL)


def _crash_write(rproc: Rproc, data: bytes) -> None:
    rproc_report_crash(rproc, kstrtouint(data))


def rproc_vrings_show(rproc: Rproc) -> Iterator[str]:
    """``vrings``, which the kernel does not have: for each ring in use a line of words and values.

    *held* is the number of buffers that the far side has; *out* and *in* are seen from this side.
    """
    for rvdev in rproc_vdevs(rproc):
        for vring in rvdev.vrings:
            vq = vring.vq
            if vq is not None:
                avail, used, held = vq.indices()
                yield (
                    f"vdev {rvdev.index} vring {vring.index} num {vq.num} "
                    f"avail {avail} used {used} held {held} "
                    f"messages_out {vq.messages_out} bytes_out {vq.bytes_out} "
                    f"messages_in {vq.messages_in} bytes_in {vq.bytes_in}\n"
                )


def rproc_carveouts_show(rproc: Rproc) -> Iterator[str]:
    """``carveout_memories``, line by line."""
    for entry in list(rproc.carveouts):
        yield "Carveout memory entry:\n"
        yield f"\tName: {entry.name}\n"
        yield f"\tVirtual address: {_hashed(entry):016x}\n"
        yield f"\tDMA address: {entry.dma:#018x}\n"
        yield f"\tDevice address: {entry.da:#x}\n"
        yield f"\tLength: {entry.len:#x} Bytes\n\n"


def _hashed(entry: RprocMemEntry) -> int:
    """``%pK``: tells memories apart without revealing their addresses."""
    return hash(str(id(entry.va.obj))) & 0xFFFFFFFF if entry.va is not None else 0


def rproc_rsc_table_show(rproc: Rproc) -> Iterator[str]:
    """``resource_table``, line by line."""
    table = rproc.table
    if table is None:
        yield "No resource table found\n"
        return
    try:
        for entry in iter_resources(table):
            yield from _entry_show(entry, table)
    except FirmwareError:
        return  # the remote changed its table since it was checked


def _entry_show(entry: Resource, table: memoryview) -> Iterator[str]:
    rsc = entry.view(table)
    head = f"Entry {entry.index} is of type {{}}\n".format
    match rsc:
        case FwRscCarveout() | FwRscDevmem():
            yield head("carveout" if isinstance(rsc, FwRscCarveout) else "devmem")
            yield f"  Device Address {rsc.da:#x}\n"
            yield f"  Physical Address {rsc.pa:#x}\n"
            yield f"  Length {rsc.len:#x} Bytes\n"
            yield f"  Flags {rsc.flags:#x}\n"
            yield f"  Reserved (should be zero) [{as_int(rsc.reserved)}]\n"
            yield f"  Name {rsc.printed_name}\n\n"
        case FwRscTrace():
            yield head("trace")
            yield f"  Device Address {rsc.da:#x}\n"
            yield f"  Length {rsc.len:#x} Bytes\n"
            yield f"  Reserved (should be zero) [{as_int(rsc.reserved)}]\n"
            yield f"  Name {rsc.printed_name}\n\n"
        case FwRscVdev():
            yield head("vdev")
            yield from _vdev_show(rsc)
        case None:
            yield f"Unknown resource type found: {as_int(entry.type)} [hdr: {entry.offset:016x}]\n"


def _vdev_show(rsc: FwRscVdev) -> Iterator[str]:
    yield f"  ID {as_int(rsc.id)}\n"
    yield f"  Notify ID {as_int(rsc.notifyid)}\n"
    yield f"  Device features {rsc.dfeatures:#x}\n"
    yield f"  Guest features {rsc.gfeatures:#x}\n"
    yield f"  Config length {rsc.config_len:#x}\n"
    yield f"  Status {rsc.status:#x}\n"
    yield f"  Number of vrings {rsc.num_of_vrings}\n"
    yield "  Reserved (should be zero) [{}][{}]\n\n".format(*rsc.reserved)
    for number, vring in enumerate(rsc.vring):
        yield f"  Vring {number}\n"
        yield f"    Device Address {vring.da:#x}\n"
        yield f"    Alignment {as_int(vring.align)}\n"
        yield f"    Number of buffers {as_int(vring.num)}\n"
        yield f"    Notify ID {as_int(vring.notifyid)}\n"
        yield f"    Physical Address {vring.pa:#x}\n\n"

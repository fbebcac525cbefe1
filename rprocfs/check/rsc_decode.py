"""A whole resource table as plain values, for tools that show or check one.

Unlike the framework it does not stop at the first entry that the kernel refuses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.rsc_table import (
    RESOURCE_TABLE_SIZE,
    FwRsc,
    FwRscCarveout,
    FwRscDevmem,
    FwRscTrace,
    FwRscVdev,
    Resource,
    check_table,
    iter_resources,
)

_HEADER = Struct("<4I")


@dataclass(frozen=True)
class Carveout:
    """`struct fw_rsc_carveout`."""

    name: str
    da: int
    pa: int
    len: int
    flags: int


@dataclass(frozen=True)
class Devmem:
    """`struct fw_rsc_devmem`."""

    name: str
    da: int
    pa: int
    len: int
    flags: int


@dataclass(frozen=True)
class Trace:
    """`struct fw_rsc_trace`."""

    name: str
    da: int
    len: int


@dataclass(frozen=True)
class Vring:
    """`struct fw_rsc_vdev_vring`."""

    da: int
    align: int
    num: int
    notifyid: int
    pa: int


@dataclass(frozen=True)
class Vdev:
    """`struct fw_rsc_vdev`."""

    id: int
    notifyid: int
    dfeatures: int
    gfeatures: int
    status: int
    vrings: tuple[Vring, ...]
    config: bytes


@dataclass(frozen=True)
class Unsupported:
    """An entry that only a platform driver may know, or nobody."""

    type: int
    warning: str


@dataclass(frozen=True)
class Refused:
    """An entry that the kernel refuses with this message, and with it the image.

    `type` is None where not even the entry's header is in the table: the last one shown then.
    """

    type: int | None
    message: str


Entry = Carveout | Devmem | Trace | Vdev | Unsupported | Refused


@dataclass(frozen=True)
class ResourceTable:
    """`struct resource_table`; `refused` is why the kernel does not take it at all, if so."""

    ver: int
    num: int
    reserved: tuple[int, int]
    entries: tuple[Entry, ...]
    refused: str | None = None


def decode_table(table: bytes | memoryview) -> ResourceTable:
    """Everything that a table says, and what the kernel would say to it.

    FirmwareError where there is not even a header.
    """
    if len(table) < RESOURCE_TABLE_SIZE:
        check_table(table)
    ver, num, *reserved = _HEADER.unpack_from(table)
    refused = None
    try:
        check_table(table)
    except FirmwareError as error:
        refused = error.strerror
    entries = tuple(_entries(memoryview(table)))
    return ResourceTable(ver, num, (reserved[0], reserved[1]), entries, refused)


def _entries(table: memoryview) -> Iterator[Entry]:
    try:
        for resource in iter_resources(table):
            yield _entry(resource, table)
    except FirmwareError as error:
        yield Refused(None, error.strerror)


def _entry(resource: Resource, table: memoryview) -> Entry:
    try:
        view = resource.view(table)
    except FirmwareError as error:
        return Refused(resource.type, error.strerror)
    if view is None:
        return Unsupported(resource.type, resource.unsupported())
    return _plain(view)


def _plain(rsc: FwRsc) -> Entry:
    match rsc:
        case FwRscCarveout():
            return Carveout(rsc.name, rsc.da, rsc.pa, rsc.len, rsc.flags)
        case FwRscDevmem():
            return Devmem(rsc.name, rsc.da, rsc.pa, rsc.len, rsc.flags)
        case FwRscTrace():
            return Trace(rsc.name, rsc.da, rsc.len)
        case FwRscVdev():
            return _vdev(rsc)


def _vdev(rsc: FwRscVdev) -> Vdev:
    vrings = tuple(Vring(v.da, v.align, v.num, v.notifyid, v.pa) for v in rsc.vring)
    config = bytes(rsc.config)
    return Vdev(rsc.id, rsc.notifyid, rsc.dfeatures, rsc.gfeatures, rsc.status, vrings, config)

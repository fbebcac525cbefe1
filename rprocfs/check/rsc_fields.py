"""The words of a resource table by name and offset, to draw it and to see what changed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.rsc_table import (
    FW_RSC_ADDR_ANY,
    FW_RSC_HDR_SIZE,
    RESOURCE_TABLE_SIZE,
    FwRscCarveout,
    FwRscDevmem,
    FwRscTrace,
    FwRscVdev,
    FwRscVdevVring,
    Resource,
    iter_resources,
)

_MEMORY = ("da", "pa", "len", "flags", "reserved")
_VDEV = ("id", "notifyid", "dfeatures", "gfeatures", "config_len")
_VRING = ("da", "align", "num", "notifyid", "pa")
#: Fields for which all ones means that the framework chooses.
_ANY = {"da", "pa", "notifyid"}
_DEVICES = {1: "net", 2: "block", 3: "console", 4: "rng", 7: "rpmsg"}


class RscField(NamedTuple):
    """A word (or a byte) of an entry: *offset* is that from the start of the table."""

    offset: int
    name: str
    value: int

    @property
    def text(self) -> str:
        """As a person writes it."""
        if self.value == FW_RSC_ADDR_ANY and self.name in _ANY:
            return "any"
        small = self.name in {"id", "num", "align", "notifyid", "config_len", "num_of_vrings"}
        return str(self.value) if small else f"{self.value:#x}"


class RscPart(NamedTuple):
    """An entry, or a vring of one, as it is drawn; *refused* is the kernel's word for it."""

    offset: int
    size: int
    kind: str
    name: str
    fields: tuple[RscField, ...]
    refused: str | None = None


def rsc_parts(table: bytes) -> list[RscPart]:
    """The parts of a table whose header is valid, up to the first that cannot be read."""
    parts: list[RscPart] = []
    try:
        for resource in iter_resources(table):
            parts += _parts(resource, memoryview(bytearray(table)))
    except FirmwareError as refusal:
        parts.append(RscPart(len(table), 0, "nothing", "", (), refusal.strerror))
    return parts


def rsc_changes(before: bytes, after: bytes) -> Iterator[tuple[str, RscField, RscField]]:
    """(where, old, new) for every field in which two tables of the same shape differ."""
    old = {field.offset: field for part in rsc_parts(before) for field in part.fields}
    for part in rsc_parts(after):
        for field in part.fields:
            was = old.get(field.offset)
            if was is not None and was.value != field.value:
                yield f"{part.kind} {part.name}".strip(), was, field


def _parts(resource: Resource, table: memoryview) -> Iterator[RscPart]:
    start = resource.offset - FW_RSC_HDR_SIZE
    try:
        view = resource.view(table)
    except FirmwareError as refusal:
        size = len(table) - start
        yield RscPart(start, size, _kind(resource.type), "", (), refusal.strerror)
        return
    at = resource.offset
    match view:
        case FwRscCarveout() | FwRscDevmem():
            fields = tuple(_words(table, at, _MEMORY))
        case FwRscTrace():
            fields = tuple(_words(table, at, ("da", "len", "reserved")))
        case FwRscVdev():
            yield from _vdev(table, start, view)
            return
        case _:
            yield RscPart(start, 0, f"type {resource.type}", "", (), resource.unsupported())
            return
    size = FW_RSC_HDR_SIZE + view.SIZE
    yield RscPart(start, size, _kind(resource.type), view.name, fields)


def _vdev(table: memoryview, start: int, view: FwRscVdev) -> Iterator[RscPart]:
    at = start + FW_RSC_HDR_SIZE
    tail = (
        RscField(at + 20, "status", table[at + 20]),
        RscField(at + 21, "num_of_vrings", table[at + 21]),
    )
    name = _DEVICES.get(view.id, "")
    fields = (*_words(table, at, _VDEV), *tail)
    yield RscPart(start, FW_RSC_HDR_SIZE + FwRscVdev.SIZE, "vdev", name, fields)
    for number, vring in enumerate(view.vring):
        words = tuple(_words(table, vring.offset, _VRING))
        yield RscPart(vring.offset, FwRscVdevVring.SIZE, "vring", str(number), words)


def _words(table: memoryview, offset: int, names: tuple[str, ...]) -> Iterator[RscField]:
    values = struct.unpack_from(f"<{len(names)}I", table, offset)
    for number, (name, value) in enumerate(zip(names, values, strict=True)):
        if name != "reserved":
            yield RscField(offset + 4 * number, name, value)


def _kind(number: int) -> str:
    return {0: "carveout", 1: "devmem", 2: "trace", 3: "vdev"}.get(number, f"type {number}")


def header_size(count: int) -> int:
    """How many bytes the header of a table of *count* entries takes."""
    return RESOURCE_TABLE_SIZE + 4 * count

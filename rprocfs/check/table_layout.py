"""Mistakes in the C layout of a resource table, found from its bytes. Sans-I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from rprocfs.check.finding import Cause
from rprocfs.remoteproc.rsc_table import (
    FW_RSC_HDR_SIZE,
    RESOURCE_TABLE_SIZE,
    RSC_CARVEOUT,
    RSC_LAST,
    RSC_TRACE,
    RSC_VDEV,
    RSC_VENDOR_END,
    RSC_VENDOR_START,
)

_VERSION = b"\1\0\0\0"
#: The number of bytes of a table that are examined.
_LARGEST = 0x1000
#: No table has more entries.
_MANY = 64
#: ``VIRTIO_ID_*`` end here, and a vdev has no more rings.
_LAST_ID, _MANY_VRINGS = 64, 16
_NAME = 32
#: Where a packed entry has its name, behind a type of one byte.
_NAME_AT: Mapping[int, int] = {RSC_CARVEOUT: 20, RSC_TRACE: 12}


def looks_like_table(data: bytes) -> bool:
    """Whether the bytes begin a valid table."""
    head = _header(data)
    if head is None or head[0] != 1 or not 0 < head[1] <= _MANY or any(head[2:]):
        return False
    return _are_entries(data, _offsets(data, head[1], 4), RESOURCE_TABLE_SIZE + 4 * head[1])


def table_inside(data: bytes) -> int | None:
    """The offset of a valid table in *data*."""
    at = data.find(_VERSION)
    while at >= 0:
        if at % 4 == 0 and looks_like_table(data[at : at + _LARGEST]):
            return at
        at = data.find(_VERSION, at + 1)
    return None


def layout_cause(table: bytes, da: int) -> Cause | None:
    """What the compiler or the author made of *table*, whose header is good; it is at *da*."""
    head = _header(table)
    if head is None or not 0 < head[1] <= _MANY:
        return None
    num = head[1]
    wide = _offsets(table, num, 8)
    offsets = _offsets(table, num, 4)
    end = RESOURCE_TABLE_SIZE + 4 * num
    if not _are_entries(table, offsets, end) and _are_entries(table, wide, end + 4 * num):
        return Cause(
            f"offset[] has elements of 64 bits; the kernel reads {num} of 32 bits, so that "
            f"{_list(offsets)} instead of {_list(wide)}.",
            "Declare it uint32_t offset[], as struct resource_table does: neither unsigned long "
            "nor size_t nor a pointer.",
        )
    return next(_offset_causes(table, offsets, end, da), None) or next(
        (cause for offset in offsets if (cause := _entry_cause(table, offset))), None
    )


def _offset_causes(table: bytes, offsets: tuple[int, ...], end: int, da: int) -> Iterator[Cause]:
    for number, offset in enumerate(offsets):
        if offset == 0:
            yield Cause(
                f"offset[{number}] is 0, it was never set: the kernel takes the table's header "
                "for the entry.",
                f"num = {len(offsets)} promises as many offsets: set offset[{number}], or num to "
                "what there is.",
            )
        elif offset < end:
            yield Cause(
                f"offset[{number}] is {offset:#x}, which leads into the header: that takes "
                f"{end:#x} bytes, for {len(offsets)} entries.",
                f"Set offset[{number}] by offsetof(): it counts from the start of the table.",
            )
        elif offset > len(table) - FW_RSC_HDR_SIZE and da <= offset < da + len(table):
            yield Cause(
                f"offset[{number}] is {offset:#x}, an address.",
                f"Offsets count from the start of the table: offset[{number}] = {offset - da:#x}, "
                "by offsetof().",
            )
        elif offset > len(table) - FW_RSC_HDR_SIZE:
            yield Cause(
                f"offset[{number}] is {offset:#x}, which leads behind the table: section "
                f".resource_table has {len(table):#x} bytes.",
                "Set it by offsetof(); the whole structure has to be in the section.",
            )


def _entry_cause(table: bytes, offset: int) -> Cause | None:
    if _is_short(table, offset):
        return Cause(
            f"The type of the entry at +{offset:#x} has one byte ({table[offset]}): the kernel "
            f"reads 32 bits, {_type(table, offset):#x}, and the fields three bytes too late.",
            "Declare the type uint32_t: with -fshort-enums, which bare-metal Arm compilers have "
            "by default, an enum in a packed structure is a byte.",
        )
    if _is_wide(table, offset):
        return Cause(
            f"The entry at +{offset:#x} has fields of 64 bits, the kernel's have 32.",
            "Declare all fields uint32_t: unsigned long has 64 bits on this processor.",
        )
    return None


def _is_short(table: bytes, offset: int) -> bool:
    """Whether the entry begins with a type of one byte, with its fields packed behind it."""
    kind = table[offset]
    if _type(table, offset) < RSC_LAST:
        return False
    body = table[offset + 1 :]
    if kind == RSC_VDEV and len(body) >= 24:
        number = int.from_bytes(body[:4], "little")
        return 0 < number < _LAST_ID and body[21] <= _MANY_VRINGS
    at = _NAME_AT.get(kind)
    return at is not None and _is_name(body[at : at + _NAME])


def _is_wide(table: bytes, offset: int) -> bool:
    """Whether every second word is the zero upper half of the word before it."""
    words = memoryview(table[offset : offset + 32].ljust(32, b"\xff")).cast("I")
    if words[1] or words[3] or words[5]:
        return False
    if words[0] == RSC_VDEV:
        return 0 < words[2] < _LAST_ID
    return words[0] == RSC_CARVEOUT and words[6] > 0


def _is_name(field: bytes) -> bool:
    text, _, rest = field.partition(b"\0")
    return len(field) == _NAME and text.isascii() and len(text) > 1 and not any(rest)


def _header(data: bytes) -> tuple[int, ...] | None:
    return struct.unpack_from("<4I", data) if len(data) >= RESOURCE_TABLE_SIZE else None


def _offsets(table: bytes, num: int, width: int) -> tuple[int, ...]:
    if RESOURCE_TABLE_SIZE + width * num > len(table):
        return ()
    code = f"<{num}{'I' if width == 4 else 'Q'}"
    return struct.unpack_from(code, table, RESOURCE_TABLE_SIZE)


def _are_entries(table: bytes, offsets: tuple[int, ...], end: int) -> bool:
    """Whether each offset leads to an entry of a known type after *end*."""
    return bool(offsets) and all(
        end <= offset <= len(table) - FW_RSC_HDR_SIZE and _is_kind(table, offset)
        for offset in offsets
    )


def _is_kind(table: bytes, offset: int) -> bool:
    kind = _type(table, offset)
    return kind < RSC_LAST or RSC_VENDOR_START <= kind <= RSC_VENDOR_END


def _type(table: bytes, offset: int) -> int:
    return int.from_bytes(table[offset : offset + 4], "little")


def _list(offsets: tuple[int, ...]) -> str:
    return ", ".join(f"{offset:#x}" for offset in offsets)

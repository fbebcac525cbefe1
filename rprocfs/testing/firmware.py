"""A plain firmware image to start from.

It is for a processor without an IOMMU, and asks for a carveout of 32 KiB at 0x10000000 to live in:
code at +0, the resource table at +0x100, a trace buffer at +0x4000. `TCM` is memory that
the processor's driver maps, for an image that needs no carveout.
"""

from collections.abc import Sequence

from rprocfs.testing.elf import (
    NO_FIELDS,
    SHF_ALLOC,
    SHF_WRITE,
    ElfImage,
    Fields,
    Section,
    Segment,
)
from rprocfs.testing.rsc_table import carveout, resource_table, trace, vdev

FW_BASE, FW_SIZE = 0x10000000, 0x8000
TCM_BASE, TCM_SIZE = 0x20000000, 0x10000
TABLE_AT, TRACE_AT, TRACE_SIZE = 0x100, 0x4000, 0x200
TRACE_TEXT = b"firmware boot\nchannel ready\n"

# Vectors of a Cortex-M: the stack, the entry point, and there a branch to itself.
_CODE = bytes.fromhex("0000002009000010fee7fee7")


def fw_carveout(*, reserved: int = 0) -> bytes:
    """The carveout that the image lives in."""
    return carveout("fwmem", FW_BASE, FW_SIZE, reserved=reserved)


def fw_trace(da: int = FW_BASE + TRACE_AT, length: int = TRACE_SIZE, *, reserved: int = 0) -> bytes:
    """The trace buffer of the image."""
    return trace("trace:sim", da, length, reserved=reserved)


def standard_table(device: bytes | None = None) -> bytes:
    """Its resource table: carveout, trace buffer, and an rpmsg device unless another is given."""
    return resource_table([fw_carveout(), fw_trace(), vdev() if device is None else device])


def firmware(
    table: bytes | None,
    extra: Sequence[Segment] = (),
    *,
    base: int = FW_BASE,
    text: bytes | None = TRACE_TEXT,
    section: Fields = NO_FIELDS,
    header: Fields = NO_FIELDS,
    bits: int = 32,
    big_endian: bool = False,
    ei_class: int | None = None,
) -> ElfImage:
    """The image with this resource table, or none; `text` is in its trace buffer.

    `section` overrides fields of the table's section header, `header` of the ELF header.
    """
    segments = [Segment(base, _CODE.ljust(TABLE_AT, b"\0") + (table or b""))]
    if text is not None:
        segments.append(Segment(base + TRACE_AT, text, TRACE_SIZE))
    return ElfImage(
        [*segments, *extra],
        [] if table is None else [table_section(base + TABLE_AT, len(table), section)],
        bits=bits,
        big_endian=big_endian,
        ei_class=ei_class,
        header={"e_entry": base + 8} | dict(header),
    )


def table_section(addr: int, size: int, header: Fields = NO_FIELDS) -> Section:
    """The section header of a resource table that a segment loads at `addr`."""
    fields = {"sh_flags": SHF_ALLOC | SHF_WRITE} | dict(header)
    return Section(".resource_table", addr, size=size, header=fields)

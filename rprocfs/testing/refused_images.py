"""Images that the kernel refuses: testing.images."""

import errno
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rprocfs.testing.elf import (
    Segment,
)
from rprocfs.testing.firmware import (
    FW_BASE,
    FW_SIZE,
    TCM_BASE,
    firmware,
    fw_carveout,
    fw_trace,
    standard_table,
)
from rprocfs.testing.rsc_table import (
    carveout,
    devmem,
    entry_offsets,
    resource_table,
    vdev,
    vring,
)
from rprocfs.testing.variants import (
    Make,
    altered,
    cut,
    good,
    with_entries,
    with_rings,
    with_table,
    with_vdev,
)
from rprocfs.testing.verdict import Image, Stage

_TWO: Sequence[bytes] = (fw_carveout(), vdev())
_NO_TABLE = "Section header table is out of bounds"
_BYTES_16 = b"x" * 16
_AT_5000 = FW_BASE + 0x5000


def _class64_short() -> bytes:
    image = bytearray(good()[:60])
    image[4] = 2
    return bytes(image)


def _refused(stage: Stage, why: str, make: Make, message: str | None) -> Image:
    """EINVAL; `message` is the reason, to which the core adds a line of its own."""
    reasons = [message, _CORE.get(stage)]
    return Image(why, make, stage, errno.EINVAL, tuple(line for line in reasons if line))


_CORE = {
    Stage.REQUEST: "request_firmware failed: -22",
    Stage.RESOURCES: "Failed to process resources: -22",
    Stage.SEGMENTS: "Failed to load program segments: -22",
}


def _sanity(why: str, make: Make, message: str) -> Image:
    return _refused(Stage.SANITY, why, make, message)


def _parse(why: str, make: Make, message: str | None) -> Image:
    return _refused(Stage.PARSE, why, make, message)


def _resources(why: str, make: Make, message: str | None) -> Image:
    return _refused(Stage.RESOURCES, why, make, message)


def _segments(why: str, segment: Segment, message: str) -> Image:
    return _refused(Stage.SEGMENTS, why, altered(segment), message)


def _no_memory(stage: Stage, why: str, make: Make, *log: str) -> Image:
    return Image(why, make, stage, errno.ENOMEM, log)


def _headers(why: str, make: Make, message: str, old_stage: Stage, *old: str) -> Image:
    """Section headers out of the file: kernels before 6.12.117 say otherwise."""
    return Image(why, make, Stage.SANITY, errno.EINVAL, (message,), old_stage, old)


REFUSED_IMAGES: Mapping[str, Image] = MappingProxyType(
    {
        # No image for the loader.
        "empty.elf": Image("no bytes", lambda: b"", Stage.REQUEST, errno.EINVAL),
        "tiny.elf": _sanity("51 bytes of a good image", cut(51), "Image is too small"),
        "header-only.elf": _headers(
            "its first 52 bytes", cut(52), _NO_TABLE, Stage.SANITY, "Image is too small"
        ),
        "shoff-big.elf": _headers(
            "e_shoff past the end",
            altered(header={"e_shoff": 0x100000}),
            _NO_TABLE,
            Stage.SANITY,
            "Image is too small",
        ),
        "truncated.elf": _headers(
            "cut within the section headers",
            cut(-60),
            "Section headers are out of bounds",
            Stage.PARSE,
        ),
        "text.elf": _sanity("not ELF", lambda: b"text\n" * 20, "Image is corrupted (bad magic)"),
        "class0.elf": _sanity(
            "EI_CLASS 0",
            lambda: firmware(standard_table(), ei_class=0).build(),
            "Unsupported class: 0",
        ),
        "class64-short.elf": _sanity(
            "60 bytes of an ELF64", _class64_short, "elf64 header is too small"
        ),
        "bigendian.elf": _sanity(
            "big endian throughout",
            lambda: firmware(standard_table(), big_endian=True).build(),
            "Unsupported firmware endianness",
        ),
        "phnum0.elf": _sanity(
            "no program headers", altered(header={"e_phnum": 0}), "No loadable segments"
        ),
        "phoff-big.elf": _sanity(
            "e_phoff past the end",
            altered(header={"e_phoff": 0x100000}),
            "Firmware size is too small",
        ),
        # Segments that do not fit.
        "seg-outside.elf": _segments(
            "in no memory", Segment(0x30000000, _BYTES_16), "bad phdr da 0x30000000 mem 0x10"
        ),
        "seg-beyond.elf": _segments(
            "past the end of its carveout",
            Segment(FW_BASE + FW_SIZE - 8, _BYTES_16),
            "bad phdr da 0x10007ff8 mem 0x10",
        ),
        "seg-filesz.elf": _segments(
            "p_filesz > p_memsz",
            Segment(_AT_5000, _BYTES_16, 8),
            "bad phdr filesz 0x10 memsz 0x8",
        ),
        "seg-short.elf": _segments(
            "past the end of the file",
            Segment(_AT_5000, _BYTES_16, header={"p_offset": 0x10000}),
            "truncated fw: need 0x10010 avail {size:#x}",
        ),
        # Resource tables that are none.
        "rsc-none.elf": _parse("no .resource_table", with_table(None, TCM_BASE), None),
        "rsc-truncated.elf": _parse(
            "sh_size past the end",
            altered(section={"sh_size": 0x10000}),
            "resource table truncated",
        ),
        "rsc-headerless.elf": _parse(
            "table of 15 bytes", altered(section={"sh_size": 15}), "header-less resource table"
        ),
        "rsc-ver0.elf": _parse(
            "version 0", with_table(resource_table(_TWO, ver=0)), "unsupported fw ver: 0"
        ),
        "rsc-ver2.elf": _parse(
            "version 2", with_table(resource_table(_TWO, ver=2)), "unsupported fw ver: 2"
        ),
        "rsc-reserved.elf": _parse(
            "reserved set",
            with_table(resource_table(_TWO, reserved=(0, 7))),
            "non zero reserved bytes",
        ),
        "rsc-num.elf": _parse(
            "more entries than fit",
            with_table(resource_table(_TWO, num=1000)),
            "resource table incomplete",
        ),
        # Entries that are refused.
        "rsc-offset.elf": _resources(
            "entry past the table",
            with_table(resource_table(_TWO, offsets=[entry_offsets(_TWO)[0], 0x4000])),
            "rsc table is truncated",
        ),
        "devmem.elf": _resources(
            "devmem, which needs an IOMMU", with_entries(devmem("periph"), fw_trace(), vdev()), None
        ),
        "carve-short.elf": _resources(
            "carveout cut short",
            with_table(resource_table([fw_carveout()[:30]])),
            "carveout rsc is truncated",
        ),
        "carve-reserved.elf": _resources(
            "carveout's reserved word set",
            with_table(resource_table([fw_carveout(reserved=1), vdev()])),
            "carveout rsc has non zero reserved bytes",
        ),
        "trace-short.elf": _resources(
            "trace cut short", with_entries(fw_trace()[:20]), "trace rsc is truncated"
        ),
        "trace-reserved.elf": _resources(
            "trace's reserved word set",
            with_entries(fw_trace(reserved=9), vdev()),
            "trace rsc has non zero reserved bytes",
        ),
        "vdev-short.elf": _resources(
            "vdev cut short", with_entries(vdev()[:60]), "vdev rsc is truncated"
        ),
        "vdev-header.elf": _resources(
            "vdev of its type only", with_entries(vdev()[:4]), "vdev rsc is truncated"
        ),
        "vdev-reserved.elf": _resources(
            "vdev's reserved bytes set",
            with_vdev(vdev(reserved=(0, 1))),
            "vdev rsc has non zero reserved bytes",
        ),
        "vdev-3vrings.elf": _resources(
            "three rings", with_rings(*[vring()] * 3), "too many vrings: 3"
        ),
        # Memory that is not to be had.
        "carve-dup.elf": _no_memory(
            Stage.RESOURCES,
            "the same carveout twice",
            with_entries(fw_carveout(), vdev()),
            "Carveout already associated to resource table",
            "Failed to process resources: -12",
        ),
        "carve-huge.elf": _no_memory(
            Stage.CARVEOUTS,
            "carveout of 2 GiB",
            with_entries(carveout("huge", 0x30000000, 0x80000000), vdev()),
            "Unable to allocate carveout huge: -12",
            "Failed to allocate associated carveouts: -12",
        ),
    }
)

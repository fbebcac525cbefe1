"""Images that start: testing.images."""

from collections.abc import Mapping
from types import MappingProxyType

from rprocfs.testing.elf import (
    EM_AARCH64,
    EM_X86_64,
    PT_NOTE,
    ElfImage,
    Section,
    Segment,
)
from rprocfs.testing.firmware import (
    FW_BASE,
    FW_SIZE,
    TCM_BASE,
    TRACE_AT,
    firmware,
    fw_carveout,
    fw_trace,
    standard_table,
)
from rprocfs.testing.rsc_table import (
    carveout,
    resource,
    resource_table,
    trace,
    vdev,
    vring,
)
from rprocfs.testing.variants import (
    Make,
    altered,
    good,
    with_entries,
    with_rings,
    with_table,
    with_vdev,
)
from rprocfs.testing.verdict import Image


def _two_traces() -> bytes:
    at = FW_BASE + TRACE_AT
    entries = [fw_carveout(), trace("trace:sim", at, 0x100), trace("second", at + 0x100, 0x100)]
    return firmware(resource_table(entries), [Segment(at + 0x100, b"second buffer\n")]).build()


def _full_trace() -> bytes:
    table = resource_table([fw_carveout(), fw_trace(length=16)])
    return firmware(table, text=b"0123456789abcdef0123").build()


def _table_not_loaded() -> bytes:
    image = firmware(None)
    image.sections.append(Section(".resource_table", data=standard_table()))
    return image.build()


def _note_only() -> bytes:
    note = Segment(0, b"note", header={"p_type": PT_NOTE})
    return ElfImage([note], [Section(".resource_table", data=standard_table())]).build()


def _runs(why: str, make: Make, *log: str) -> Image:
    return Image(why, make, log=log)


def _unknown(kind: int) -> Make:
    return with_entries(resource(kind), fw_trace(), vdev())


GOOD_IMAGES: Mapping[str, Image] = MappingProxyType(
    {
        # Good ones.
        "good.elf": _runs("carveout, trace, rpmsg vdev of 16 buffers with NS", good),
        "good256.elf": _runs("rings of 256, align 4096", with_rings(*[vring(256, 4096)] * 2)),
        "novdev.elf": _runs("carveout and trace only", with_entries(fw_trace())),
        "notrace.elf": _runs("carveout and vdev only", with_entries(vdev())),
        "traces.elf": _runs("two trace buffers", _two_traces),
        "vdevs.elf": _runs("two rpmsg vdevs", with_entries(vdev(), vdev())),
        "vdev-config.elf": _runs("8 bytes of config space", with_vdev(vdev(config=b"settings"))),
        "vdev-nons.elf": _runs("no name service feature", with_vdev(vdev(dfeatures=0))),
        "vdev-console.elf": _runs("vdev of id 3, a console", with_vdev(vdev(device_id=3))),
        "vdev-feat.elf": _runs("feature bits 0, 28 to 31", with_vdev(vdev(dfeatures=0xF0000001))),
        "vring-da.elf": _runs(
            "ring addresses asked for", with_rings(vring(da=0x10010000), vring(da=0x10011000))
        ),
        "carve-any.elf": _runs(
            "a second carveout, anywhere", with_entries(carveout("scratch"), fw_trace(), vdev())
        ),
        "elf64.elf": _runs(
            "ELF64 for EM_AARCH64",
            lambda: firmware(standard_table(), bits=64, header={"e_machine": EM_AARCH64}).build(),
        ),
        "machine.elf": _runs("an ELF32 for EM_X86_64", altered(header={"e_machine": EM_X86_64})),
        "tcm.elf": _runs(
            "in memory that the driver maps, no carveout",
            with_table(resource_table([fw_trace(TCM_BASE + TRACE_AT), vdev()]), TCM_BASE),
        ),
        "rsc-notloaded.elf": _runs("resource table in no segment", _table_not_loaded),
        "noload.elf": _runs("only a PT_NOTE segment", _note_only),
        "memsz0.elf": _runs("PT_LOAD of memsz 0, nowhere", altered(Segment(0x99999999))),
        "rsc-empty.elf": _runs("table without entries", with_table(resource_table([]), TCM_BASE)),
        "rsc-unknown.elf": _runs("entry of type 9", _unknown(9), "unsupported resource 9"),
        "rsc-vendor.elf": _runs(
            "entry of type 128", _unknown(128), "unsupported vendor resource 128"
        ),
        "rsc-vendor512.elf": _runs(
            "entry of type 512", _unknown(512), "unsupported vendor resource 512"
        ),
        "rsc-type513.elf": _runs("entry of type 513", _unknown(513), "unsupported resource 513"),
        "trace-outside.elf": _runs(
            "trace buffer in no memory", with_entries(fw_trace(0x90000000), vdev())
        ),
        "trace-full.elf": _runs("trace buffer without a NUL", _full_trace),
        "carve-same-da.elf": _runs(
            "two carveouts of one address",
            with_entries(carveout("twin", FW_BASE, FW_SIZE), fw_trace(), vdev()),
        ),
        "carve-long.elf": _runs(
            "carveout name of 32 bytes without a NUL",
            with_table(resource_table([carveout("a" * 32, FW_BASE, FW_SIZE), fw_trace(), vdev()])),
        ),
        # They start, without their device.
        "vring-num0.elf": _runs(
            "ring of 0 buffers",
            with_rings(vring(0), vring()),
            "invalid qsz (0) or alignment (16)",
        ),
        "vring-align0.elf": _runs(
            "ring of align 0",
            with_rings(vring(16, 0), vring()),
            "invalid qsz (16) or alignment (0)",
        ),
        "vring-second0.elf": _runs(
            "second ring of 0 buffers",
            with_rings(vring(), vring(0)),
            "invalid qsz (0) or alignment (16)",
        ),
        "vring-num3.elf": _runs("rings of 3, no power of two", with_rings(vring(3), vring(3))),
        "vdev-1vring.elf": _runs("one ring where rpmsg wants two", with_rings(vring())),
        "vdev-0vrings.elf": _runs("no ring", with_rings()),
    }
)

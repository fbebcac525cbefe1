"""The kernel's complaints about an image, their meaning and their remedy."""

from __future__ import annotations

import re
from typing import NamedTuple

from rprocfs.check.finding import Cause


class Explanation(NamedTuple):
    """*pattern* matches the kernel's line, without the device in front of it."""

    pattern: str
    meaning: str
    remedy: str


_SECTIONS = "Is the file whole? Copy it again; do not cut or pack it. strip(1) is fine."
_LAYOUT = "Take sizes and offsets from sizeof() and offsetof(), and pad nothing by hand."
_RESERVED = "Words called reserved have to be zero: initialise the whole structure."

#: In the order in which they are tried.
EXPLANATIONS = (
    # What a board does not allow.
    Explanation(
        r"a native program is not allowed here",
        "This processor runs its image as a program of this host, which a board has to allow.",
        "Set allow-native = true for it in the board file, if you trust the image.",
    ),
    # The file and its header.
    Explanation(
        r"memory region not valid (?P<pa>0x[0-9a-f]+)",
        "The processor cannot see this reserved memory of its node: no dma-ranges of its bus lead "
        "there.",
        "Take it out of memory-region, or add a range to dma-ranges of the bus if the hardware "
        "has that path.",
    ),
    Explanation(
        r"request_firmware failed: ", "There is no such file, or it is empty.",
        "Write the image's name, relative to the firmware directory, without .. in it.",
    ),
    Explanation(
        r"Image is too small", "The file ends before an ELF header, or its sections, would.",
        _SECTIONS,
    ),
    Explanation(
        r"Image is corrupted \(bad magic\)", "This is no ELF file.",
        "Give the linker's output, not what objcopy -O binary or -O ihex made of it.",
    ),
    Explanation(
        r"Unsupported class: ", "It is neither ELF32 nor ELF64.", "Is this what the linker wrote?"
    ),
    Explanation(r"elf64 header is too small", "The file ends within its header.", _SECTIONS),
    Explanation(
        r"Unsupported firmware endianness", "It is a big endian image: the kernel loads no such.",
        "Build it little endian: -mlittle-endian (Arm), -EL.",
    ),
    Explanation(
        r"Section header(s are| table is) out of bounds",
        "The section headers, where the resource table is looked for, are not in the file.",
        f"{_SECTIONS} sstrip and --strip-section-headers take them away.",
    ),
    Explanation(
        r"No loadable segments", "It has no program headers: an object file, not an image.",
        "Link it; a linker script with PHDRS needs a PT_LOAD for every output section.",
    ),
    Explanation(
        r"Firmware size is too small", "The program headers are not in the file.", _SECTIONS
    ),
    Explanation(
        r"(?P<core>\S+) cannot run an image for machine (?P<machine>\d+)",
        "It was built for another processor, or for 64 bits.",
        "Choose the processor it is for (--processor), or the compiler of this one.",
    ),
    # Segments.
    Explanation(
        r"bad phdr filesz", "A segment has more bytes in the file than in memory.",
        "The program header is wrong; was the image patched?",
    ),
    Explanation(r"truncated fw: need", "A segment goes on behind the end of the file.", _SECTIONS),
    # The table.
    Explanation(
        r"resource table truncated", "Section .resource_table goes on behind the end of the file.",
        f"{_SECTIONS} Is the section NOBITS (in .bss)? It has to be initialised data.",
    ),
    Explanation(
        r"no resource table found for this firmware",
        "It boots without one, but has neither trace nor channels.",
        'Put the table into a section ".resource_table", and KEEP it in the linker script.',
    ),
    Explanation(
        r"header-less resource table", "Section .resource_table is shorter than 16 bytes.",
        "Place the whole structure in it: ver, num, reserved[2], offset[], entries.",
    ),
    Explanation(
        r"unsupported fw ver: ", "The first word of the resource table is not 1.",
        "Set ver = 1; and let nothing else be placed in the section in front of the table.",
    ),
    Explanation(r"non zero reserved bytes", "reserved[] of the header is not 0.", _RESERVED),
    Explanation(
        r"resource table incomplete", "num says more entries than there is room for offsets.",
        "num is the number of entries, and of elements of offset[].",
    ),
    Explanation(
        r"rsc table is truncated", "An offset leads outside of the table.",
        f"Offsets count from the start of the table. {_LAYOUT}",
    ),
    Explanation(
        r"vdev rsc is truncated", "A vdev, with its vrings and its config_len bytes, does not fit.",
        f"num_of_vrings and config_len have to be what follows. {_LAYOUT}",
    ),
    Explanation(r"\w+ rsc is truncated", "The table ends within this entry.", _LAYOUT),
    Explanation(r"\w+ rsc has non zero reserved", "A reserved field is not zero.", _RESERVED),
    Explanation(
        r"too many vrings: ", "A vdev has more than two vrings.",
        "remoteproc takes two; rpmsg needs exactly two. Use a second vdev for more.",
    ),
    Explanation(
        r"invalid qsz ", "A vring has 0 buffers, or alignment 0: its vdev gets no device.",
        "Set num (a power of two, as 16) and align (as 16 or 4096) of both vrings.",
    ),
    Explanation(
        r"Carveout already associated", "Two carveouts have the same name.",
        "Give each its own; 31 characters count. vdevNvringM and vdevNbuffer are taken.",
    ),
    Explanation(
        r"Registered carveout doesn't fit", "A carveout of that name is there, and is too small or "
        "elsewhere.", "Ask for no more than the board reserves, at its address or anywhere.",
    ),
    Explanation(
        r"(Unable to allocate carveout|failed to allocate dma memory)",
        "There is no room for a carveout (or vring) of that size at that address.",
        "Is da inside the processor's memory, and not given to another one? Or let the "
        "framework choose: da = FW_RSC_ADDR_ANY.",
    ),
    Explanation(
        r"Allocated carveout doesn't fit device address", "The carveout was not placed at the da "
        "it asks for: this board has no memory there, and no IOMMU to pretend.",
        "Reserve memory there in the devicetree, or let the framework choose: "
        "da = FW_RSC_ADDR_ANY.",
    ),
    Explanation(
        r"unsupported (vendor )?resource ", "No driver handles this entry, so it is skipped.",
        "Vendor types (128 to 512) are for a platform driver that handles them.",
    ),
    # Devices.
    Explanation(
        r"Error allocating inbufs", "There is no memory for the buffers of the virtio console.",
        "Make the reserved memory of its buffers larger in the devicetree.",
    ),
    Explanation(
        r"\.kick method not defined for ", "The driver of this processor has no doorbell: a table "
        "with a vdev is refused.", "Leave vdevs out of the resource table.",
    ),
    Explanation(
        r"Bad virtqueue length ", "The number of buffers of a vring is no power of two.",
        "Set num to 16, 32, 64 ...",
    ),
    Explanation(
        r"probe with driver virtio_rpmsg_bus failed|probe of virtio\d+ failed",
        "rpmsg got no device: there will be no channels.",
        "An rpmsg vdev has two vrings, the first from the firmware to us.",
    ),
    Explanation(
        r"probe with driver rproc-virtio failed|probe of rproc-virtio\S+ failed",
        "A vdev got no device.", "See the line before.",
    ),
)  # fmt: skip

#: A summary of what the lines before it say.
SUMMARY = re.compile(
    r"Failed to process resources: |Failed to load program segments: |Boot failed: "
    r"|Failed to allocate associated carveouts: |can't (prepare|start) rproc |Translation failed: "
    r"|Direct firmware load |loading \S+ failed with error |failed to (prepare|probe) subdevices"
)

DEVMEM = Cause(
    "The table has a devmem entry, which needs an IOMMU, and this board has none.",
    "Leave it out: without an IOMMU the firmware sees its peripherals anyway.",
)  # fmt: skip
SILENT = Cause("The kernel refuses it without a word.", "Look at the part named above.")


def explain(line: str) -> Cause:
    """What a line of the kernel's means; empty texts if there is nothing to add."""
    for explanation in EXPLANATIONS:
        if re.match(explanation.pattern, line):
            return Cause(explanation.meaning, explanation.remedy)
    return Cause("", "")

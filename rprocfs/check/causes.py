"""The cause of a complaint, if the image or the boot reveals more than the kernel's line."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from rprocfs.check.dry_boot import Stage
from rprocfs.check.explanations import DEVMEM, SILENT, explain
from rprocfs.check.finding import Cause
from rprocfs.check.rsc_fields import rsc_parts
from rprocfs.check.segments import misplaced_cause, refused_cause
from rprocfs.check.table_layout import layout_cause
from rprocfs.check.table_section import section_cause

if TYPE_CHECKING:
    from rprocfs.check.dry_boot import DryBoot

#: Complaints about the table's header, and that there is none.
_HEADER = re.compile(
    r"header-less|unsupported fw ver|non zero reserved bytes|resource table (incomplete|truncated)"
)
_TOLERATED = re.compile("no resource table found for this firmware")
#: Complaints about an entry.
_ENTRY = re.compile(
    r"rsc table is truncated|\w+ rsc |too many vrings|unsupported (vendor )?resource"
    r"|Carveout already|invalid qsz|Unable to allocate carveout|failed to allocate dma"
)
_PROBE = re.compile(r"probe with driver virtio_rpmsg_bus failed|probe of virtio\d+ failed")
_MISPLACED = "Allocated carveout doesn't fit device address"

#: ``MAX_RPMSG_NUM_BUFS`` and the size of each -- virtio_rpmsg_bus.c.
_BUFFERS, _BUFFER_SIZE = 512, 512


def cause_of(boot: DryBoot, line: str) -> Cause:
    """What *line* of the kernel's means for this image; empty texts: nothing to add."""
    found: Cause | None = None
    if line.startswith("bad phdr da "):
        found = refused_cause(boot)
    elif _TOLERATED.match(line):
        found = tolerated(table_cause(boot))
    elif _HEADER.match(line):
        found = table_cause(boot)
    elif _ENTRY.match(line):
        found = entry_cause(boot)
    elif _PROBE.match(line):
        found = _buffers_cause(boot, line)
    elif line.startswith(_MISPLACED):
        found = misplaced_cause(boot)
    return found or explain(line)


def silent_cause(boot: DryBoot) -> Cause:
    """Why the kernel refuses the image without a message."""
    if boot.stage is Stage.PARSE:
        return table_cause(boot) or SILENT
    has_devmem = boot.table and any(part.kind == "devmem" for part in rsc_parts(boot.table))
    return entry_cause(boot) or (DEVMEM if has_devmem else SILENT)


def table_cause(boot: DryBoot) -> Cause | None:
    """Why the image has no table, or one whose header is refused."""
    return section_cause(boot.fw, boot.facts) if boot.facts is not None else None


def tolerated(cause: Cause | None) -> Cause | None:
    """*cause*, for a driver that continues without a table."""
    if cause is None:
        return None
    consequence = "It boots without a table, but has neither trace nor channels."
    return Cause(f"{cause.meaning} {consequence}", cause.remedy)


def is_told(boot: DryBoot) -> bool:
    """Whether the kernel logged that it continues without a table."""
    return any(_TOLERATED.search(record.text) for record in boot.records)


def entry_cause(boot: DryBoot) -> Cause | None:
    """How the layout of the table differs from the one that the kernel reads."""
    section = boot.facts.table if boot.facts is not None else None
    return layout_cause(boot.table, section.addr) if section is not None else None


def _buffers_cause(boot: DryBoot, line: str) -> Cause | None:
    """rpmsg_probe() allocates the buffers after both rings."""
    vrings = _rpmsg_vrings(boot.table)
    if not line.endswith(f"-{errno.ENOMEM}") or len(vrings) < 2:
        return None
    count = min(2 * vrings[0], _BUFFERS)
    pools = [area for area in boot.map.areas if area.kind == "buffer"]
    where = f"{pools[0].name} has {pools[0].size:#x}" if pools else "there is no such memory"
    room = pools[0].size // _BUFFER_SIZE // 2 if pools else 0
    return Cause(
        f"The memory for the buffers is too small: {count} buffers of {_BUFFER_SIZE} bytes need "
        f"{count * _BUFFER_SIZE:#x} bytes, {where}. rpmsg got no device: there will be no "
        "channels.",
        f"Set num of both vrings to {1 << room.bit_length() - 1 if room else 0} or less, or make "
        "the reserved memory larger in the devicetree.",
    )


def _rpmsg_vrings(table: bytes) -> list[int]:
    """``num`` of each ring of the first rpmsg vdev."""
    found: list[int] | None = None
    for part in rsc_parts(table) if table else ():
        if part.kind == "vdev":
            if found is not None:
                break
            found = [] if part.name == "rpmsg" else None
        elif part.kind == "vring" and found is not None:
            found.append(next(field.value for field in part.fields if field.name == "num"))
    return found or []

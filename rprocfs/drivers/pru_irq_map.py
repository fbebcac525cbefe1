"""Which system events of a PRU-ICSS become which interrupts, as firmware says it.

``.pru_irq_map`` of an image: ``struct pru_irq_rsc`` of drivers/remoteproc/pru_rproc.h; what a
mapping may be: drivers/irqchip/irq-pruss-intc.c, both of Linux 6.12.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from rprocfs.fs.kernfs import error
from rprocfs.remoteproc import elf_loader
from rprocfs.remoteproc.errors import FirmwareError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rprocfs.base.platform import PlatformDevice
    from rprocfs.devicetree.node import OfNode

SECTION = ".pru_irq_map"
#: ``struct pru_irq_rsc`` without its mappings: a type, and how many follow.
HEADER = 2
#: ``struct pruss_int_map``: event, channel, host interrupt.
MAPPING = 3
MAX_PRU_SYS_EVENTS = 160
#: ``num_system_events`` and ``num_host_events``: of a PRU-ICSS, of an ICSSG.
PRUSS, ICSSG = (64, 10), (160, 20)


class IntMap(NamedTuple):
    """``struct pruss_int_map``."""

    event: int
    chnl: int
    host: int


def find_interrupt_map(fw: bytes) -> bytes | None:
    """pru_rproc_find_interrupt_map(): the section, None if there is none. FirmwareError."""
    section = elf_loader.find_section(fw, SECTION)
    if section is None:
        return None
    offset, size = section.offset, section.size
    if offset + size > len(fw):
        raise FirmwareError(f"{SECTION} section truncated")
    if size < HEADER:
        raise FirmwareError(f"header-less {SECTION} section")
    return bytes(fw[offset : offset + size])


def handle_intrmap(device: PlatformDevice, node: OfNode, rsc: bytes) -> None:
    """pru_handle_intrmap(): EINVAL for a map that cannot be, ENODEV without a controller."""
    kind, count = rsc[0], rsc[1]
    if kind:
        device.err(f"unsupported rsc type: {kind}")
        raise error(errno.EINVAL)
    if count > MAX_PRU_SYS_EVENTS or HEADER + count * MAPPING != len(rsc):
        raise error(errno.EINVAL)
    intc = _controller(node)
    if intc is None:
        raise error(errno.ENODEV)
    events, hosts = ICSSG if "ti,icssg-intc" in intc.strings("compatible") else PRUSS
    channels: dict[int, int] = {}  # channel -> host interrupt
    taken: dict[int, int] = {}  # event -> channel
    for number, (event, chnl, host) in enumerate(_mappings(rsc)):
        good = event < events and chnl < hosts and host < hosts
        good = good and taken.setdefault(event, chnl) == chnl
        if not good or channels.setdefault(chnl, host) != host:
            device.err(
                f"failed to get virq for fw mapping {number}: event {event} chnl {chnl} host {host}"
            )
            raise error(errno.EINVAL)


def _mappings(rsc: bytes) -> Iterator[IntMap]:
    for start in range(HEADER, len(rsc), MAPPING):
        yield IntMap(*rsc[start : start + MAPPING])


def _controller(node: OfNode) -> OfNode | None:
    """The interrupt controller beside the core."""
    children = node.parent.children.values() if node.parent is not None else ()
    return next((child for child in children if child.base_name == "interrupt-controller"), None)

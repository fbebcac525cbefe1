"""Ways to make another image out of the plain one: each gives a function that makes it."""

from collections.abc import Callable

from rprocfs.testing.elf import NO_FIELDS, Fields, Segment
from rprocfs.testing.firmware import FW_BASE, firmware, fw_carveout, standard_table
from rprocfs.testing.rsc_table import resource_table, vdev

Make = Callable[[], bytes]


def good() -> bytes:
    """The plain good image: a carveout, a trace buffer, an rpmsg device with two rings of 16."""
    return firmware(standard_table()).build()


def altered(*extra: Segment, header: Fields = NO_FIELDS, section: Fields = NO_FIELDS) -> Make:
    """With more segments, or other fields in its ELF header or its table's section header."""
    return lambda: firmware(standard_table(), extra, header=header, section=section).build()


def cut(size: int) -> Make:
    """Its first `size` bytes; without the last ones where that is negative."""
    return lambda: good()[:size]


def with_table(table: bytes | None, base: int = FW_BASE) -> Make:
    """With another resource table, or none; and elsewhere."""
    return lambda: firmware(table, base=base).build()


def with_entries(*entries: bytes) -> Make:
    """With a table of the carveout and these entries."""
    return with_table(resource_table([fw_carveout(), *entries]))


def with_vdev(device: bytes) -> Make:
    """With another vdev entry."""
    return with_table(standard_table(device))


def with_rings(*vrings: bytes) -> Make:
    """With other rings."""
    return with_vdev(vdev(vrings))

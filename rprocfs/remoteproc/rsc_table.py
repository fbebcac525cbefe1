"""The resource table: `struct resource_table` -- linux/remoteproc.h, remoteproc_core.c.

`iter_resources` walks a table; `Resource.view` makes the kernel's checks of an entry and returns
it. The caller decides on their order and meaning. Messages print unsigned words with `%d`, as the
kernel does.
"""

from collections.abc import Iterator
from struct import Struct

from rprocfs.remoteproc.errors import FirmwareError
from rprocfs.remoteproc.fw_rsc import (
    FW_RSC_ADDR_ANY,
    RSC_CARVEOUT,
    RSC_DEVMEM,
    RSC_LAST,
    RSC_NAME_SIZE,
    RSC_TRACE,
    RSC_VDEV,
    RSC_VENDOR_END,
    RSC_VENDOR_START,
    FwResourceType,
    FwRsc,
    FwRscCarveout,
    FwRscDevmem,
    FwRscTrace,
    FwRscVdev,
    FwRscVdevVring,
)

__all__ = [
    "FW_RSC_ADDR_ANY", "FW_RSC_HDR_SIZE", "RESOURCE_TABLE_SIZE", "RSC_CARVEOUT", "RSC_DEVMEM",
    "RSC_LAST", "RSC_NAME_SIZE", "RSC_TRACE", "RSC_VDEV", "RSC_VENDOR_END", "RSC_VENDOR_START",
    "RVDEV_NUM_VRINGS", "FwResourceType", "FwRsc", "FwRscCarveout", "FwRscDevmem", "FwRscTrace",
    "FwRscVdev", "FwRscVdevVring", "Resource", "as_int", "check_table", "iter_resources",
    "rproc_parse_vring",
]  # fmt: skip

RVDEV_NUM_VRINGS = 2
RESOURCE_TABLE_SIZE = 16
"""`sizeof(struct resource_table)`: ver, num, reserved[2]; the offsets stand behind."""
FW_RSC_HDR_SIZE = 4

_HEADER = Struct("<4I")
_U32 = Struct("<I")


def as_int(word: int) -> int:
    """A 32-bit word as the kernel's `%d` prints it."""
    return word - (1 << 32) if word & 0x80000000 else word


class Resource:
    """One entry of a table: `struct fw_rsc_hdr`, and where its content is.

    `offset` is that of the content, behind the header: the kernel's `rsc_offset`. `avail` is the
    number of bytes from there to the end of the table.
    """

    __slots__ = ("avail", "index", "offset", "type")

    def __init__(self, index: int, kind: int, offset: int, avail: int) -> None:
        self.index, self.type, self.offset, self.avail = index, kind, offset, avail

    @property
    def is_vendor(self) -> bool:
        """Whether the entry is passed to the platform driver."""
        return RSC_VENDOR_START <= self.type <= RSC_VENDOR_END

    def unsupported(self) -> str:
        """The kernel's warning for an entry without a handler."""
        vendor = "vendor " if self.is_vendor else ""
        return f"unsupported {vendor}resource {as_int(self.type)}"

    def view(self, table: memoryview) -> FwRsc | None:
        """The entry in `table`, checked as its handler in remoteproc_core.c checks it.

        FirmwareError if the kernel refuses it; None for a type that it does not know.
        """
        match self.type:
            case FwResourceType.RSC_CARVEOUT:
                return self.carveout(table)
            case FwResourceType.RSC_DEVMEM:
                return self.devmem(table)
            case FwResourceType.RSC_TRACE:
                return self.trace(table)
            case FwResourceType.RSC_VDEV:
                return self.vdev(table)
        return None

    def carveout(self, table: memoryview) -> FwRscCarveout:
        """As rproc_handle_carveout checks it; FirmwareError if it is refused."""
        self._check_size("carveout", FwRscCarveout.SIZE)
        rsc = FwRscCarveout(table, self.offset)
        _check_reserved("carveout", rsc.reserved)
        return rsc

    def devmem(self, table: memoryview) -> FwRscDevmem:
        """As rproc_handle_devmem checks it where there is an IOMMU; FirmwareError when refused.

        Without an IOMMU the kernel refuses the entry unseen: EINVAL, with no message.
        """
        self._check_size("devmem", FwRscDevmem.SIZE)
        rsc = FwRscDevmem(table, self.offset)
        _check_reserved("devmem", rsc.reserved)
        return rsc

    def trace(self, table: memoryview) -> FwRscTrace:
        """As rproc_handle_trace checks it; FirmwareError if it is refused."""
        self._check_size("trace", FwRscTrace.SIZE)
        rsc = FwRscTrace(table, self.offset)
        _check_reserved("trace", rsc.reserved)
        return rsc

    def vdev(self, table: memoryview) -> FwRscVdev:
        """As rproc_handle_vdev checks it; FirmwareError if it is refused.

        Its rings are checked later, by rproc_parse_vring.
        """
        self._check_size("vdev", FwRscVdev.SIZE)
        rsc = FwRscVdev(table, self.offset)
        num, config_len = rsc.num_of_vrings, rsc.config_len
        self._check_size("vdev", FwRscVdev.SIZE + num * FwRscVdevVring.SIZE + config_len)
        _check_reserved("vdev", *rsc.reserved)
        if num > RVDEV_NUM_VRINGS:
            raise FirmwareError(f"too many vrings: {num}")
        return rsc

    def _check_size(self, kind: str, size: int) -> None:
        if size > self.avail:
            raise FirmwareError(f"{kind} rsc is truncated")


def _check_reserved(kind: str, *reserved: int) -> None:
    if any(reserved):
        raise FirmwareError(f"{kind} rsc has non zero reserved bytes")


def rproc_parse_vring(vring: FwRscVdevVring) -> tuple[int, int]:
    """Return its (num, align); FirmwareError if one of them is zero."""
    num, align = vring.num, vring.align
    if not num or not align:
        raise FirmwareError(f"invalid qsz ({as_int(num)}) or alignment ({as_int(align)})")
    return num, align


def check_table(table: bytes | memoryview) -> None:
    """Make the checks of find_table in remoteproc_elf_loader.c; FirmwareError if one fails."""
    if len(table) < RESOURCE_TABLE_SIZE:
        raise FirmwareError("header-less resource table")
    ver, num, *reserved = _HEADER.unpack_from(table)
    if ver != 1:
        raise FirmwareError(f"unsupported fw ver: {as_int(ver)}")
    if any(reserved):
        raise FirmwareError("non zero reserved bytes")
    if RESOURCE_TABLE_SIZE + 4 * num > len(table):
        raise FirmwareError("resource table incomplete")


def iter_resources(table: bytes | memoryview, first: int = 0) -> Iterator[Resource]:
    """The entries of a table in its order, as rproc_handle_resources goes over them.

    FirmwareError(`rsc table is truncated`) at the entry whose header is not inside the table, or
    begins before the offset *first*; the entries before it are yielded first. A table shorter than
    its own header is refused with the same message; a remote that is attached to may have one.
    """
    if len(table) < RESOURCE_TABLE_SIZE:
        raise FirmwareError("rsc table is truncated")
    for index in range(_HEADER.unpack_from(table)[1]):
        yield _resource(table, index, first)


def _resource(table: bytes | memoryview, index: int, first: int) -> Resource:
    slot = RESOURCE_TABLE_SIZE + 4 * index
    if slot + 4 > len(table):
        raise FirmwareError("rsc table is truncated")
    offset = _U32.unpack_from(table, slot)[0]
    avail = len(table) - offset - FW_RSC_HDR_SIZE
    if avail < 0 or offset < first:
        raise FirmwareError("rsc table is truncated")
    kind = _U32.unpack_from(table, offset)[0]
    return Resource(index, kind, offset + FW_RSC_HDR_SIZE, avail)

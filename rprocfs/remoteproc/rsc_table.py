"""The resource table: `struct resource_table` and its entries -- remoteproc.h, remoteproc_core.c.

Entries are views over the bytes they stand in, readable and writable, so that one class serves the
cached copy of a table and the table in the remote's memory. `iter_resources` goes over a table,
`Resource.view` gives an entry after the kernel's checks of it; order and meaning are the caller's.

The bytes may be the remote's to change at any time. A view's extent is settled when it is made,
and nothing outside the memoryview is ever touched. The kernel's `%d` of an unsigned word is kept.
"""

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import Self

from rprocfs.remoteproc.errors import FirmwareError

FW_RSC_ADDR_ANY = 0xFFFFFFFF
RVDEV_NUM_VRINGS = 2
RSC_NAME_SIZE = 32


class FwResourceType(IntEnum):
    """`enum fw_resource_type`."""

    RSC_CARVEOUT = 0
    RSC_DEVMEM = 1
    RSC_TRACE = 2
    RSC_VDEV = 3
    RSC_LAST = 4
    RSC_VENDOR_START = 128
    RSC_VENDOR_END = 512


RSC_CARVEOUT = FwResourceType.RSC_CARVEOUT
RSC_DEVMEM = FwResourceType.RSC_DEVMEM
RSC_TRACE = FwResourceType.RSC_TRACE
RSC_VDEV = FwResourceType.RSC_VDEV
RSC_LAST = FwResourceType.RSC_LAST
RSC_VENDOR_START = FwResourceType.RSC_VENDOR_START
RSC_VENDOR_END = FwResourceType.RSC_VENDOR_END

RESOURCE_TABLE_SIZE = 16
"""`sizeof(struct resource_table)`: ver, num, reserved[2]; the offsets stand behind."""
FW_RSC_HDR_SIZE = 4

_HEADER = Struct("<4I")
_U32 = Struct("<I")


def as_int(word: int) -> int:
    """A 32-bit word as the kernel's `%d` prints it."""
    return word - (1 << 32) if word & 0x80000000 else word


class _Word:
    """A 32-bit member of a view, `index` words from its start; stores wrap as a u32 does."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def __get__(self, view: "RscView", owner: type["RscView"]) -> int:
        return view.words[self.index]

    def __set__(self, view: "RscView", value: int) -> None:
        view.words[self.index] = value & 0xFFFFFFFF


class RscView:
    """A piece of a table: `table[offset:offset + SIZE]`, seen as 32-bit words.

    ValueError where the table ends before it.
    """

    __slots__ = ("offset", "table", "words")
    SIZE = 0

    def __init__(self, table: memoryview, offset: int) -> None:
        if not 0 <= offset <= len(table) - self.SIZE:
            raise ValueError(f"{type(self).__name__} at {offset} of a table of {len(table)} bytes")
        self.table, self.offset = table, offset
        self.words = table[offset : offset + self.SIZE].cast("I")

    def at(self, table: memoryview) -> Self:
        """The same entry in another copy of the table."""
        return type(self)(table, self.offset)


class NamedRscView(RscView):
    """A view that ends with a name of 32 bytes."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name up to its NUL, or all 32 bytes; what is not UTF-8 is kept as surrogates."""
        end = self.offset + self.SIZE
        return _c_string(self.table[end - RSC_NAME_SIZE : end])

    @property
    def printed_name(self) -> str:
        """The name as the kernel's `%s` prints it: without a NUL it runs on into what follows."""
        return _c_string(self.table[self.offset + self.SIZE - RSC_NAME_SIZE :])


def _c_string(field: memoryview) -> str:
    return bytes(field).split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


class FwRscCarveout(NamedRscView):
    """`struct fw_rsc_carveout`: memory to allocate, at `da` or anywhere."""

    __slots__ = ()
    SIZE = 52
    da, pa, len, flags, reserved = _Word(0), _Word(1), _Word(2), _Word(3), _Word(4)


class FwRscDevmem(NamedRscView):
    """`struct fw_rsc_devmem`: a peripheral to map through an IOMMU."""

    __slots__ = ()
    SIZE = 52
    da, pa, len, flags, reserved = _Word(0), _Word(1), _Word(2), _Word(3), _Word(4)


class FwRscTrace(NamedRscView):
    """`struct fw_rsc_trace`: where the remote writes its log."""

    __slots__ = ()
    SIZE = 44
    da, len, reserved = _Word(0), _Word(1), _Word(2)


class FwRscVdevVring(RscView):
    """`struct fw_rsc_vdev_vring`: one ring of a virtio device."""

    __slots__ = ()
    SIZE = 20
    da, align, num, notifyid, pa = _Word(0), _Word(1), _Word(2), _Word(3), _Word(4)


class FwRscVdev(RscView):
    """`struct fw_rsc_vdev`: a virtio device, its rings and its config space.

    `vring` are the rings that the entry has room for and `config` its config space, as they were
    when the view was made; `num_of_vrings` and `config_len` are what stands there now.
    """

    __slots__ = ("config", "vring")
    SIZE = 24
    id, notifyid, dfeatures, gfeatures = _Word(0), _Word(1), _Word(2), _Word(3)
    config_len = _Word(4)

    def __init__(self, table: memoryview, offset: int) -> None:
        super().__init__(table, offset)
        start, size = offset + self.SIZE, FwRscVdevVring.SIZE
        vrings = min(self.num_of_vrings, (len(table) - start) // size)
        self.vring = tuple(FwRscVdevVring(table, start + i * size) for i in range(vrings))
        start += vrings * size
        self.config = table[start : start + self.config_len]

    @property
    def status(self) -> int:
        """The virtio device status that the driver wrote; the remote watches it."""
        return self.table[self.offset + 20]

    @status.setter
    def status(self, value: int) -> None:
        self.table[self.offset + 20] = value

    @property
    def num_of_vrings(self) -> int:
        """How many rings the entry says to have."""
        return self.table[self.offset + 21]

    @property
    def reserved(self) -> tuple[int, int]:
        """Two bytes that are to be zero."""
        return self.table[self.offset + 22], self.table[self.offset + 23]


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
        """Whether the platform driver is asked about it."""
        return RSC_VENDOR_START <= self.type <= RSC_VENDOR_END

    def unsupported(self) -> str:
        """What the kernel warns of when nobody takes the entry."""
        vendor = "vendor " if self.is_vendor else ""
        return f"unsupported {vendor}resource {as_int(self.type)}"

    def view(self, table: memoryview) -> "FwRsc | None":
        """The entry in `table`, checked as its handler in remoteproc_core.c checks it.

        FirmwareError where the kernel refuses it; None for a type that it does not know.
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
        """As rproc_handle_carveout checks it; FirmwareError where it is refused."""
        self._check_size("carveout", FwRscCarveout.SIZE)
        rsc = FwRscCarveout(table, self.offset)
        _check_reserved("carveout", rsc.reserved)
        return rsc

    def devmem(self, table: memoryview) -> FwRscDevmem:
        """As rproc_handle_devmem checks it where there is an IOMMU; FirmwareError when refused.

        Without an IOMMU the kernel does not look: EINVAL, and not a word.
        """
        self._check_size("devmem", FwRscDevmem.SIZE)
        rsc = FwRscDevmem(table, self.offset)
        _check_reserved("devmem", rsc.reserved)
        return rsc

    def trace(self, table: memoryview) -> FwRscTrace:
        """As rproc_handle_trace checks it; FirmwareError where it is refused."""
        self._check_size("trace", FwRscTrace.SIZE)
        rsc = FwRscTrace(table, self.offset)
        _check_reserved("trace", rsc.reserved)
        return rsc

    def vdev(self, table: memoryview) -> FwRscVdev:
        """As rproc_handle_vdev checks it; FirmwareError where it is refused.

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


FwRsc = FwRscCarveout | FwRscDevmem | FwRscTrace | FwRscVdev


def _check_reserved(kind: str, *reserved: int) -> None:
    if any(reserved):
        raise FirmwareError(f"{kind} rsc has non zero reserved bytes")


def rproc_parse_vring(vring: FwRscVdevVring) -> tuple[int, int]:
    """Its (num, align); FirmwareError where the kernel finds one of them insane: zero."""
    num, align = vring.num, vring.align
    if not num or not align:
        raise FirmwareError(f"invalid qsz ({as_int(num)}) or alignment ({as_int(align)})")
    return num, align


def check_table(table: bytes | memoryview) -> None:
    """What find_table in remoteproc_elf_loader.c demands of a table; FirmwareError otherwise."""
    if len(table) < RESOURCE_TABLE_SIZE:
        raise FirmwareError("header-less resource table")
    ver, num, *reserved = _HEADER.unpack_from(table)
    if ver != 1:
        raise FirmwareError(f"unsupported fw ver: {as_int(ver)}")
    if any(reserved):
        raise FirmwareError("non zero reserved bytes")
    if RESOURCE_TABLE_SIZE + 4 * num > len(table):
        raise FirmwareError("resource table incomplete")


def iter_resources(table: bytes | memoryview) -> Iterator[Resource]:
    """The entries of a table in its order, as rproc_handle_resources goes over them.

    FirmwareError(`rsc table is truncated`) at the entry whose header is not inside the table; the
    entries before it were given out. A table without even a header, as a remote that is attached
    to may have, is refused in the same words.
    """
    if len(table) < RESOURCE_TABLE_SIZE:
        raise FirmwareError("rsc table is truncated")
    for index in range(_HEADER.unpack_from(table)[1]):
        yield _resource(table, index)


def _resource(table: bytes | memoryview, index: int) -> Resource:
    slot = RESOURCE_TABLE_SIZE + 4 * index
    if slot + 4 > len(table):
        raise FirmwareError("rsc table is truncated")
    offset = _U32.unpack_from(table, slot)[0]
    avail = len(table) - offset - FW_RSC_HDR_SIZE
    if avail < 0:
        raise FirmwareError("rsc table is truncated")
    kind = _U32.unpack_from(table, offset)[0]
    return Resource(index, kind, offset + FW_RSC_HDR_SIZE, avail)

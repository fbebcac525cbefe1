"""Entries of a resource table: `struct fw_rsc_carveout` and its like -- linux/remoteproc.h.

An entry is a read-write view over the bytes of a table, so one class serves the cached copy of a
table and the table in the remote's memory. The remote may change those bytes at any time. The
extent of a view is therefore fixed when it is made; nothing outside the memoryview is touched.
"""

from enum import IntEnum
from typing import Self

FW_RSC_ADDR_ANY = 0xFFFFFFFF
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

    ValueError if the table ends before it.
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

    `vring` and `config` are the rings and the config space as the entry declared them when the view
    was made; `num_of_vrings` and `config_len` read the current bytes.
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
        """The number of rings that the entry declares now."""
        return self.table[self.offset + 21]

    @property
    def reserved(self) -> tuple[int, int]:
        """Two bytes that must be zero."""
        return self.table[self.offset + 22], self.table[self.offset + 23]


FwRsc = FwRscCarveout | FwRscDevmem | FwRscTrace | FwRscVdev

"""Writes resource tables, right ones and wrong ones.

Every field of every entry can be given, and an entry is plain bytes: cut it, join it, lie in it.
"""

from collections.abc import Sequence
from struct import pack

from rprocfs.remoteproc.rsc_table import (
    FW_RSC_ADDR_ANY,
    RESOURCE_TABLE_SIZE,
    RSC_CARVEOUT,
    RSC_DEVMEM,
    RSC_NAME_SIZE,
    RSC_TRACE,
    RSC_VDEV,
)

VIRTIO_ID_RPMSG = 7


def carveout(
    name: str = "",
    da: int = FW_RSC_ADDR_ANY,
    length: int = 0x1000,
    *,
    pa: int = 0,
    flags: int = 0,
    reserved: int = 0,
) -> bytes:
    """A carveout entry."""
    return pack("<6I", RSC_CARVEOUT, da, pa, length, flags, reserved) + _name(name)


def devmem(
    name: str = "",
    da: int = 0,
    length: int = 0x1000,
    *,
    pa: int = 0,
    flags: int = 0,
    reserved: int = 0,
) -> bytes:
    """A devmem entry."""
    return pack("<6I", RSC_DEVMEM, da, pa, length, flags, reserved) + _name(name)


def trace(name: str = "", da: int = 0, length: int = 0x100, *, reserved: int = 0) -> bytes:
    """A trace entry."""
    return pack("<4I", RSC_TRACE, da, length, reserved) + _name(name)


def vring(
    num: int = 16, align: int = 16, da: int = FW_RSC_ADDR_ANY, *, notifyid: int = 0, pa: int = 0
) -> bytes:
    """One ring, for the `vrings` of a vdev."""
    return pack("<5I", da, align, num, notifyid, pa)


def vdev(
    vrings: Sequence[bytes] | None = None,
    *,
    device_id: int = VIRTIO_ID_RPMSG,
    notifyid: int = 0,
    dfeatures: int = 1,
    gfeatures: int = 0,
    config: bytes = b"",
    config_len: int | None = None,
    status: int = 0,
    num_of_vrings: int | None = None,
    reserved: tuple[int, int] = (0, 0),
) -> bytes:
    """A vdev entry: rpmsg with two rings of 16 and the name service, unless told otherwise."""
    rings = [vring(notifyid=0), vring(notifyid=1)] if vrings is None else vrings
    size = len(config) if config_len is None else config_len
    num = len(rings) if num_of_vrings is None else num_of_vrings
    head = pack(
        "<6I4B", RSC_VDEV, device_id, notifyid, dfeatures, gfeatures, size, status, num, *reserved
    )
    return head + b"".join(rings) + config


def resource(kind: int, body: bytes = bytes(16)) -> bytes:
    """An entry of any type."""
    return pack("<I", kind) + body


def resource_table(
    entries: Sequence[bytes],
    *,
    ver: int = 1,
    reserved: tuple[int, int] = (0, 0),
    num: int | None = None,
    offsets: Sequence[int] | None = None,
) -> bytes:
    """A table of these entries, in this order, without gaps."""
    places = entry_offsets(entries) if offsets is None else offsets
    count = len(entries) if num is None else num
    head = pack("<4I", ver, count, *reserved) + pack(f"<{len(places)}I", *places)
    return head + b"".join(entries)


def entry_offsets(entries: Sequence[bytes]) -> list[int]:
    """Where resource_table puts the entries."""
    at = RESOURCE_TABLE_SIZE + 4 * len(entries)
    return [at + sum(map(len, entries[:i])) for i in range(len(entries))]


def _name(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")[:RSC_NAME_SIZE].ljust(RSC_NAME_SIZE, b"\0")

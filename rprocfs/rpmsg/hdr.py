"""The messages on an rpmsg ring: `struct rpmsg_hdr`, `struct rpmsg_ns_msg` -- rpmsg.h.

Both are little endian, whatever the host: this is VIRTIO 1.x, and legacy devices are served on
little-endian hosts only.
"""

from struct import Struct
from typing import NamedTuple

RPMSG_ADDR_ANY = 0xFFFFFFFF
RPMSG_RESERVED_ADDRESSES = 1024
RPMSG_NS_ADDR = 53
RPMSG_NAME_SIZE = 32

RPMSG_NS_CREATE = 0
RPMSG_NS_DESTROY = 1

VIRTIO_RPMSG_F_NS = 0
VIRTIO_RPMSG_F_BUFSZ = 1
"""Feature bit: the remote announces its channels."""

_HDR = Struct("<IIIHH")
_NS = Struct("<32sII")

RPMSG_HDR_SIZE = _HDR.size
RPMSG_NS_MSG_SIZE = _NS.size

unpack_hdr = _HDR.unpack_from
"""(src, dst, reserved, len, flags) at an offset; struct.error if it does not fit."""

pack_hdr_into = _HDR.pack_into
"""Write src, dst, reserved, len, flags at an offset of a buffer not yet published."""


class RpmsgHdr(NamedTuple):
    """`struct rpmsg_hdr`: what stands before every message."""

    src: int
    dst: int
    reserved: int = 0
    len: int = 0
    flags: int = 0

    @classmethod
    def unpack(cls, buf: bytes | bytearray | memoryview) -> "RpmsgHdr":
        """The header at the start of `buf`; ValueError if it is shorter than a header."""
        if len(buf) < RPMSG_HDR_SIZE:
            raise ValueError(f"rpmsg header of {len(buf)} bytes")
        return cls(*_HDR.unpack_from(buf))

    def pack(self) -> bytes:
        """The 16 bytes; struct.error if a field does not fit."""
        return _HDR.pack(*self)


class RpmsgNsMsg(NamedTuple):
    """`struct rpmsg_ns_msg`: a channel appears (RPMSG_NS_CREATE) or goes (RPMSG_NS_DESTROY)."""

    name: str
    addr: int
    flags: int = RPMSG_NS_CREATE

    @classmethod
    def unpack(cls, buf: bytes | bytearray | memoryview) -> "RpmsgNsMsg":
        """The announcement that fills `buf`; ValueError at any other size: `malformed ns msg`.

        The name ends at its first NUL and has at most 31 bytes: the kernel forces a NUL into the
        last one. Bytes that are not UTF-8 are kept as surrogates.
        """
        if len(buf) != RPMSG_NS_MSG_SIZE:
            raise ValueError(f"name service message of {len(buf)} bytes")
        name, addr, flags = _NS.unpack(buf)
        return cls(_name(name), addr, flags)

    def pack(self) -> bytes:
        """The 40 bytes; a name of more than 31 bytes is cut, as strscpy does."""
        name = self.name.encode("utf-8", "surrogateescape")[: RPMSG_NAME_SIZE - 1]
        return _NS.pack(name, self.addr, self.flags)

    @property
    def is_destroy(self) -> bool:
        """Whether the channel goes: bit 0 alone decides, as in the kernel."""
        return bool(self.flags & RPMSG_NS_DESTROY)


def _name(field: bytes) -> str:
    return field[: RPMSG_NAME_SIZE - 1].split(b"\0", 1)[0].decode("utf-8", "surrogateescape")

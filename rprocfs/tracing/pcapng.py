"""The messages of a recording as a capture file -- draft-ietf-opsawg-pcapng.

An interface is a processor, of the link type USER0. A frame is ``struct rpmsg_hdr`` and the data;
outbound is what the host sent. ``rpmsg.lua`` dissects it in Wireshark.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from rprocfs.base.trace import Kind
from rprocfs.tracing.recording import Recording

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
LINKTYPE_USER0 = 147
BYTE_ORDER, VERSION = 0x1A2B3C4D, (1, 0)
#: Options: the end, the name of an interface, its unit of time (10**-9 s), the way of a packet.
END, IF_NAME, IF_TSRESOL, EPB_FLAGS = 0, 2, 9, 2
NANOSECONDS = 9
INBOUND, OUTBOUND = 1, 2
_block = struct.Struct("<II")


def capture(recording: Recording) -> bytes:
    """All of it."""
    return b"".join(_blocks(recording))


def _blocks(recording: Recording) -> Iterator[bytes]:
    yield _packed(SECTION, struct.pack("<IHHq", BYTE_ORDER, *VERSION, -1))
    interfaces = {track: number for number, track in enumerate(sorted(recording.tracks))}
    for track in interfaces:
        name = _option(IF_NAME, recording.tracks[track].encode())
        unit = _option(IF_TSRESOL, bytes([NANOSECONDS]))
        about = struct.pack("<HHI", LINKTYPE_USER0, 0, 0)
        yield _packed(INTERFACE, about + name + unit + _option(END, b""))
    for event in recording.events:
        if event.kind in (Kind.TO, Kind.FROM) and event.track in interfaces:
            time, size = event.time + recording.offset, len(event.content)
            way = OUTBOUND if event.kind is Kind.TO else INBOUND
            head = (interfaces[event.track], time >> 32, time & 0xFFFF_FFFF, size, size)
            content = struct.pack("<5I", *head) + _padded(event.content)
            flags = _option(EPB_FLAGS, struct.pack("<I", way))
            yield _packed(PACKET, content + flags + _option(END, b""))


def _packed(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return _block.pack(kind, size) + body + struct.pack("<I", size)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)

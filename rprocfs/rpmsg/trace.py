"""A link that records messages and endpoints by :mod:`rprocfs.base.trace` -- not in the kernel."""

from __future__ import annotations

import struct
from typing import Any

from rprocfs.base.device import Device
from rprocfs.base.trace import Kind, Track
from rprocfs.rpmsg.endpoint import RpmsgEndpoint
from rprocfs.rpmsg.rx import Endpoints, Message, Rx
from rprocfs.rpmsg.tx import Tx

_HDR = struct.Struct("<IIIHH")


def track_of(device: Device) -> Track | None:
    """The track of the processor below which the *device* is; None if nothing is recorded."""
    trace, above = device.model.trace, device.parent
    while trace is not None and above is not None:
        if getattr(above, "devtype", None) == "remoteproc":
            return trace.track(above.name)
        above = above.parent
    return None


def _message(src: int, dst: int, data: bytes) -> bytes:
    return _HDR.pack(src, dst, 0, len(data), 0) + data


class TracedTx(Tx):
    """Records a message when it is in the ring, before the doorbell."""

    def __init__(self, track: Track, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._track = track

    def _fill(self, token: int, src: int, dst: int, data: bytes) -> None:
        super()._fill(token, src, dst, data)
        self._track.add(Kind.TO, _message(src, dst, bytes(data)))


class TracedRx(Rx):
    """Records a message when it is taken off the ring, before it is delivered."""

    def __init__(self, track: Track, *arguments: Any) -> None:
        self._track = track
        super().__init__(*arguments)

    def _recv_single(self, token: int, length: int) -> Message | None:
        message = super()._recv_single(token, length)
        if message is not None:
            content = _message(message.src, message.ept.addr, message.data)
            self._track.add(Kind.FROM, content)
        return message


class TracedEndpoints(Endpoints):
    """Records addresses that come and go."""

    def __init__(self, track: Track) -> None:
        super().__init__()
        self._track = track

    def alloc(self, ept: RpmsgEndpoint, addr: int) -> int:
        """See :class:`Endpoints`."""
        given = super().alloc(ept, addr)
        self._track.number(Kind.ENDPOINT, given)
        return given

    def remove(self, ept: RpmsgEndpoint) -> None:
        """See :class:`Endpoints`."""
        super().remove(ept)
        self._track.number(Kind.ENDPOINT_GONE, ept.addr)

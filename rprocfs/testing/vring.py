"""The far side of a vring, for tests: made for it, on memory of its own.

link = RpmsgLink()
link.remote.announce("rpmsg-raw", 0x400)
token, length = link.input.get_buf()
"""

import errno
import os

from rprocfs.rpmsg.hdr import RPMSG_HDR_SIZE, RpmsgHdr
from rprocfs.rpmsg.remote import Message, RpmsgRemote, Translate
from rprocfs.virtio.device_ring import BadChain, Chain, Desc, DeviceQueue
from rprocfs.virtio.ring import Virtqueue, Vring, vring_size

__all__ = [
    "BadChain", "Chain", "Desc", "DeviceQueue", "Message", "RpmsgLink", "RpmsgRemote", "Translate",
]  # fmt: skip


def loose_vring(num: int, align: int = 16) -> Vring:
    """A ring in memory that nobody else has."""
    return Vring(memoryview(bytearray(vring_size(num, align))), num, align)


class RpmsgLink:
    """Both ends of an rpmsg link: a driver's queues and a `RpmsgRemote`, on the same memory.

    `input` and `output` are set up as virtio_rpmsg_bus does it: every receive buffer is available.
    Their tokens are offsets in `memory`; device addresses count from `base`.
    """

    def __init__(self, num: int = 16, buf_size: int = 512, base: int = 0x40000000) -> None:
        self.base, self.buf_size = base, buf_size
        self.memory = memoryview(bytearray(2 * num * buf_size))
        self.input: Virtqueue[int] = Virtqueue(loose_vring(num), "input")
        self.output: Virtqueue[int] = Virtqueue(loose_vring(num), "output")
        tx, rx = DeviceQueue(self.input.vring), DeviceQueue(self.output.vring)
        self.remote = RpmsgRemote(tx, rx, self.translate)
        for at in range(0, num * buf_size, buf_size):
            self.input.add_inbuf(base + at, buf_size, at)
        self._unused = list(range(num * buf_size, len(self.memory), buf_size))

    def translate(self, da: int, size: int) -> memoryview | None:
        """The memory at a device address."""
        start = da - self.base
        inside = 0 <= start <= len(self.memory) - size
        return self.memory[start : start + size] if inside else None

    def send(self, src: int, dst: int, data: bytes) -> None:
        """A message from the host; OSError(ENOSPC) where the remote took none of the others."""
        used = None if self._unused else self.output.get_buf()
        if used is not None:
            self._unused.append(used[0])
        if not self._unused:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        at = self._unused.pop(0)
        message = RpmsgHdr(src, dst, 0, len(data)).pack() + data
        self.memory[at : at + len(message)] = message
        self.output.add_outbuf(self.base + at, len(message), at)

    def receive(self) -> tuple[RpmsgHdr, bytes] | None:
        """The next message of the remote, whose buffer it gets back; BadRing as get_buf."""
        used = self.input.get_buf()
        if used is None:
            return None
        at, length = used
        message = bytes(self.memory[at : at + length])
        self.input.add_inbuf(self.base + at, self.buf_size, at)
        return RpmsgHdr.unpack(message), message[RPMSG_HDR_SIZE:]

"""The remote's end of an rpmsg link: what firmware does with the two rings of its vdev.

Sans-I/O: it works on memory that both sides map, and reports the rings for which the host wants a
signal. It has no thread and no doorbell. The simulated processor and the tests use it.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from rprocfs.rpmsg.hdr import (
    RPMSG_HDR_SIZE,
    RPMSG_NS_ADDR,
    RPMSG_NS_CREATE,
    RPMSG_NS_DESTROY,
    RpmsgNsMsg,
    pack_hdr_into,
    unpack_hdr,
)
from rprocfs.virtio.device_ring import BadChain, Chain, DeviceQueue

Translate = Callable[[int, int], memoryview | None]
"""(device address, length) -> the memory there, or None if there is none."""


class Message(NamedTuple):
    """What the host sent."""

    src: int
    dst: int
    flags: int
    data: bytes

    @property
    def ns(self) -> RpmsgNsMsg | None:
        """The announcement of a channel by the host, or None for any other message."""
        if self.dst != RPMSG_NS_ADDR:
            return None
        try:
            return RpmsgNsMsg.unpack(self.data)
        except ValueError:
            return None


class RpmsgRemote:
    """Both rings of an rpmsg vdev, from the remote's side.

    `tx` is the ring that this side fills, the host's receive ring (vring 0 of the vdev); `rx` the
    one it empties (vring 1). After sending or receiving ask each queue's `needs_interrupt`.
    """

    def __init__(self, tx: DeviceQueue, rx: DeviceQueue, translate: Translate) -> None:
        self.tx, self.rx = tx, rx
        self._translate = translate

    def send(self, src: int, dst: int, data: bytes, flags: int = 0) -> None:
        """Put one message into the host's receive ring.

        OSError(ENOSPC) if the host has left no buffer, OSError(EMSGSIZE) if the message does
        not fit into the next one, OSError(EFAULT) if that one is in no memory; it stays then.
        """
        size = RPMSG_HDR_SIZE + len(data)
        head, buf = self._next_buffer(size)
        buf[RPMSG_HDR_SIZE:size] = data
        pack_hdr_into(buf, 0, src, dst, 0, len(data), flags)
        self.tx.push(head, size)

    def announce(self, name: str, addr: int) -> None:
        """Tell the host of a channel; OSError as send."""
        self.send(RPMSG_NS_ADDR, RPMSG_NS_ADDR, RpmsgNsMsg(name, addr, RPMSG_NS_CREATE).pack())

    def withdraw(self, name: str, addr: int) -> None:
        """Tell the host that the channel is gone; OSError as send."""
        self.send(RPMSG_NS_ADDR, RPMSG_NS_ADDR, RpmsgNsMsg(name, addr, RPMSG_NS_DESTROY).pack())

    def receive(self) -> Message | None:
        """The next message of the host, its buffer given back; None if there is none.

        What is no message is passed over.
        """
        while (chain := self._pop()) is not None:
            message = self._message(chain)
            self.rx.push(chain.head, chain.descs[0].len)
            if message is not None:
                return message
        return None

    def messages(self) -> Iterator[Message]:
        """Every message that waits, as receive gives them."""
        while (message := self.receive()) is not None:
            yield message

    def echo(self) -> int:
        """Send every waiting message back to its sender, from the address it was sent to.

        Returns how many came. An answer for which the host has left no room is dropped.
        """
        count = 0
        for message in self.messages():
            count += 1
            with suppress(OSError):
                self.send(message.dst, message.src, message.data)
        return count

    def _pop(self) -> Chain | None:
        while True:
            try:
                return self.rx.pop()
            except BadChain:
                continue

    def _message(self, chain: Chain) -> Message | None:
        buf = self._translate(chain.descs[0].addr, chain.descs[0].len)
        if buf is None or len(buf) < RPMSG_HDR_SIZE:
            return None
        src, dst, _, length, flags = unpack_hdr(buf)
        data = bytes(buf[RPMSG_HDR_SIZE : RPMSG_HDR_SIZE + length])
        return Message(src, dst, flags, data) if len(data) == length else None

    def _next_buffer(self, size: int) -> tuple[int, memoryview]:
        """Take a buffer of the host's for `size` bytes: (head, memory)."""
        try:
            chain = self.tx.peek()
        except BadChain as bad:
            raise _error(errno.EFAULT) from bad
        if chain is None:
            raise _error(errno.ENOSPC)
        desc = chain.descs[0]
        if size > desc.len or not desc.writable:
            raise _error(errno.EMSGSIZE)
        buf = self._translate(desc.addr, size)
        if buf is None:
            raise _error(errno.EFAULT)
        self.tx.pop()
        return chain.head, buf


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))

"""The driver's side of a split virtqueue -- drivers/virtio/virtio_ring.c.

Sans-I/O and unlocked: a queue is a set of views over one memoryview that the far side maps too.
Its user holds a lock around every call and rings the doorbell.

Nothing that the far side writes is trusted. Only the used ring and the avail event index are read
back; descriptors and the free list are written to shared memory, but read from a private copy.
An invalid used entry is skipped and raised as a `BadRing`, whose class names the cause. The queue
stays consistent and usable. The kernel gives up such a queue; to do the same, set `broken`.

Shared words go through `memoryview.cast` views, whose loads and stores of one element are never
torn.
"""

import errno
import os
import sys
from typing import Generic, TypeVar

from rprocfs.virtio.barrier import IS_TSO, Barrier

assert sys.byteorder == "little", "rings are written in host order, and are little endian"

VRING_DESC_F_NEXT = 1
VRING_DESC_F_WRITE = 2
VRING_DESC_F_INDIRECT = 4
VRING_AVAIL_F_NO_INTERRUPT = 1
VRING_USED_F_NO_NOTIFY = 1

VIRTIO_RING_F_INDIRECT_DESC = 28
VIRTIO_RING_F_EVENT_IDX = 29

# Words of `avail` and `used`.
FLAGS, IDX, RING = 0, 1, 2

_DESC_SIZE = 16
_USED_ELEM_SIZE = 8
_MAX_BUFFERS = 0x8000
_U16 = 0xFFFF
_U32 = 0xFFFFFFFF


def vring_size(num: int, align: int) -> int:
    """Bytes of a legacy vring of `num` descriptors; its used ring is aligned to `align`."""
    return _used_offset(num, align) + 2 * 3 + _USED_ELEM_SIZE * num


def _used_offset(num: int, align: int) -> int:
    """Round up as the kernel does, also where `align` is no power of two."""
    return (_DESC_SIZE * num + 2 * (3 + num) + align - 1) & ~(align - 1)


def vring_need_event(event: int, new: int, old: int) -> bool:
    """Whether going from index `old` to `new` passes the `event` that the other side waits for."""
    return (new - event - 1) & _U16 < (new - old) & _U16


class BadRing(Exception):
    """The far side wrote something impossible; raised by get_buf, which has stepped over it.

    The text is the kernel's if it has one, with the queue's name in front as BAD_RING has it.
    `token` and `len` are those of the buffer that came back with it, if one did.
    """

    def __init__(self, text: str, token: object = None, length: int = 0) -> None:
        super().__init__(text)
        self.token = token
        self.len = length


class IdOutOfRange(BadRing):
    """A used id that is no descriptor's; no buffer came back."""


class NotAHead(BadRing):
    """A used id that was not made available, or came back before; no buffer came back."""


class LenTooLong(BadRing):
    """More bytes written than the buffer has; the buffer came back, do not read it."""


class IndexJump(BadRing):
    """A used index beyond what is outstanding, or gone back; all up to it is stepped over."""


class Vring:
    """`struct vring`: where the three parts of a ring lie in one piece of memory.

    `desc` holds two 64-bit words a descriptor (address; length, flags, next), `avail` and `used`
    16-bit words (flags, index; in `avail` then the ring and the used event), `used_ring` one 64-bit
    word an element (id, length), `avail_event` the 16-bit word behind it.
    """

    __slots__ = ("align", "avail", "avail_event", "desc", "memory", "num", "used", "used_ring")

    def __init__(self, memory: memoryview, num: int, align: int) -> None:
        """Lay a ring over the start of `memory`; OSError(EINVAL) if it does not fit."""
        if num <= 0 or align <= 0 or len(memory) < vring_size(num, align):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        used, end = _used_offset(num, align), vring_size(num, align)
        self.memory = memory = memory[:end]
        self.num, self.align = num, align
        self.desc = memory[: _DESC_SIZE * num].cast("Q")
        self.avail = memory[_DESC_SIZE * num :][: 2 * (3 + num)].cast("H")
        self.used = memory[used : used + 4].cast("H")
        self.used_ring = memory[used + 4 : end - 2].cast("Q")
        self.avail_event = memory[end - 2 :].cast("H")

    def clear(self) -> None:
        """Zero it, as rp_find_vq does before a driver takes it."""
        self.memory[:] = bytes(len(self.memory))


Token = TypeVar("Token")


class Virtqueue(Generic[Token]):
    """`struct virtqueue`: what a driver does with a ring. A buffer is one descriptor.

    Tokens are any objects but None, and come back from get_buf. A new queue clears the ring: both
    indices start at 0. `event_idx` says whether VIRTIO_RING_F_EVENT_IDX was negotiated.
    """

    __slots__ = (
        "_avail",
        "_avail_event",
        "_avail_flags",
        "_avail_idx",
        "_barrier",
        "_desc",
        "_event_idx",
        "_free",
        "_last_used_idx",
        "_lens",
        "_mask",
        "_num_added",
        "_tokens",
        "_used",
        "_used_ring",
        "broken",
        "name",
        "num",
        "vring",
    )

    def __init__(self, vring: Vring, name: str = "", *, event_idx: bool = False) -> None:
        vring.clear()
        self.vring, self.name, self.num = vring, name, vring.num
        self.broken = False
        self._event_idx = event_idx
        self._barrier = Barrier()
        self._avail, self._used, self._desc = vring.avail, vring.used, vring.desc
        self._used_ring, self._avail_event = vring.used_ring, vring.avail_event
        # The kernel masks, also where num is no power of two.
        self._mask = vring.num - 1
        buffers = min(vring.num, _MAX_BUFFERS)
        # A stack, as the kernel's free list is: ids come in its order.
        self._free = list(range(buffers - 1, -1, -1))
        self._tokens: list[Token | None] = [None] * buffers
        self._lens = [0] * buffers
        self._avail_flags = self._avail_idx = self._last_used_idx = self._num_added = 0

    @property
    def num_free(self) -> int:
        """Descriptors that hold no buffer."""
        return len(self._free)

    def add_outbuf(self, addr: int, length: int, token: Token) -> None:
        """Make a buffer for the far side to read available. It may see it at once, before a kick.

        OSError(ENOSPC) if the ring is full, OSError(EIO) if it is broken.
        """
        # The far side only reads this buffer, so a length that it reports for it is ignored.
        self._add(addr, length, token, _U32)

    def add_inbuf(self, addr: int, length: int, token: Token) -> None:
        """The same for a buffer that the far side writes, up to `length` bytes."""
        self._add(addr, length | VRING_DESC_F_WRITE << 32, token, length)

    def _add(self, addr: int, rest: int, token: Token, limit: int) -> None:
        """virtqueue_add_split; `rest` is the second word of the descriptor."""
        if not self._free or self.broken:
            raise self._cannot_add()
        head = self._free.pop()
        self._tokens[head] = token
        self._lens[head] = limit
        desc, avail, idx = self._desc, self._avail, self._avail_idx
        desc[2 * head] = addr
        desc[2 * head + 1] = rest
        avail[RING + (idx & self._mask)] = head
        if not IS_TSO:
            self._barrier()
        avail[IDX] = self._avail_idx = (idx + 1) & _U16
        self._num_added += 1

    def _cannot_add(self) -> OSError:
        number = errno.EIO if self.broken else errno.ENOSPC
        return OSError(number, os.strerror(number))

    def kick_prepare(self) -> bool:
        """Whether the far side wants to be told of what was added since the last call."""
        new, old = self._avail_idx, self._avail_idx - self._num_added
        self._num_added = 0
        self._barrier()
        if self._event_idx:
            return vring_need_event(self._avail_event[0], new, old)
        return not self._used[FLAGS] & VRING_USED_F_NO_NOTIFY

    def more_used(self) -> bool:
        """Whether get_buf has something to say."""
        return self._used[IDX] != self._last_used_idx

    def get_buf(self) -> tuple[Token, int] | None:
        """The next buffer that came back and the bytes written to it; None if there is none.

        BadRing if the entry is invalid; the next call continues after it. A broken queue
        has nothing.
        """
        last, used_idx = self._last_used_idx, self._used[IDX]
        if used_idx == last or self.broken:
            return None
        if (used_idx - last) & _U16 > len(self._tokens) - len(self._free):
            raise self._index_jump(used_idx)
        if not IS_TSO:
            self._barrier()
        elem = self._used_ring[last & self._mask]
        self._last_used_idx = last = (last + 1) & _U16
        if self._event_idx and not self._avail_flags:
            self._avail[RING + self.num] = last
            self._barrier()
        return self._detach_buf(elem & _U32, elem >> 32)

    def _detach_buf(self, head: int, length: int) -> tuple[Token, int]:
        if head >= len(self._tokens):
            raise IdOutOfRange(f"{self.name}:id {head} out of range")
        token = self._tokens[head]
        if token is None:
            raise NotAHead(f"{self.name}:id {head} is not a head!")
        self._tokens[head] = None
        self._free.append(head)
        if length > self._lens[head]:
            text = f"{self.name}:id {head} used {length} bytes of {self._lens[head]}"
            raise LenTooLong(text, token, length)
        return token, length

    def _index_jump(self, used_idx: int) -> IndexJump:
        last, self._last_used_idx = self._last_used_idx, used_idx
        outstanding = len(self._tokens) - len(self._free)
        return IndexJump(f"{self.name}:used index {last} to {used_idx}, {outstanding} outstanding")

    def detach_unused_buf(self) -> Token | None:
        """The token of some buffer that did not come back, None when there is none left.

        For taking a queue down, once the far side is quiet.
        """
        for head, token in enumerate(self._tokens):
            if token is not None:
                self._tokens[head] = None
                self._free.append(head)
                return token
        return None

    def disable_cb(self) -> None:
        """Ask the far side not to signal buffers that it used. A hint: signals may still come."""
        self._avail_flags = VRING_AVAIL_F_NO_INTERRUPT
        if self._event_idx:
            self._avail[RING + self.num] = 0
        else:
            self._avail[FLAGS] = VRING_AVAIL_F_NO_INTERRUPT

    def enable_cb(self) -> bool:
        """Ask for signals again; False if some buffer came back meanwhile, so look once more."""
        self._avail_flags = 0
        if not self._event_idx:
            self._avail[FLAGS] = 0
        self._avail[RING + self.num] = self._last_used_idx
        self._barrier()
        return not self.more_used()

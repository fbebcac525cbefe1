"""The device's side of a split virtqueue: what firmware does with a ring -- virtio 1.x, 2.7.

For models of a remote processor that live in this process, and for tests of the driver's side.
Sans-I/O and unlocked, as `virtio.ring`. It does not believe the driver either: a chain that leaves
the table, loops, or starts at no descriptor is stepped over and raised as a `BadChain`.

Slots are counted modulo `num`, as firmware does; the kernel masks, which is the same for a power of
two.
"""

from typing import NamedTuple

from rprocfs.virtio.barrier import IS_TSO, Barrier
from rprocfs.virtio.ring import (
    FLAGS,
    IDX,
    RING,
    VRING_AVAIL_F_NO_INTERRUPT,
    VRING_DESC_F_INDIRECT,
    VRING_DESC_F_NEXT,
    VRING_DESC_F_WRITE,
    VRING_USED_F_NO_NOTIFY,
    Vring,
    vring_need_event,
)

_U16 = 0xFFFF
_U32 = 0xFFFFFFFF


class BadChain(Exception):
    """The driver made an impossible chain available; raised by pop, which has stepped over it."""


class Desc(NamedTuple):
    """`struct vring_desc`, one buffer of a chain."""

    addr: int
    len: int
    flags: int
    next: int

    @property
    def writable(self) -> bool:
        """Whether the device writes it; otherwise it reads it."""
        return bool(self.flags & VRING_DESC_F_WRITE)


class Chain(NamedTuple):
    """Buffers that belong together; `head` is the id to give back."""

    head: int
    descs: tuple[Desc, ...]


class DeviceQueue:
    """The far side of a `Virtqueue` on the same memory.

    It starts at index 0 of both rings, so make it after the driver cleared them.
    """

    __slots__ = (
        "_avail",
        "_avail_event",
        "_barrier",
        "_desc",
        "_event_idx",
        "_last_avail_idx",
        "_signalled_idx",
        "_used",
        "_used_idx",
        "_used_ring",
        "num",
        "vring",
    )

    def __init__(self, vring: Vring, *, event_idx: bool = False) -> None:
        self.vring, self.num = vring, vring.num
        self._event_idx = event_idx
        self._barrier = Barrier()
        self._avail, self._used, self._desc = vring.avail, vring.used, vring.desc
        self._used_ring, self._avail_event = vring.used_ring, vring.avail_event
        self._last_avail_idx = self._used_idx = self._signalled_idx = 0

    def was_reset(self) -> bool:
        """Whether the driver cleared the ring behind this queue's back: make a new one then."""
        return self._used[IDX] != self._used_idx

    def available(self) -> int:
        """How many chains wait."""
        return (self._avail[IDX] - self._last_avail_idx) & _U16

    def peek(self) -> Chain | None:
        """The chain that pop would return, without taking it; BadChain as pop, which skips it."""
        chain = self.pop()
        if chain is not None:
            self._last_avail_idx = (self._last_avail_idx - 1) & _U16
        return chain

    def pop(self) -> Chain | None:
        """The next chain that the driver made available, None if there is none.

        BadChain if it is invalid; the next call continues after it.
        """
        idx = self._last_avail_idx
        if idx == self._avail[IDX]:
            return None
        if not IS_TSO:
            self._barrier()
        self._last_avail_idx = (idx + 1) & _U16
        if self._event_idx:
            self._avail_event[0] = self._last_avail_idx
        head = self._avail[RING + idx % self.num]
        return Chain(head, self._chain(head))

    def _chain(self, head: int) -> tuple[Desc, ...]:
        descs: list[Desc] = []
        at = head
        while len(descs) < self.num:
            descs.append(self._descriptor(at))
            if not descs[-1].flags & VRING_DESC_F_NEXT:
                return tuple(descs)
            at = descs[-1].next
        raise BadChain(f"chain at {head} loops")

    def _descriptor(self, at: int) -> Desc:
        if at >= self.num:
            raise BadChain(f"descriptor {at} of {self.num}")
        rest = self._desc[2 * at + 1]
        desc = Desc(self._desc[2 * at], rest & _U32, rest >> 32 & _U16, rest >> 48)
        if desc.flags & VRING_DESC_F_INDIRECT:
            raise BadChain(f"descriptor {at} is indirect")
        return desc

    def push(self, head: int, length: int) -> None:
        """Give a chain back with `length` bytes written to it. Any numbers: tests lie with it."""
        self._used_ring[self._used_idx % self.num] = head & _U32 | (length & _U32) << 32
        if not IS_TSO:
            self._barrier()
        self.set_used_idx(self._used_idx + 1)

    def set_used_idx(self, idx: int) -> None:
        """Publish a used index, which only a lying device does by itself."""
        self._used[IDX] = self._used_idx = idx & _U16

    def needs_interrupt(self) -> bool:
        """Whether the driver wants to be signalled for what was pushed since the last call."""
        new, old = self._used_idx, self._signalled_idx
        self._barrier()
        self._signalled_idx = new
        if self._event_idx:
            return vring_need_event(self._avail[RING + self.num], new, old)
        return new != old and not self._avail[FLAGS] & VRING_AVAIL_F_NO_INTERRUPT

    @property
    def silenced(self) -> bool:
        """Whether the driver asks not to be signalled (VRING_AVAIL_F_NO_INTERRUPT)."""
        return bool(self._avail[FLAGS] & VRING_AVAIL_F_NO_INTERRUPT)

    def disable_notify(self) -> None:
        """Ask the driver not to kick: this side polls."""
        self._used[FLAGS] = VRING_USED_F_NO_NOTIFY

    def enable_notify(self) -> bool:
        """Ask for kicks again; False if something was made available meanwhile."""
        self._used[FLAGS] = 0
        self._avail_event[0] = self._last_avail_idx
        self._barrier()
        return not self.available()

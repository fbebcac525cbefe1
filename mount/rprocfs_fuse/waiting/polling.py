"""poll(2), select(2) and epoll on an open file: telling the kernel to ask again."""

from __future__ import annotations

from collections.abc import Callable

from rprocfs.fs.wait import WaitQueue
from rprocfs_fuse.waiting.parked import ParkingLot


class PollWatch:
    """A poll of an open file. It is a waker, handed over like any other."""

    __slots__ = ("kh", "lot", "notify", "queue")

    def __init__(self, lot: ParkingLot, notify: Callable[[int], None], kh: int) -> None:
        self.lot = lot
        self.notify = notify
        self.kh = kh
        self.queue: WaitQueue | None = None

    def __call__(self) -> None:
        """The waker: hand over, do nothing else."""
        self.lot.hand_over(self)

    def woken(self) -> None:
        """Tell the kernel to ask again."""
        self.notify(self.kh)

    def listen(self, queue: WaitQueue | None) -> None:
        """Be woken by *queue*, and by no other any more."""
        if self.queue is not None and self.queue is not queue:
            self.queue.remove(self)
        self.queue = queue
        if queue is not None:
            queue.add(self)

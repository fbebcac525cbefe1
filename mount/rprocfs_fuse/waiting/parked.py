"""Requests that wait for a wake-up, and the thread that tries them again.

A request that would block becomes a :class:`Call` in the :class:`ParkingLot`, and the
reader goes on with the next one. A wake-up only hands the call over. It is tried again at the
end of what the thread of the wake-up does, if that thread has such an end
(:mod:`rprocfs.lib.softirq`): the reader has, and so have those that take doorbells. Otherwise the
lot's own thread tries it.

**One answer.** A call is answered once, by the thread that takes it out of ``calls``. The claim
is a ``dict.pop``, so there is no lock. A wake-up during an attempt sets ``again``, then finds the
call gone. The thread of the attempt puts the call back, then looks at ``again``. So one of the two
always sees the other.
"""

from __future__ import annotations

import errno
import heapq
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from rprocfs.fs.kernfs import error
from rprocfs.fs.wait import Task, WaitQueue, WouldBlock
from rprocfs.lib import softirq
from rprocfs_fuse.operations import failure

#: ``answer(unique, payload)`` and ``refuse(unique, errno)``: the reply to one request.
Answer = Callable[[int, bytes], None]
Refuse = Callable[[int, int], None]


class Woken(Protocol):
    """What can be handed over to the threads that deal with wake-ups."""

    def woken(self) -> None:
        """Do what the wake-up was for."""


class Call:
    """One request that could not be answered at once; as a callable, its own waker.

    *run* does the operation, *pack* makes the reply of its result. *nonblock*: EAGAIN
    instead of waiting. *sleeps*: *run* is only called on a worker.
    """

    __slots__ = (
        "again",
        "deadline",
        "expired",
        "lot",
        "nonblock",
        "pack",
        "queue",
        "run",
        "sleeps",
        "task",
        "unique",
    )

    def __init__(
        self,
        lot: ParkingLot,
        unique: int,
        run: Callable[[], Any],
        pack: Callable[[Any], bytes],
        *,
        sleeps: bool = False,
        nonblock: bool = False,
    ) -> None:
        self.lot = lot
        self.unique = unique
        self.run = run
        self.pack = pack
        self.sleeps = sleeps
        self.nonblock = nonblock
        #: The task that a signal interrupts while *run* is at work.
        self.task = Task()
        self.again = False
        self.deadline: float | None = None
        self.expired: Callable[[], int] | None = None
        self.queue: WaitQueue | None = None

    def __call__(self) -> None:
        """The waker: hand over, do nothing else."""
        self.lot.hand_over(self)

    def woken(self) -> None:
        """Try again, on a worker if need be."""
        self.lot.retry(self)

    def listen(self, queue: WaitQueue | None) -> None:
        """Be woken by *queue*, and by no other any more."""
        if self.queue is not None:
            self.queue.remove(self)
        self.queue = queue
        if queue is not None:
            queue.add(self)

    def give_up_at(self, wait: WouldBlock) -> bool:
        """Take over what the first *wait* says about giving up; True when that is news."""
        if self.deadline is not None or wait.timeout is None:
            return False
        self.deadline = time.monotonic() + wait.timeout
        self.expired = wait.expired
        return True

    def late(self) -> bool:
        """Whether it is time to give up."""
        return self.deadline is not None and time.monotonic() >= self.deadline


class _Timer:
    """Tells the lot's own thread about a deadline."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call

    def woken(self) -> None:
        """See :class:`Woken`."""
        self.call.lot.add_deadline(self.call)


class ParkingLot:
    """The waiting requests of one mount.

    *offload* gets what has to be tried on a worker. :meth:`start` and :meth:`close` its
    thread.
    """

    def __init__(self, answer: Answer, refuse: Refuse, offload: Callable[[Call], None]) -> None:
        self._answer = answer
        self._refuse = refuse
        self._offload = offload
        self._handed: SimpleQueue[Woken | None] = SimpleQueue()
        self._deadlines: list[tuple[float, int, Call]] = []
        self._thread = threading.Thread(target=self._serve, name="rprocfs-wake", daemon=True)
        self.calls: dict[int, Call] = {}

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self, code: int) -> None:
        """End the thread, then answer all waiting requests with errno *code*."""
        self._handed.put(None)
        self._thread.join()
        for unique in list(self.calls):
            self._claim_and_refuse(unique, code)

    def begin(self, call: Call) -> None:
        """Try *call* for the first time, or again after it would have blocked."""
        self.calls[call.unique] = call
        self.retry(call)

    def interrupt(self, unique: int) -> bool:
        """Answer the waiting request EINTR; False when it does not wait."""
        return self._claim_and_refuse(unique, errno.EINTR)

    def hand_over(self, item: Woken) -> None:
        """Have *item* dealt with, soon, by this thread or by the lot's own one."""
        if not softirq.schedule(item.woken):
            self._handed.put(item)

    def retry(self, call: Call) -> None:
        """Try the call again, on a worker if need be."""
        if not call.sleeps:
            self.attempt(call)
            return
        call.again = True
        if call.unique in self.calls:
            self._offload(call)

    def attempt(self, call: Call) -> None:
        """Try the call here and now, as often as it is woken meanwhile."""
        call.again = True
        while call.again and self.calls.pop(call.unique, None) is not None:
            call.again = False
            if call.queue is not None:
                call.queue.add(call)
            try:
                payload = call.pack(call.run())
            except WouldBlock as wait:
                self._blocked(call, wait)
            except Exception as problem:
                self._finish(call, problem)
            else:
                self._finish(call, payload)

    def add_deadline(self, call: Call) -> None:
        """Give the call up in time; on the lot's own thread only."""
        if call.deadline is not None:
            heapq.heappush(self._deadlines, (call.deadline, call.unique, call))

    def _blocked(self, call: Call, wait: WouldBlock) -> None:
        if call.task.signal_pending:
            self._finish(call, error(errno.EINTR))
            return
        if call.nonblock:
            self._finish(call, wait)
            return
        if wait.queue is not call.queue:
            call.listen(wait.queue)
            call.again = True  # it may have been woken before it listened
        news = call.give_up_at(wait)
        self.calls[call.unique] = call
        if news or call.late():
            self._handed.put(_Timer(call))

    def _finish(self, call: Call, outcome: bytes | Exception) -> None:
        call.listen(None)
        if isinstance(outcome, bytes):
            self._answer(call.unique, outcome)
        else:
            self._refuse(call.unique, failure(outcome))

    def _claim_and_refuse(self, unique: int, code: int) -> bool:
        call = self.calls.pop(unique, None)
        if call is None:
            return False
        call.listen(None)
        self._refuse(unique, code)
        return True

    def _expire(self, call: Call) -> None:
        if self.calls.pop(call.unique, None) is None:
            return
        try:
            if call.expired is None:
                raise error(errno.ETIMEDOUT)
            outcome: bytes | Exception = call.pack(call.expired())
        except Exception as problem:
            outcome = problem
        self._finish(call, outcome)

    def _serve(self) -> None:
        while True:
            try:
                item = self._handed.get(timeout=self._expire_due())
            except Empty:
                continue
            if item is None:
                return
            item.woken()

    def _expire_due(self) -> float | None:
        """Give up what is due; seconds until the next is."""
        while self._deadlines:
            left = self._deadlines[0][0] - time.monotonic()
            if left > 0:
                return left
            self._expire(heapq.heappop(self._deadlines)[2])
        return None

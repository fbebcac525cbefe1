"""Polling for a moment before a sleep -- kvm_vcpu_halt() of virt/kvm/kvm_main.c.

A process that sleeps has to be woken, and finds cold caches, which takes longer than the answer
of most firmware. So a core that was woken soon by a message looks for the next one for as long,
and sleeps if there is none. It sleeps at once

- if it waited for a timer, or for longer than :data:`LONGEST`, the last time;
- on a single CPU, where it would only keep the sender from it;
- for a while, if others got the CPU in the middle of a poll: they need it more.
"""

from __future__ import annotations

from rprocfs.engines.unicorn import ports
from rprocfs.hw.clock import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Nanoseconds: the first polls, and the longest (``KVM_HALT_POLL_NS_DEFAULT``).
SHORTEST, LONGEST = 50_000, 200_000
#: Who is away for so long between two looks was preempted; for so long there is no poll then.
PREEMPTED, YIELD = 500_000, 1_000_000_000


class HaltPoll:
    """The sleeps of a core, by the clock *now*, on a machine of so many *cpus*."""

    def __init__(self, now: Callable[[], int], cpus: int) -> None:
        self._now = now
        self._longest = LONGEST if cpus > 1 else 0
        self._not_before = 0
        #: For so long the next sleep is put off.
        self.nanoseconds = 0

    def wait(self, sockets: tuple[ports.Socket, ...], seconds: float | None) -> None:
        """As :func:`.ports.wait`."""
        begin = now = self._now()
        until = begin + self.nanoseconds
        if seconds is not None:
            until = min(until, begin + int(seconds * SECOND))
        while now < until:
            if ports.wait(sockets, 0):
                return
            before, now = now, self._now()
            if now - before > PREEMPTED:
                self._not_before = now + YIELD
                break
        left = None if seconds is None else max(0, seconds - (now - begin) / SECOND)
        self._adapt(begin, ports.wait(sockets, left))

    def _adapt(self, begin: int, came: bool) -> None:
        """The poll found nothing, or there was none; whether a message *came* all the same."""
        now, longer = self._now(), min(max(SHORTEST, 2 * self.nanoseconds), self._longest)
        soon = came and now - begin < self._longest and now >= self._not_before
        self.nanoseconds = longer if soon else 0

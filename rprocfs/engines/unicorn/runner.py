"""Runs a core in Unicorn, whatever its architecture: slices, sleeping, and accesses that end one.

Unicorn runs in slices (:mod:`.slices`), on one thread: stopping it from another corrupts
its state. Between two slices sockets and timers are looked at, and exceptions taken.

**Interrupt latency.** A slice lasts about 0.2 ms, or until a timer's next tick.

**Accesses that end a slice at once.** Stopping Unicorn in a load or store leaves the PC at that
instruction, its access done and nothing else. So it is executed once more by itself,
with the access played back: a load gets the value it got, a store is not repeated.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

from rprocfs.engines.unicorn import libunicorn, ports
from rprocfs.engines.unicorn.debugger import Attention
from rprocfs.engines.unicorn.halt_poll import HaltPoll
from rprocfs.engines.unicorn.slices import slices
from rprocfs.hw.clock import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, Protocol

    from rprocfs.engines.unicorn.coverage import Coverage
    from rprocfs.engines.unicorn.debugger import Debugger
    from rprocfs.engines.unicorn.libunicorn import Unicorn
    from rprocfs.engines.unicorn.probes import Probes
    from rprocfs.engines.unicorn.sampler import Sampler
    from rprocfs.engines.unicorn.spin_watch import SpinWatch
    from rprocfs.hw.clock import Clock

    class Timers(Protocol):
        """What passes its time between two slices."""

        @property
        def deadline(self) -> int | None:
            """When :meth:`poll` next has something to do by itself."""

        def poll(self) -> None:
            """Let time pass; something may have come in."""


LOOK_NS = 100_000  # that long the sockets may wait between two short slices
PATIENT_NS = 20_000_000  # and that long, if threads would execute nothing otherwise
SLICE_NS = 300_000  # slices are made to last that long at most


class Reset(Exception):
    """The processor is reset: (reason, crash type)."""


class Runner(ABC):
    """Runs *unicorn* until a :class:`Reset`, a :class:`~rprocfs.engines.unicorn.ports.Closed`, or
    what its architecture dies of. *now* is the wall clock. The last two of the *sockets* are a
    debugger's, and the parent's: a byte from there is a
    :class:`~rprocfs.engines.unicorn.ports.Halted`."""

    #: What serves the debugger's socket, and the clock that stands still meanwhile; set before
    #: :meth:`run`, if the architecture has a stub.
    debugger: Debugger | None = None
    clock: Clock

    def __init__(
        self,
        unicorn: Unicorn,
        timers: Timers,
        sockets: tuple[ports.Socket, ...],
        now: Callable[[], int],
        spins: SpinWatch,
    ) -> None:
        self._uc, self._timers, self._sockets = unicorn, timers, sockets
        self._now = now
        self._spins = spins
        self._halt_poll = HaltPoll(now, len(os.sched_getaffinity(0)))
        self._event: Callable[[], None] | None = None
        self._reset: Reset | None = None
        self._cut: tuple[int, int, int] | None = None  # pc, address, value of an access
        self._replay: tuple[int, int, int] | None = None
        self._played = 0
        self._slices = slices(unicorn)
        self._coverage: Coverage | None = None
        self._sampler: Sampler | None = None
        self._count = self._slices.longest
        self._looked = 0
        self._resumed = self._stepping = False
        self._inside = False  # whether exceptions may be taken while Unicorn runs

    # What an architecture says

    @property
    @abstractmethod
    def pc(self) -> int:
        """The address of the next instruction."""

    @property
    @abstractmethod
    def entry(self) -> int:
        """The same, for ``uc_emu_start``: bit 0 asks for Thumb state."""

    @abstractmethod
    def begin(self) -> None:
        """Reset the core."""

    @abstractmethod
    def take_pending(self) -> None:
        """Take the exception that is due, if one is."""

    @abstractmethod
    def wakes(self) -> bool:
        """Whether a sleeping core goes on."""

    @abstractmethod
    def before(self) -> None:
        """In front of a run of instructions."""

    @abstractmethod
    def after(self) -> None:
        """Behind a run of instructions that ended as it should."""

    @abstractmethod
    def waited(self) -> bool:
        """Whether the run ended, by no hook, with an instruction that waits."""

    @property
    def stays(self) -> bool:
        """Whether exceptions may be taken while Unicorn runs: whatever looks on sees runs end."""
        attached = self.debugger is not None and self.debugger.attached
        return self._slices.tells and not (self._coverage or self._sampler or attached)

    def reached(self) -> int:
        """Behind a run: the address behind the last instruction that counts as executed."""
        return self.pc

    def record(self, probes: Probes) -> None:
        """In front of :meth:`run`: record what is asked for, as far as the architecture can."""
        if probes.coverage is not None:
            self._coverage = probes.coverage
            self._slices.count(probes.coverage)

    def proceed(self) -> None:
        """Go on behind what a debugger halted the core at."""

    # For a debugger: see rprocfs.engines.unicorn.debugger.Core

    def wait(self) -> None:
        """Wait for a socket."""
        ports.wait(self._sockets, None)
        if self._sockets[-1].received:
            raise ports.Halted

    def end_slice(self, event: Callable[[], None]) -> None:
        """In a hook: have *event* called behind the slice, which ends at once."""
        if self._event is None:
            self._event = event
            self._uc.stop()

    def stood_still(self, nanoseconds: int) -> None:
        """No time has passed for the core meanwhile."""
        self.clock.stood_still(nanoseconds)
        self._now = self.clock.wall

    # The loop

    def request_reset(self, reason: str, kind: str) -> None:
        """End with a :class:`Reset`, for instance as the firmware asked for one."""
        self._reset = Reset(reason, kind)
        self._uc.stop()

    def run(self) -> NoReturn:
        """Reset the core, and execute for ever."""
        self.begin()
        ports.wait(self._sockets, 0)
        self._attend()
        # Only from the second block on are they reported as they are translated.
        first = self.pc
        self._slice(1, self._now())
        self._uc.forget(first, first + 2)
        while True:
            try:
                self.proceed()
                self._forever()
            except Attention:
                self._attend()

    def _attend(self) -> None:
        if self.debugger is not None:
            self.debugger.attend()

    def _forever(self) -> NoReturn:
        while True:
            # If a thread was resumed, ticks that are late would let it execute nothing.
            resumed, self._resumed = self._resumed, False
            now, deadline = self._now(), self._timers.deadline
            if now - self._looked >= (PATIENT_NS if resumed else LOOK_NS):
                self._look_around(0)
                now, deadline = self._looked, self._timers.deadline
            elif deadline is not None and now >= deadline and not resumed:
                self._timers.poll()
                deadline = self._timers.deadline
            self.take_pending()
            self._slice(self._budget(now, deadline), now)

    def _look_around(self, seconds: float | None) -> None:
        if seconds == 0:
            ports.wait(self._sockets, 0)
            self._looked = self._now()
        else:
            self._rest(seconds)
            self._looked = self._now()
        if self._sockets[-1].received:
            raise ports.Halted
        if self._sockets[-2].received and self.debugger is not None:
            raise Attention
        if seconds == 0:
            self._spins.look(self._looked)
        else:
            self._spins.rest()
        self._timers.poll()
        if self._reset:  # a watchdog of a core that sleeps
            raise self._reset

    def _rest(self, seconds: float | None) -> None:
        clock, wait = self.clock, self._halt_poll.wait
        if not clock.watched:
            wait(self._sockets, seconds)
            return
        begin = self._now() - clock.busy()
        wait(self._sockets, seconds)
        clock.slept += self._now() - clock.busy() - begin

    def _budget(self, now: int, deadline: int | None) -> int:
        slices = self._slices
        if deadline is None or deadline - now >= slices.longest * 1000 // slices.speed:
            return self._count
        left = max(0, deadline - now) // 1000 * slices.speed
        return max(slices.shortest, min(self._count, left))

    def _slice(self, count: int, begin: int) -> None:
        if self._sampler is None:
            self._execute(count)
        else:
            count = self._sampled(self._sampler, count)
        if self._slices.used_up:  # the next one is shorter if this one was too long
            took = max(1, self._now() - begin)
            fitting = min(self._slices.longest, 2 * self._count, count * SLICE_NS // took)
            self._count = max(self._slices.shortest, fitting)
        while self._cut is not None and self._event is None:
            self._complete()
        event, self._event, self._cut = self._event, None, None
        if event is not None:
            event()
        elif self.waited():
            self._sleep()

    def _sampled(self, sampler: Sampler, count: int) -> int:
        """Execute at most *count*, up to the next sample; how many that was to be.

        A sample may be due in front of a block that is longer: then nothing is executed, once.
        """
        count = max(2, min(count, sampler.left))
        self._execute(count)
        sampler.executed(self._slices.spent)
        return count

    def _execute(self, count: int) -> None:
        self._inside = count > 1 and self.stays
        self.before()
        self._uc.write(libunicorn.SYNDROME, libunicorn.NO_SYNDROME)
        error = self._uc.run(self.entry, self._slices.begin(count))
        if self._coverage is not None:
            self._coverage.stopped(self.reached())
        if self._reset:
            raise self._reset
        if error and self._event is None:
            raise libunicorn.UnicornError(f"unicorn error {error} at {self.pc:#x}")
        self.after()

    def _complete(self) -> None:
        """Execute the instruction of the access that ended a slice to its end."""
        cut, self._cut = self._cut, None
        if cut is None or cut[0] != self.pc:
            return
        self._replay = cut
        self._execute(1)
        if self._replay is not None:
            # Stopped in front of it, as its block is a new one.
            self._replay, self._cut = None, cut

    def _replayed(self, address: int) -> bool:
        """Whether this access was done before its slice ended, with the value _played."""
        replay = self._replay
        if replay is None or replay[1] != address:
            return False
        self._replay, self._played = None, replay[2]
        return True

    # Sleeping

    def _sleep(self) -> None:
        if self._stepping:
            return
        if not self.wakes():
            # What came in before may end a sleep only now: mail does that to a deep one.
            self._timers.poll()
        while not self.wakes():
            self._look_around(self._until_tick())

    def _until_tick(self) -> float | None:
        deadline = self._timers.deadline
        return None if deadline is None else max(0, deadline - self._now()) / SECOND

"""How Unicorn is made to stop: by a budget, or by a count of instructions.

``uc_emu_start`` can count instructions, but then it calls a hook for every one of them, and
takes four times as long. A hook of machine code (:mod:`.native`) on every block of translated
code lets a budget of bytes run down, and stops Unicorn in front of the block that exceeds it.
Such a block is not executed at all, so a budget holds at least the longest one: a page.
An access of a register, which Python answers, counts for many instructions: else a loop that
polls one would keep everything else waiting.

Where machine code cannot be made, instructions are counted.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager

from rprocfs.engines.unicorn import libunicorn
from rprocfs.engines.unicorn.native import Native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rprocfs.engines.unicorn.coverage import Coverage
    from rprocfs.engines.unicorn.libunicorn import Unicorn

#: Bytes that an instruction takes, about; and those of the longest block.
BYTES, LONGEST_BLOCK = 3, 4096
#: Bytes that an access of a register counts for: it takes as long as so many instructions.
ACCESS = 512


class Counted:
    """Slices of counted instructions."""

    #: At most, and at least, so many instructions.
    longest, shortest = 30_000, 500
    #: About what Unicorn does in 1 us; only slices' lengths depend on it.
    speed = 100
    #: Whether a run that was not stopped by a hook ended by itself.
    tells = False
    #: Bytes of code that a budget has at least. With less, nothing at all may be executed.
    least = LONGEST_BLOCK
    #: In front of the block behind :meth:`end`: whether the run goes on all the same.
    ended: Callable[[], bool] = staticmethod(lambda: False)

    def __init__(self, unicorn: Unicorn) -> None:
        self._uc = unicorn
        self._given = 0

    def count(self, coverage: Coverage) -> None:
        """In front of all runs: let *coverage* know what is executed."""
        coverage.hook(self._uc)

    def begin(self, instructions: int) -> int:
        """In front of a run of about so many: the count for ``uc_emu_start``."""
        self._given = instructions
        return instructions

    @property
    def spent(self) -> int:
        """About how many instructions the last run was; at most those that were given."""
        return self._given

    @property
    def used_up(self) -> bool:
        """Whether the run may have ended because the slice did, or was stopped."""
        return True

    @contextmanager
    def empty(self) -> Iterator[None]:
        """Let runs translate the block that they begin with, and execute nothing."""
        yield

    def stop(self) -> None:
        """In a hook: end the run at once, although nothing has happened."""
        self._uc.stop()

    def end(self) -> bool:
        """In an access: end the slice. True: its instruction has to be executed once more."""
        self.stop()
        return True

    @property
    def room(self) -> bool:
        """In a hook: whether at least one more block will be executed."""
        return False

    def accessed(self) -> None:
        """A register was accessed, which takes long."""

    def unmasked(self, call: Callable[[], None]) -> tuple[object, object]:
        """A hook, and its data, that calls *call* if an exception may be due."""
        return libunicorn.CODE(lambda *_: call()), None

    def pending(self, pending: bool) -> None:
        """Whether an exception is pending."""


class Budget(Counted):
    """Slices with a budget. OSError where there are none."""

    longest, shortest = 150_000, LONGEST_BLOCK // BYTES + 1
    speed = 400
    tells = True

    def __init__(self, unicorn: Unicorn) -> None:
        super().__init__(unicorn)
        self._native = Native()
        self._left, self._pending = ctypes.c_int32(), ctypes.c_int32()
        self._single = False
        self._empty = False
        self._held = 0  # what end() took away
        spent = libunicorn.CODE(lambda *_: self._spent())
        hook, left = self._native.spend(self._left, spent)
        self._hook = unicorn.add_hook(libunicorn.HOOK_BLOCK, hook, 1, 0, left)

    def count(self, coverage: Coverage) -> None:
        """See :class:`Counted`."""
        self._uc.unhook(self._hook)
        self._left = coverage.left
        hook, left = self._native.count(coverage, self._uc.lib.uc_emu_stop)
        self._hook = self._uc.add_hook(libunicorn.HOOK_BLOCK, hook, 1, 0, left)

    @contextmanager
    def empty(self) -> Iterator[None]:
        """See :class:`Counted`."""
        kept = self._single, self._held, self._given, self._left.value
        self._empty = True
        yield
        self._empty = False
        self._single, self._held, self._given, self._left.value = kept

    def begin(self, instructions: int) -> int:
        """See :class:`Counted`."""
        if self._empty:
            self._single, self._held, self._given, self._left.value = False, 0, 0, 0
            return 0
        self._single, self._held = instructions == 1, 0
        self._given = self._left.value = max(BYTES * instructions, self.least)
        return 1 if self._single else 0

    @property
    def spent(self) -> int:
        """See :class:`Counted`."""
        return (self._given - max(0, self._left.value)) // BYTES

    @property
    def used_up(self) -> bool:
        """See :class:`Counted`."""
        return self._single or self._left.value < 0

    def stop(self) -> None:
        """See :class:`Counted`."""
        self._cut_off(-1)
        super().stop()

    def end(self) -> bool:
        """In front of the next block, which is where QEMU takes interrupts, too."""
        self._held += max(0, self._left.value)
        self._cut_off(0)
        return False

    def _spent(self) -> None:
        """The budget is used up, in front of a block; or end() took it away."""
        held, self._held = self._held, 0
        if held and self.ended():
            self._given += held
            self._left.value += held
        else:
            super().stop()

    @property
    def room(self) -> bool:
        """See :class:`Counted`."""
        return self._left.value >= self.least

    def _cut_off(self, left: int) -> None:
        """Take away what is left, which is not spent."""
        self._given -= max(0, self._left.value - left)
        self._left.value = left

    def accessed(self) -> None:
        """See :class:`Counted`."""
        # Not below zero, which is for the hook: behind a WFI, the budget is not used up.
        self._left.value = max(0, self._left.value - ACCESS)

    def unmasked(self, call: Callable[[], None]) -> tuple[object, object]:
        """See :class:`Counted`."""
        return self._native.ask(self._pending, libunicorn.CODE(lambda *_: call()))

    def pending(self, pending: bool) -> None:
        """See :class:`Counted`."""
        self._pending.value = pending


def slices(unicorn: Unicorn) -> Counted:
    """The faster ones, if they are to be had."""
    try:
        return Budget(unicorn)
    except OSError:
        return Counted(unicorn)
